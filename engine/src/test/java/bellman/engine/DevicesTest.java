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

  @Test
  void cudaIsNotBuiltYet() {
    for (String name : new String[] {"cuda", "cuda:1"}) {
      assertThatThrownBy(() -> Devices.open(name, OPTIONS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "device "
                  + name
                  + ": not opened: this version has no CUDA backend; open auto, cpu, onednn or"
                  + " java");
    }
  }

  @Test
  void autoReportsEveryTryAndNeverOpensTheReference() {
    try (Devices.Opened opened = Devices.find("auto", OPTIONS)) {
      assertThat(opened.attempts().get(0).name()).isEqualTo("cuda");
      assertThat(opened.attempts().get(0).opened()).isFalse();
      Devices.Attempt last = opened.attempts().get(opened.attempts().size() - 1);
      assertThat(last.opened()).isTrue();
      assertThat(last.name()).isIn("onednn", "java");
      assertThat(last.reason()).isEqualTo(opened.device().name());
      assertThat(opened.line())
          .startsWith("device: " + opened.device().name() + "; cuda: not opened: this version");
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
