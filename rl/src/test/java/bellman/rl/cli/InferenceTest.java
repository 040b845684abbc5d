package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.Outcome;
import bellman.rl.config.RunConfig;
import bellman.rl.observe.Terminal;
import bellman.unity.PlayerDiedException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class InferenceTest {
  @TempDir private Path results;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Terminal terminal =
      new Terminal(new PrintStream(out, true, StandardCharsets.UTF_8), System.err, false, true, 80);

  private RunConfig config() {
    return RunConfig.defaults()
        .with("device", "java")
        .with("seed", "3")
        .with("resultsDir", results.toString())
        .with("runId", "r")
        .with("visEncodeType", "simple")
        .with("hiddenUnits", "8")
        .with("steps", "30")
        .with("testSteps", "0")
        .with("bufferSize", "40")
        .with("bufferInitSteps", "20")
        .with("batchSize", "4")
        .with("summaryEpisodes", "1");
  }

  private Map<Path, String> files() throws IOException {
    Map<Path, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(results)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(file, Files.size(file) + " " + Files.getLastModifiedTime(file));
      }
    }
    return files;
  }

  @Test
  void aRunsPolicyPlaysAndNothingIsWritten() throws IOException {
    new Training(config(), new Interruption(), terminal).run();
    Map<Path, String> before = files();
    assertThat(before.keySet().toString()).contains("safetensors", "configuration.yaml");
    out.reset();

    RunConfig playing = config().with("inference", "true").with("stopAfter", "300");
    Outcome outcome = new Inference(playing, new Interruption(), terminal).run();
    assertThat(outcome.reason()).isEqualTo(Outcome.Reason.COMPLETED);
    assertThat(outcome.step()).isEqualTo(300);
    assertThat(outcome.updates()).isZero();
    assertThat(files()).isEqualTo(before);
    String said = out.toString(StandardCharsets.UTF_8);
    assertThat(said).contains("weights: ", "TEST START", " /Loss: - / Epsilon: 0.0500");
    assertThat(said).doesNotContain("TRAIN START");
  }

  @Test
  void withoutAnEndItPlaysUntilItIsStopped() throws IOException {
    new Training(config(), new Interruption(), terminal).run();
    Interruption stop = new Interruption();
    stop.interrupt();
    RunConfig other = config().with("inference", "true").with("initializeFrom", "r");
    Outcome outcome = new Inference(other, stop, terminal).run();
    assertThat(outcome.reason()).isEqualTo(Outcome.Reason.INTERRUPTED);
  }

  /** A build that ends at once leaves its output where it should: not in training's log. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aBuildsLogsGoToTheRunWhosePolicyPlays() throws IOException {
    new Training(config(), new Interruption(), terminal).run();
    Path build = Files.writeString(results.resolve("build.x86_64"), "#!/bin/sh\necho played\n");
    assertThat(build.toFile().setExecutable(true)).isTrue();
    RunConfig playing =
        config()
            .with("env", build.toString())
            .with("initializeFrom", "r")
            .with("inference", "true");
    Path log = results.resolve("r/run_logs/evaluation/Player-0.out.log");
    assertThatThrownBy(() -> new Inference(playing, new Interruption(), terminal).run())
        .isInstanceOf(PlayerDiedException.class);
    assertThat(log).hasContent("played");
    Files.delete(log);
    EvaluateOptions options = new EvaluateOptions(1, Optional.empty(), Optional.empty(), 1);
    Path weights = SavedWeights.of(results, "r");
    assertThatThrownBy(
            () -> new Evaluation(playing, options, new Interruption(), terminal).run(weights))
        .isInstanceOf(PlayerDiedException.class);
    assertThat(log).hasContent("played");
    assertThat(results.resolve("Player-0.out.log")).doesNotExist();
  }

  @Test
  void aRunThatIsNotThere() {
    RunConfig absent = config().with("inference", "true");
    assertThatThrownBy(() -> new Inference(absent, new Interruption(), terminal).run())
        .isInstanceOf(Failure.class)
        .hasMessageStartingWith("there is no run 'r' in ");
  }

  /** The saved weights are not another network's. */
  @Test
  void anotherNetworkIsRefused() throws IOException {
    new Training(config(), new Interruption(), terminal).run();
    RunConfig wider = config().with("inference", "true").with("hiddenUnits", "9");
    assertThatThrownBy(() -> new Inference(wider, new Interruption(), terminal).run())
        .hasMessageContaining("fc1.weight is [9, 1728] here, [8, 1728] given");
  }
}
