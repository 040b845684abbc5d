package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class DevicesTest {
  private static final DeviceOptions OPTIONS = DeviceOptions.defaults().withThreads(1);

  @Test
  void anUnknownNameIsAnErrorThatNamesAll() {
    assertThatThrownBy(() -> Devices.open("gpu", OPTIONS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "device: 'gpu' is unknown; the names are auto, cuda, cuda:N, cpu, onednn, java,"
                + " reference");
  }

  /** On a machine without a GPU: the true reason, and no crash. */
  @Test
  void cudaOpensOrSaysWhyNot() {
    try (Device cuda = Devices.open("cuda", OPTIONS)) {
      assertThat(cuda.name()).contains("compute capability");
    } catch (IllegalStateException e) {
      assertThat(e)
          .hasMessageStartingWith("device cuda: not opened: ")
          .hasMessageMatching("(?s).*(no NVIDIA driver|missing of CUDA|cuInit|JCuda has).*");
    }
    assertThatThrownBy(() -> Devices.open("cuda:99", OPTIONS))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("device cuda:99: not opened: ");
  }

  @Test
  void autoReportsEveryTryAndNeverOpensTheReference() {
    try (Devices.Opened opened = Devices.find("auto", OPTIONS)) {
      Devices.Attempt first = opened.attempts().get(0);
      assertThat(first.name()).isEqualTo("cuda");
      Devices.Attempt last = opened.attempts().get(opened.attempts().size() - 1);
      assertThat(last.opened()).isTrue();
      assertThat(last.name()).isIn("cuda", "onednn", "java");
      assertThat(last.reason()).isEqualTo(opened.device().name());
      String tail = first.opened() ? "" : "; cuda: not opened: " + first.reason();
      assertThat(opened.line()).startsWith("device: " + opened.device().name() + tail);
    }
  }

  @Test
  void eachNameOpensItsBackend() {
    try (Device java = Devices.open("java", OPTIONS);
        Device reference = Devices.open("reference", OPTIONS);
        Device cpu = Devices.open("cpu", OPTIONS)) {
      assertThat(java.name()).startsWith("Java ").endsWith(", threads: 1");
      assertThat(reference.name()).isEqualTo("reference");
      assertThat(cpu.name()).doesNotContain("reference");
    }
  }
}
