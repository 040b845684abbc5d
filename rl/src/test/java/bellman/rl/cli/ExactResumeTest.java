package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.rl.Outcome;
import bellman.rl.config.RunConfig;
import bellman.rl.observe.EventFile;
import bellman.rl.observe.Terminal;
import bellman.rl.run.RunFolderException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A run that was stopped and resumed leaves what one that never stopped leaves, bit by bit. */
class ExactResumeTest {
  private static final int STEPS = 120;
  private static final String LAST = "step-000000180.safetensors";

  @TempDir private Path results;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  /** The replay of 60 wraps around, and all that counts something does so within the run. */
  private RunConfig config(String runId) {
    RunConfig config =
        RunConfig.defaults()
            .with("resultsDir", results.toString())
            .with("runId", runId)
            .with("device", "java");
    Map<String, Object> small =
        Map.ofEntries(
            Map.entry("steps", STEPS),
            Map.entry("testSteps", 60),
            Map.entry("batchSize", 4),
            Map.entry("bufferSize", 60),
            Map.entry("bufferInitSteps", 40),
            Map.entry("stepsPerUpdate", 2),
            Map.entry("targetUpdateInterval", 25),
            Map.entry("learningRateWarmup", 20),
            Map.entry("epsilonFinal", 0.3),
            Map.entry("summaryEpisodes", 3),
            Map.entry("keepCheckpoints", 100),
            Map.entry("threads", 1),
            Map.entry("seed", 7),
            Map.entry("environmentParameters", "gridSize=3"), // short episodes
            Map.entry("noPictures", true),
            Map.entry("noProgress", true));
    for (Map.Entry<String, Object> e : small.entrySet()) {
      config = config.with(e.getKey(), e.getValue().toString());
    }
    return config;
  }

  private Outcome train(RunConfig config) throws IOException {
    said.reset();
    return train(config, new Interruption());
  }

  private Outcome train(RunConfig config, Interruption signal) throws IOException {
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    return new Training(config, signal, new Terminal(out, out, false, true, 80)).run();
  }

  private String said() {
    return said.toString(StandardCharsets.UTF_8);
  }

  /** Stops at each of these steps, resumes after each, and runs to the end. */
  private Outcome stopped(RunConfig config, int... stops) throws IOException {
    RunConfig next = config;
    for (int stop : stops) {
      Outcome outcome = train(next.with("stopAfter", "" + stop));
      assertThat(outcome.reason()).isEqualTo(Outcome.Reason.STOPPED);
      assertThat(outcome.step()).isBetween((long) stop, stop + config.world().agents() - 1L);
      next = config.with("resume", "true");
    }
    Outcome outcome = train(next);
    assertThat(outcome.reason()).isEqualTo(Outcome.Reason.COMPLETED);
    assertThat(said()).contains(", exactly where it stopped");
    return outcome;
  }

  private Path folder(String runId) {
    return results.resolve(runId).resolve("GridWorld");
  }

  private Path checkpoint(String runId, String name) {
    return folder(runId).resolve("checkpoint").resolve(name);
  }

  /** Every tensor's bytes and every fact, the player's state included, but for the time it took. */
  private static Map<String, Object> content(Path checkpoint) throws IOException {
    Map<String, Object> content = new TreeMap<>();
    try (Safetensors file = Safetensors.open(checkpoint)) {
      content.putAll(file.metadata());
      content.remove("loop.seconds");
      for (Safetensors.Entry entry : file.entries().values()) {
        content.put(entry.name(), Arrays.hashCode(entry.raw()));
      }
    }
    assertThat(content).containsKeys("world", "conv1.weight", "target.q.bias", "statistics");
    return content;
  }

  private List<String> log(String runId, String name, boolean withSeconds) throws IOException {
    try (Stream<String> lines =
        Files.lines(results.resolve(runId).resolve("run_logs").resolve(name))) {
      return lines
          .map(line -> withSeconds ? line.substring(0, line.lastIndexOf(',')) : line)
          .toList();
    }
  }

