package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Shape;
import bellman.engine.io.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Nothing that is done to files or processes loses the last good checkpoint. */
@EnabledOnOs(OS.LINUX)
class CheckpointIT {
  private static final String NEWER = "step-000000250.safetensors";

  /** Files that are no checkpoint, and the reason that is given. */
  enum Bad {
    TRUNCATED(
        "tensor 'conv2.weight' at bytes 49536 to 180608 lies outside the file's 92160 bytes of data;"
            + " the file is truncated, or its header is wrong"),
    FOREIGN("not a checkpoint of Bellman: it names no bellman.format"),
    TEXT(
        "not a safetensors file: its first 8 bytes state a header of 2338328528881218409 bytes; sound"
            + " headers have 2 to 100000000");

    private final String reason;

    Bad(String reason) {
      this.reason = reason;
    }

    /** Where only weights are asked for, a file needs no counters. */
    String reasonAsWeights() {
      return this == FOREIGN
          ? "load: these are not this network's parameters: missing: conv1.weight, conv1.bias,"
              + " conv2.weight, conv2.bias, conv3.weight, conv3.bias, fc1.weight, fc1.bias, q.weight,"
              + " q.bias; unexpected: encoder.weight"
          : reason;
    }

    void write(Path file) throws IOException {
      switch (this) {
        case TRUNCATED -> {
          Path whole = Trained.checkpoints(Trained.make(), "base").resolve(Trained.CHECKPOINT);
          byte[] bytes = Files.readAllBytes(whole);
          int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
          Files.write(file, Arrays.copyOf(bytes, 8 + header + 92_160));
        }
        case FOREIGN ->
            new SafetensorsWriter().floats("encoder.weight", Shape.of(2), new float[2]).write(file);
        case TEXT -> Files.writeString(file, "is this a checkpoint? no, it is a letter");
      }
    }
  }

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource
  void aBadCheckpointIsPassedOver(Bad bad) throws IOException {
    Path checkpoints = Trained.into(folder, "r");
    bad.write(checkpoints.resolve(NEWER));
    String place = "results/r/GridWorld/checkpoint/";
    String warning = "warning: checkpoint " + place + NEWER + " cannot be used: ";
    String instead = "; using " + Trained.CHECKPOINT + " instead";
    Bellman.run(folder, "evaluate", "r", "--episodes", "1", "--threads", "1", "--quiet")
        .endedWith(0, warning + bad.reasonAsWeights() + instead);
    Bellman.train(folder, "--resume", "--run-id", "r").endedWith(0, warning + bad.reason + instead);
    assertThat(Trained.names(checkpoints)).contains("step-000000300.safetensors");
  }

  @ParameterizedTest
  @EnumSource
  void aBadFileOfWeightsIsRefused(Bad bad) throws IOException {
    bad.write(folder.resolve("w.safetensors"));
    String refusal =
        "w.safetensors cannot be used: "
            + bad.reasonAsWeights()
            + ". Name a run, or another file of weights.";
    Bellman.run(folder, "evaluate", "w.safetensors", "--episodes", "1", "--threads", "1", "--quiet")
        .endedWith(1, "bellman evaluate: " + refusal);
    Bellman.train(folder, "--initialize-from", "w.safetensors", "--run-id", "r")
        .endedWith(1, "bellman train: " + refusal);
    assertThat(folder.resolve("results/r")).doesNotExist();
  }

  @Test
  void noCheckpointThatCanBeUsed() throws IOException {
    Path checkpoints = Trained.into(folder, "r");
    Files.writeString(checkpoints.resolve(Trained.CHECKPOINT), "short");
    Bellman.train(folder, "--resume", "--run-id", "r")
        .endedWith(
            1,
            """
            bellman train: no checkpoint in results/r/GridWorld/checkpoint can be used:
              results/r/GridWorld/checkpoint/step-000000200.safetensors cannot be used: not a safetensors file: 5 bytes, the header's length alone takes 8
            Begin anew with --force, or from another run with --initialize-from.""");
  }

  @Test
  void aFullDisk() throws IOException {
    Path checkpoints = Trained.into(folder, "r");
    Path good = checkpoints.resolve(Trained.CHECKPOINT);
    byte[] before = Files.readAllBytes(good);
    // No file may grow beyond 4000 KiB; a checkpoint has 16 MB.
    List<String> command = Bellman.command(Bellman.tiny("--resume", "--run-id", "r", "--quiet"));
    String line = String.join(" ", command.stream().map(word -> "'" + word + "'").toList());
    Bellman full = Bellman.program(folder, List.of("bash", "-c", "ulimit -f 4000; exec " + line));
    int code = full.await();
    assertThat(full.err().strip())
        .matches(
            "bellman train: checkpoint results/r/GridWorld/checkpoint/step-000000300\\.safetensors"
                + " could not be written \\(File too large\\); [\\d,]+ bytes are free there\\. The"
                + " one before, step-000000200\\.safetensors, is untouched\\. Free some space, or"
                + " choose another place with --results-dir\\.");
    assertThat(code).isEqualTo(1);
    assertThat(Trained.names(checkpoints)).containsExactly(Trained.REPLAY, Trained.CHECKPOINT);
    assertThat(Arrays.equals(Files.readAllBytes(good), before)).isTrue();
    Bellman.train(folder, "--resume", "--run-id", "r").endedWith(0, "");
  }

