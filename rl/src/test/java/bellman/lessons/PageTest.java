package bellman.lessons;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PageTest {
  private final StringWriter out = new StringWriter();
  private final Page page =
      new Page(
          new PrintWriter(out, true),
          "java",
          DeviceOptions.defaults().withThreads(1),
          Optional.of(Path.of("Game")));

  @Test
  void writesWordsAndClaims() {
    page.say("%d apples", 3);
    page.claim(true, "%.1f is\nless", 0.5);
    assertThat(out.toString().lines()).containsExactly("3 apples", "  ✓ 0.5 is", "    less");
    assertThat(page.build()).contains(Path.of("Game"));
  }

  @Test
  void aClaimThatDoesNotHoldEndsTheLesson() {
    assertThatThrownBy(() -> page.claim(1 > 2, "%d > %d", 1, 2))
        .isInstanceOf(RefutedException.class)
        .hasMessage("the lesson claims, and here it does not hold: 1 > 2");
    assertThat(out.toString().lines()).containsExactly("  ✗ 1 > 2");
  }

  @Test
  void opensTheReadersDeviceAndSaysWhich() {
    try (Device chosen = page.open();
        Device other = page.open("reference")) {
      assertThat(out.toString().strip()).isEqualTo("device: " + chosen.name());
      assertThat(other.name()).isNotEqualTo(chosen.name());
    }
  }

  @Test
  void saysOnceWhyNothingFasterOpened() {
    Page automatic =
        new Page(new PrintWriter(out, true), "auto", DeviceOptions.defaults(), Optional.empty());
    automatic.open().close();
    int first = out.toString().length();
    automatic.open().close();
    assertThat(out.toString().substring(first)).startsWith("device: ").doesNotContain("opened");
    assertThat(out.toString().lines()).hasSize(2);
  }
}