  /** What TensorBoard shows of all event files: a session's start drops what was at or after it. */
  private List<String> points(String runId) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder(runId))) {
      files = all.filter(f -> f.getFileName().toString().startsWith("events.")).sorted().toList();
    }
    record Point(long step, String text) {}
    List<Point> points = new ArrayList<>();
    for (Path file : files) {
      for (List<EventFile.Field> event : EventFile.read(file)) {
        long step = 0;
        for (EventFile.Field field : event) {
          if (field.number() == 2) {
            step = (long) field.value();
          } else if (field.number() == 7) {
            long start = step;
            points.removeIf(p -> p.step >= start);
          } else if (field.number() == 5) {
            List<EventFile.Field> value = field.message().get(0).message();
            if (value.get(1).value() instanceof Float x) {
              points.add(new Point(step, step + " " + value.get(0).text() + " " + x));
            }
          }
        }
      }
    }
    return points.stream().map(Point::text).toList();
  }

  private void assertEqual(String runId, String other) throws IOException {
    assertThat(content(checkpoint(runId, LAST))).isEqualTo(content(checkpoint(other, LAST)));
    assertThat(log(runId, "episodes.csv", false))
        .isEqualTo(log(other, "episodes.csv", false))
        .hasSizeGreaterThan(5);
    assertThat(log(runId, "summary.csv", true))
        .isEqualTo(log(other, "summary.csv", true))
        .hasSizeGreaterThan(3);
    assertThat(points(runId)).isEqualTo(points(other)).hasSizeGreaterThan(20);
  }

  /**
   * After the first step, before the first update, at a copy of the target, within episodes and
   * windows, twice at one step, where training ends, and in the test.
   */
  @ParameterizedTest
  @CsvSource({
    "java, none, 1",
    "java, tutorial, 1",
    "java, none, 3",
    "java, tutorial, 3",
    "onednn, none, 2"
  })
  void stoppedAnywhere(String device, String compat, int agents) throws IOException {
    RunConfig config =
        config("never").with("device", device).with("compat", compat).with("agents", "" + agents);
    Outcome never = train(config);
    assertThat(never.updates()).isBetween(10L, 80L);
    Outcome stopped =
        stopped(config.with("runId", "stopped"), 1, 39, 42, 50, 75, 77, 77, 119, 120, 121, 150);
    assertThat(stopped.testEpisodes()).isEqualTo(never.testEpisodes());
    assertThat((Double) stopped.testMeanReturn()).isEqualTo((Double) never.testMeanReturn());
    assertThat(stopped.episodes()).isEqualTo(never.episodes());
    assertEqual("stopped", "never");
  }

  @Test
  void interruptedAnywhere() throws Exception {
    RunConfig config = config("never");
    train(config);
    RunConfig next = config.with("runId", "interrupted");
    for (int i = 0; i < 3; i++) {
      Interruption signal = new Interruption();
      RunConfig now = next;
      said.reset();
      CompletableFuture<Outcome> run =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return train(now, signal);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      while (!said().contains("TRAIN START") && !run.isDone()) {
        Thread.sleep(1);
      }
      Thread.sleep(20L * i);
      signal.interrupt();
      Outcome outcome = run.get();
      assertThat(outcome.reason()).isIn(Outcome.Reason.INTERRUPTED, Outcome.Reason.COMPLETED);
      next = next.with("resume", "true");
    }
    train(next);
    assertEqual("interrupted", "never");
  }

  @Test
  void theReplayIsSavedAtAStopOfTrainingAndOnlyTheLast() throws IOException {
    RunConfig config = config("r");
    train(config.with("stopAfter", "50"));
    assertThat(said())
        .containsPattern("replay: 50 transitions saved in 0\\.0\\d MB, \\d\\.\\d s\\R")
        .contains("saved at step 50; go on with it by --resume --run-id r --results-dir ");
    RunConfig resumed = config.with("resume", "true");
    train(resumed.with("stopAfter", "77"));
    assertThat(names())
        .containsExactly(
            "step-000000050.safetensors", "step-000000077.replay.gz", "step-000000077.safetensors");
    train(resumed.with("stopAfter", "90").with("saveReplay", "false"));
    train(resumed.with("stopAfter", "91"));
    assertThat(said())
        .contains(
            "step-000000090.safetensors has no replay; a run that stops saves it, unless"
                + " --no-save-replay\n"
                + "resumed at step 90; the replay begins empty, so learning waits until it is"
                + " filled again\n");
    train(resumed.with("stopAfter", "150").with("keepCheckpoints", "1"));
    assertThat(said()).contains("resumed at step 91, exactly where it stopped\n");
    assertThat(names()).containsExactly("step-000000150.safetensors"); // testing needs none
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder("r").resolve("checkpoint"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** What can happen to a replay's file; the run goes on without it and says why. */
  @Test
  void aReplayThatCannotBeUsed() throws IOException {
    RunConfig config = config("r");
    train(config.with("stopAfter", "77"));
    Path replay = checkpoint("r", "step-000000077.replay.gz");
    byte[] good = Files.readAllBytes(replay);
    byte[] flipped = good.clone();
    flipped[good.length / 2] ^= 0x10;
    train(config.with("runId", "other").with("stopAfter", "77"));
    byte[] others = Files.readAllBytes(checkpoint("other", "step-000000077.replay.gz"));
    Map<String, byte[]> bad = new LinkedHashMap<>();
    bad.put("it is truncated", Arrays.copyOf(good, good.length - 9));
    bad.put("it is damaged: ", flipped);
    bad.put("it belongs to another checkpoint", others);
    bad.put("it is damaged: Not in GZIP format", "not a replay".getBytes(StandardCharsets.UTF_8));
    bad.put("there is no such file", null);
    RunConfig resumed = config.with("resume", "true").with("stopAfter", "78");
    for (Map.Entry<String, byte[]> e : bad.entrySet()) {
      Files.deleteIfExists(checkpoint("r", "step-000000078.safetensors"));
      Files.deleteIfExists(checkpoint("r", "step-000000078.replay.gz"));
      if (e.getValue() == null) {
        Files.deleteIfExists(replay);
      } else {
        Files.write(replay, e.getValue());
      }
      assertThat(train(resumed).step()).isEqualTo(78);
      assertThat(said())
          .contains("warning: replay " + replay + " cannot be used: " + e.getKey())
          .contains("resumed at step 77; the replay begins empty, so learning waits");
    }
  }

  @Test
  void whatDoesNotFitAnyMoreIsSaid() throws IOException {
    RunConfig config = config("r");
    train(config.with("stopAfter", "77"));
    RunConfig resumed = config.with("resume", "true").with("stopAfter", "77");
    train(resumed.with("bufferSize", "59"));
    assertThat(said())
        .contains(
            "step-000000077.replay.gz cannot be used: it holds 60 transitions, and there is room"
                + " for 59; resume with the --buffer-size it was saved with")
        .contains("; the replay begins empty");
    train(resumed.with("bufferSize", "61"));
    assertThat(said()).contains("resumed at step 77, exactly where it stopped\n");
    train(resumed.with("agents", "2"));
    assertThat(said())
        .contains(
            "warning: the player begins anew: gridworld: the saved state holds 1 agents, the"
                + " options ask for 2; ask for as many as were saved\n")
        .contains(
            "resumed at step 77; the player begins anew, and the episodes that were open are"
                + " dropped\n");
    Outcome onwards = train(resumed.with("agents", "2").with("stopAfter", "off"));
    assertThat(onwards.reason()).isEqualTo(Outcome.Reason.COMPLETED);
  }

  /** Its tables would be emptied, for nothing. */
  @Test
  void theRunOfAnotherBehaviorIsNotGoneOnWith() throws IOException {
    RunConfig config = config("r");
    train(config.with("stopAfter", "77"));
    Files.move(folder("r"), results.resolve("r/PushBlock"));
    List<String> before = log("r", "episodes.csv", false);
    assertThatThrownBy(() -> train(config.with("resume", "true")))
        .isInstanceOf(Failure.class)
        .hasMessage(
            results.resolve("r")
                + " is a run of PushBlock, and this player's behavior is GridWorld, of which it"
                + " holds no checkpoint. Give the player that it was trained with (--env,"
                + " --behavior), or begin another run: leave --resume out and choose another"
                + " --run-id.");
    assertThat(log("r", "episodes.csv", false)).isEqualTo(before).hasSizeGreaterThan(5);
  }

  /** Weights, optimizer and counters of the first version are as good as ever. */
  @Test
  void theFirstVersionOfCheckpointsIsRead() throws IOException {
    RunConfig config = config("r");
    train(config.with("stopAfter", "77"));
    Path file = checkpoint("r", "step-000000077.safetensors");
    SafetensorsWriter old = new SafetensorsWriter();
    try (Safetensors saved = Safetensors.open(file)) {
      for (Safetensors.Entry e : saved.entries().values()) {
        old.floats(e.name(), e.shape(), e.floats());
      }
      for (String key :
          List.of(
              "bellman.behavior",
              "loop.step",
              "loop.episodes",
              "loop.seconds",
              "optimizer.step",
              "updates",
              "parameters",
              "agent_step",
              "random.seed",
              "random.sampling",
              "random.exploration")) {
        old.metadata(key, saved.metadata().get(key));
      }
    }
    old.metadata("bellman.format", "1").write(file);
    RunConfig resumed = config.with("resume", "true").with("stopAfter", "77");
    train(resumed);
    assertThat(said()).contains("resumed at step 77; the replay begins empty");
    old.metadata("bellman.format", "3").write(file);
    assertThatThrownBy(() -> train(resumed))
        .isInstanceOf(RunFolderException.class)
        .hasMessageContaining(" cannot be used: checkpoint format 3; this version reads 1 and 2\n");
  }
}