  /**
   * A process that is killed loses what came after its last checkpoint, and nothing else: here that
   * is the one of a stop, with its replay, so the run ends as if it had been neither stopped nor
   * killed.
   */
  @Test
  void killed() throws Exception {
    String[] never = plan("never", "--quiet", "--stop-after", "400");
    Bellman.run(folder, never).endedWith(0, "");
    Bellman.run(folder, plan("r", "--quiet", "--stop-after", "200")).endedWith(0, "");
    Path episodes = folder.resolve("results/r/run_logs/episodes.csv");
    int before = Files.readAllLines(episodes).size();
    try (Bellman training = Bellman.start(folder, plan("r", "--resume"))) {
      training.awaitWords("resumed at step 200, exactly where it stopped\n");
      training.awaitWords(" Episode / Step: ");
      training.signal("KILL", List.of());
      assertThat(training.await()).isEqualTo(137);
    }
    assertThat(Files.readAllLines(episodes)).hasSizeGreaterThan(before);
    Bellman last = Bellman.run(folder, plan("r", "--resume", "--stop-after", "400"));
    assertThat(last.succeeded().out()).contains("resumed at step 200, exactly where it stopped\n");
    assertThat(Files.readString(episodes))
        .isEqualTo(Files.readString(folder.resolve("results/never/run_logs/episodes.csv")));
    String end = "step-000000400.safetensors";
    Map<String, Object> killed = Trained.content(Trained.checkpoints(folder, "r").resolve(end));
    Map<String, Object> whole = Trained.content(Trained.checkpoints(folder, "never").resolve(end));
    assertThat(killed.keySet()).isEqualTo(whole.keySet()).contains("world", "loop.running");
    killed.forEach((name, value) -> assertThat(value).as(name).isEqualTo(whole.get(name)));
  }

  private static String[] plan(String runId, String... more) {
    List<String> plan = new ArrayList<>(List.of("--steps", "100000", "--run-id", runId));
    plan.addAll(List.of("--summary-episodes", "3"));
    plan.addAll(List.of(more));
    return Bellman.tiny(plan.toArray(String[]::new));
  }

  @Test
  void ctrlC() throws Exception {
    interrupted("INT", false);
  }

  /** A terminal sends it to all that runs there; whoever ends first, the run is saved. */
  @Test
  void ctrlCReachesThePlayerToo() throws Exception {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.PLAYS);
    interrupted("INT", true, "--env", player);
  }

  @Test
  void sigterm() throws Exception {
    // A trainer that is told to end ends the player that it started, too.
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.PLAYS);
    String said = interrupted("TERM", false, "--env", player);
    long pid = Long.parseLong(said.replaceAll("(?s)player (\\d+).*", "$1"));
    assertThat(ProcessHandle.of(pid)).isEmpty();
  }

  /** Interrupts a long training, goes on with it for a moment, and returns its player's output. */
  private String interrupted(String signal, boolean playerToo, String... more) throws Exception {
    Path log = folder.resolve("results/r/run_logs/Player-0.out.log");
    List<String> arguments = new ArrayList<>(List.of(more));
    arguments.addAll(List.of("--run-id", "r", "--steps", "5000000", "--summary-episodes", "1"));
    int step;
    try (Bellman training = Bellman.startTraining(folder, arguments.toArray(String[]::new))) {
      training.awaitWords("1 Episode / Step: ");
      training.signal(
          signal,
          playerToo ? List.of(number(Files.readString(log), "(?s)player (\\d+).*")) : List.of());
      assertThat(training.await()).isEqualTo(130);
      assertThat(training.err()).contains("\nInterrupted: saving, please wait ...\n");
      assertThat(training.err()).doesNotContain("Exception", "bellman train:", "warning");
      step =
          number(
              training.out(),
              "(?s).*saved at step (\\d+); go on with it by --resume --run-id r\\R");
    }
    String said = Files.exists(log) ? Files.readString(log) : "";
    arguments.addAll(List.of("--resume", "--stop-after", "" + (step + 40)));
    Bellman onwards = Bellman.startTraining(folder, arguments.toArray(String[]::new));
    assertThat(onwards.succeeded().out())
        .contains("resumed at step " + step, "Stopped at step " + (step + 40));
    return said;
  }

  private static int number(String text, String pattern) {
    assertThat(text).matches(pattern);
    return Integer.parseInt(text.replaceAll(pattern, "$1"));
  }
}
