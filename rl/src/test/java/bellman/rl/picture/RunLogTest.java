package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.Phase;
import bellman.rl.Summary;
import bellman.rl.observe.CsvObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogTest {
  @TempDir private Path logs;

  private RunLog read(String text) throws IOException {
    Files.writeString(logs.resolve(RunLog.FILE), text);
    return RunLog.read("r", logs);
  }

  @Test
  void aWindowBeginsWhereTheOneBeforeEnds() throws IOException {
    RunLog log =
        read(
            """
            step,phase,mean_return,loss,mean_q,epsilon
            120,training,-0.5,,,0.9
            200,training,0.25,0.125,1.5,0.8
            200,testing,1,,,0.05
            """);
    assertThat(log.windows())
        .containsExactly(
            new RunLog.Window(false, 0, 120, -0.5, Double.NaN, Double.NaN, 0.9),
            new RunLog.Window(false, 120, 200, 0.25, 0.125, 1.5, 0.8),
            // Two windows at one step: neither is empty.
            new RunLog.Window(true, 199, 200, 1, Double.NaN, Double.NaN, 0.05));
    assertThat(log.steps()).isEqualTo(200);
  }

  /** So that the two cannot part. */
  @Test
  void itReadsWhatTheCsvObserverWrites() throws IOException {
    double none = Double.NaN;
    try (CsvObserver csv =
        new CsvObserver(
            logs,
            w -> {
              throw new AssertionError(w);
            })) {
      csv.phaseBegan(Phase.TRAINING, 0);
      csv.summarized(
          new Summary(Phase.TRAINING, 64, 10, 10, 0.5, 1, 2, 3, 0.125, 1.5, 7, 8, 0.75, 1e-4, 12));
      csv.summarized(
          new Summary(
              Phase.TESTING, 96, 20, 10, 0.25, 1, 2, 0, none, none, none, none, 0.05, 1e-4, 13));
    }
    assertThat(RunLog.read("r", logs).windows())
        .containsExactly(
            new RunLog.Window(false, 0, 64, 0.5, 0.125, 1.5, 0.75),
            new RunLog.Window(true, 64, 96, 0.25, none, none, 0.05));
  }

  @Test
  void halfALastLineIsLeftOut() throws IOException {
    RunLog log =
        read("step,phase,mean_return,loss,mean_q,epsilon\n10,training,1,,,0.9\n20,training,0.");
    assertThat(log.windows()).hasSize(1);
  }

  @Test
  void whatCannotBeReadIsNamed() {
    assertThatThrownBy(() -> RunLog.read("r", logs))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "there is no %s; a run writes it after its first episodes", logs.resolve(RunLog.FILE));
    assertThatThrownBy(() -> read("a,b\n1,2\n"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "%s has no column step, only [a, b]; no run of Bellman wrote it",
            logs.resolve(RunLog.FILE));
    String header = "step,phase,mean_return,loss,mean_q,epsilon\n";
    assertThatThrownBy(() -> read(header + "10,training,much,,,0.9\n20,training,1,,,0.9\n"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "%s:2: cannot be read (For input string: \"much\"): 10,training,much,,,0.9",
            logs.resolve(RunLog.FILE));
    assertThatThrownBy(() -> read(header + "10,training\n20,training,1,,,0.9\n"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(":2: cannot be read (no mean_return): 10,training");
  }
}
