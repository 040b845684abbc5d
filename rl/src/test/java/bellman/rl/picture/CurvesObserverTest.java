package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CurvesObserverTest {
  private static final String HEADER = "step,phase,mean_return,loss,mean_q,epsilon\n";

  @TempDir private Path logs;
  private final List<String> said = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  private void end(Outcome.Reason reason) {
    new CurvesObserver("r", logs, said::add, warnings::add)
        .finished(new Outcome(reason, 1, 1, 1, 0, Double.NaN, 1));
  }

  @Test
  void aRunThatEndsIsDrawn() throws IOException {
    Files.writeString(logs.resolve(RunLog.FILE), HEADER + "10,training,1,,,0.9\n");
    end(Outcome.Reason.INTERRUPTED);
    assertThat(said).isEmpty();
    end(Outcome.Reason.STOPPED);
    Path png = logs.resolve("learning_curves.png");
    assertThat(said).containsExactly("learning curves: " + png);
    assertThat(png).isNotEmptyFile();
    assertThat(logs.resolve("learning_curves.svg")).isNotEmptyFile();
    assertThat(warnings).isEmpty();
  }

  @Test
  void aRunWithoutAnEpisodeIsNot() throws IOException {
    Files.writeString(logs.resolve(RunLog.FILE), HEADER);
    end(Outcome.Reason.COMPLETED);
    assertThat(said).isEmpty();
    assertThat(warnings).isEmpty();
  }

  @Test
  void aMissingTableIsAWarning() {
    end(Outcome.Reason.COMPLETED);
    assertThat(warnings)
        .singleElement()
        .asString()
        .startsWith("the page of learning curves in " + logs + " was not drawn");
  }
}
