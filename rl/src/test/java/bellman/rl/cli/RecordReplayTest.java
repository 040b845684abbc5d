package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.UnityEnvironment;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordReplayTest {
  private static final String LOOK =
      """
      package 3.0.0, Capabilities[base=true, concatenatedPngs=true, channelMapping=true, hybridActions=true, trainingAnalytics=true, variableLengthObservations=true, multiAgentGroups=true]
      GridWorld?team=0: 0 continuous actions, branches [5]
        CameraSensor [3, 64, 84] CHW DEFAULT
        VectorSensor [2] GOAL_SIGNAL
      """;

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Path file;

  @BeforeEach
  void file() {
    file = folder.resolve("play.bin");
  }

  private int run(String... args) {
    Streams streams = new Streams(new PrintWriter(out), new PrintWriter(err));
    return new Main(streams, new Wiring(), new Interruption()).run(args);
  }

  private String out() {
    String said = out.toString();
    out.getBuffer().setLength(0);
    return said;
  }

  @Test
  void aRecordedGridWorldIsUnderstoodAgain() throws Exception {
    assertThat(run("record", "" + file, "--agents", "2", "--steps", "30", "--seed", "4")).isZero();
    assertThat(out()).isEqualTo("%s: 30 steps, %,d bytes%n".formatted(file, Files.size(file)));
    byte[] first = Files.readAllBytes(file);
    assertThat(run("replay", "" + file)).isZero();
    assertThat(out())
        .startsWith(LOOK)
        .containsPattern("\n33 messages understood: 62 decisions, \\d+ ends\n");
    assertThat(run("replay", "" + file, "--messages")).isZero();
    assertThat(out().lines())
        .hasSize(4 + 31 + 1)
        .contains("   3  GridWorld?team=0: waiting [0, 1] rewards [0.0, 0.0]; ended [] rewards []");
    // The same seed, the same words.
    Path again = folder.resolve("again.bin");
    assertThat(run("record", "" + again, "--agents", "2", "--steps", "30", "--seed", "4")).isZero();
    assertThat(Files.readAllBytes(again)).isEqualTo(first);
  }

  @Test
  void aRecordingPlaysToATrainerElsewhere() throws Exception {
    assertThat(run("record", "" + file, "--steps", "5")).isZero();
    out();
    CompletableFuture<Integer> replay = new CompletableFuture<>();
    try (UnityEnvironment env =
        UnityEnvironment.listen(0)
            .timeoutWait(Duration.ofSeconds(20))
            .onListening(
                port ->
                    new Thread(
                            () ->
                                replay.complete(
                                    run("replay", "" + file, "--mlagents-port", "" + port)))
                        .start())
            .open()) {
      env.reset();
      env.step();
      assertThat(env.steps("GridWorld?team=0").decisions().size()).isOne();
    }
    assertThat(replay.get(20, TimeUnit.SECONDS)).isZero();
    assertThat(out()).isEqualTo("4 of 8 messages said\n");
  }

  @Test
  void whatCannotBeRecordedOrReplayedIsNamed() throws Exception {
    assertThat(run("record", "" + file, "--steps", "2")).isZero();
    assertThat(run("record", "" + file)).isOne();
    assertThat(err.toString())
        .isEqualTo("bellman record: " + file + " exists already; name another file\n");
    err.getBuffer().setLength(0);

    assertThat(run("replay", folder.resolve("none") + "")).isOne();
    assertThat(err.toString())
        .isEqualTo(
            "bellman replay: %s does not exist; bellman record writes such a file%n"
                .formatted(folder.resolve("none")));
    err.getBuffer().setLength(0);

    byte[] bytes = Files.readAllBytes(file);
    int png = indexOf(bytes, new byte[] {'I', 'D', 'A', 'T'});
    bytes[png + 4] ^= 0x55;
    Files.write(file, bytes);
    out();
    assertThat(run("replay", "" + file)).isOne();
    assertThat(out()).isEqualTo(LOOK);
    assertThat(err.toString())
        .startsWith(
            "bellman replay: "
                + file
                + ": message 3: GridWorld?team=0: agent 0, observation \"CameraSensor\" cannot be"
                + " decoded: the PNG cannot be decoded: ");
    err.getBuffer().setLength(0);

    assertThat(run("record", "x.bin", "--listen", "5005", "--editor")).isEqualTo(2);
    assertThat(err.toString()).contains("--editor, --listen=PORT are mutually exclusive");
    assertThat(run("record", folder.resolve("y") + "", "--env", folder.resolve("None") + ""))
        .isOne();
    assertThat(err.toString())
        .contains("bellman record: " + folder.resolve("None") + ": no player there");
    assertThat(folder.resolve("y")).doesNotExist();
  }

  @Test
  void aRecordingThatIsCutOffSaysSo() throws Exception {
    assertThat(run("record", "" + file, "--steps", "2")).isZero();
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertThat(run("replay", "" + file)).isZero();
    assertThat(out()).contains(" messages understood: ");
    assertThat(err.toString())
        .isEqualTo(
            "warning: %s ends inside a record, as after a crash; what stands before it is replayed%n"
                .formatted(file));
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int i = 0; i + part.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    throw new AssertionError("not found");
  }
}
