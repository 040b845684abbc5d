package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.AWTError;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DrawingTest {
  private final List<String> warnings = new ArrayList<>();

  @Test
  void whateverJavaThrowsWhereItCannotDrawIsAWarning() {
    List<Drawing> drawings =
        List.of(
            () -> {
              throw new IOException("disk full");
            },
            () -> {
              throw new IllegalStateException("Fontconfig head is null");
            },
            () -> {
              throw new UnsatisfiedLinkError("libfreetype.so.6");
            },
            () -> {
              throw new InternalError("no fonts");
            },
            () -> {
              throw new AWTError("no toolkit");
            },
            () -> {
              throw new Error("Probable fatal error: No physical fonts found.");
            });
    for (Drawing d : drawings) {
      assertThat(d.orWarn("the chart", warnings::add)).isFalse();
    }
    assertThat(warnings).hasSize(drawings.size()).allMatch(w -> w.startsWith("the chart was not"));
    assertThat(warnings.get(0)).isEqualTo("the chart was not drawn (disk full)");
    assertThat(warnings.get(5))
        .isEqualTo(
            "the chart was not drawn (Java cannot draw here; fontconfig or a font, such as the"
                + " package fonts-dejavu-core, may be missing: java.lang.Error: Probable fatal"
                + " error: No physical fonts found.)");
    Drawing good = () -> {};
    assertThat(good.orWarn("the chart", warnings::add)).isTrue();
    assertThat(warnings).hasSize(drawings.size());
  }

  @Test
  void nothingElseIsHidden() {
    Drawing broken =
        () -> {
          throw new OutOfMemoryError("heap");
        };
    assertThatThrownBy(() -> broken.orWarn("the chart", warnings::add))
        .isInstanceOf(OutOfMemoryError.class);
  }
}
