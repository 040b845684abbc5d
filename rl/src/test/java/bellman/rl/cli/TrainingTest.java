package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.config.RunConfig;
import bellman.rl.observe.Terminal;
import bellman.unity.PlayerNotFoundException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training says and leaves beside what it learns. */
class TrainingTest {
  @TempDir private Path results;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  private RunConfig config() {
    return RunConfig.defaults()
        .with("resultsDir", results.toString())
        .with("runId", "r")
        .with("device", "java")
        .with("seed", "3")
        .with("visEncodeType", "simple")
        .with("hiddenUnits", "8")
        .with("batchSize", "4")
        .with("bufferSize", "40")
        .with("bufferInitSteps", "20")
        .with("steps", "21")
        .with("testSteps", "0")
        .with("noPictures", "true")
        .with("noProgress", "true");
  }

  private String train(RunConfig config) throws IOException {
    said.reset();
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    new Training(config, new Interruption(), new Terminal(out, out, false, true, 80)).run();
    return said.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aRunThatCannotLearnSaysSo() throws IOException {
    assertThat(train(config())).doesNotContain("warning");
    RunConfig tooShort = config().with("force", "true").with("steps", "20");
    assertThat(train(tooShort.with("quiet", "true")))
        .isEqualTo(
            "warning: nothing will be learned: the first update comes after --buffer-init-steps of"
                + " 20, and --steps is 20; lower the one or raise the other\n");
    assertThat(train(tooShort.with("steps", "1").with("bufferInitSteps", "5000")))
        .contains("--buffer-init-steps of 5,000, and --steps is 1;");
  }

  @Test
  void aPlayerThatIsNotThereLeavesNoRun() {
    RunConfig nobody = config().with("env", results.resolve("nope").toString());
    assertThatThrownBy(() -> train(nobody)).isInstanceOf(PlayerNotFoundException.class);
    assertThat(results).isEmptyDirectory();
  }

  /** The mean is of the whole test, the table only of what this process has seen of it. */
  @Test
  void theTableOfAResumedTestSaysWhatItIsOf() throws IOException {
    RunConfig config =
        config()
            .with("testSteps", "200")
            .with("epsilonEval", "1")
            .with("environmentParameters", "gridSize=3"); // short episodes
    String whole = train(config);
    assertThat(whole).contains("Test: mean return ", "\ngoal ").doesNotContain("of these");
    RunConfig again = config.with("runId", "again");
    assertThat(train(again.with("stopAfter", "121")))
        .contains("\ngoal ")
        .doesNotContain("of these");
    assertThat(train(again.with("resume", "true")))
        .containsPattern(
            "Test: mean return .* over \\d+ episodes\n"
                + "of these, the (\\d+) since the run was resumed:\n"
                + "goal .*\n.*\n.*\n"
                + "all +\\1 ");
  }
}
