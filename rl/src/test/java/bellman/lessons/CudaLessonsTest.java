package bellman.lessons;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, where a captured step becomes a recording. */
@Tag("gpu")
class CudaLessonsTest extends LessonsTest {
  @BeforeEach
  void opens() {
    try {
      Devices.open("cuda", DeviceOptions.defaults()).close();
    } catch (IllegalStateException e) {
      Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
    }
  }

  @Override
  String device() {
    return "cuda";
  }

  @Override
  void assertCaptured(Lesson07CapturedStep.Figures f) {
    assertThat(f.bodies()).isEqualTo(2);
    assertThat(f.captured()).isLessThan(f.plain());
  }
}
