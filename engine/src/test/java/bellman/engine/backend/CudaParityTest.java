package bellman.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The same on a GPU; where there is none, each test is reported as skipped, with the reason. */
@Tag("gpu")
class CudaParityTest extends BackendParityTest {
  @Override
  Stream<String> backends() {
    return Stream.of("cuda", Twin.REPRODUCIBLE_CUDA);
  }

  @Override
  boolean keepsInfinity(String backend) {
    return backend.equals(Twin.REPRODUCIBLE_CUDA);
  }

  @Override
  boolean keepsDenormals(String backend) {
    return keepsInfinity(backend);
  }

  @Test
  void twoRunsAreEqualToTheLastBit() {
    float[] first = BackendRunsTest.train(Twin.backend(Twin.REPRODUCIBLE_CUDA, 1), 50);
    assertThat(first).isEqualTo(BackendRunsTest.train(Twin.backend(Twin.REPRODUCIBLE_CUDA, 1), 50));
    for (float value : first) {
      assertThat(value).isFinite();
    }
  }

  @Override
  @Disabled("a CUDA kernel cannot throw")
  void anErrorInsideAKernelReachesTheCaller(String backend) {}
}
