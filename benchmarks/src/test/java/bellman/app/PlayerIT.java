package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Players that are missing, broken, late, or two. */
@EnabledOnOs(OS.LINUX)
class PlayerIT {
  private static final String SAVED =
      "warning: the state at step "
          + (FaultyPlayer.STEPS - 1)
          + " was saved; go on with it by --resume --run-id r\n";

  private static final String STARTED_AGAIN =
      "[WARNING] The player failed and is started again (restart 1 of at most 10): ";

  @TempDir private Path folder;

  /** A failed start leaves nothing that would refuse the next one: its player's logs, if any. */
  private void refused(String message, String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--run-id", "r"));
    Bellman.train(folder, all.toArray(String[]::new)).endedWith(1, "bellman train: " + message);
    Path run = folder.resolve("results/r");
    if (Files.exists(run)) {
      assertThat(Trained.names(run)).containsExactly(".lock", "run_logs");
      assertThat(Trained.names(run.resolve("run_logs"))).isNotEmpty();
    }
  }

  @Test
  void aPortInUse() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      refused(
          "port "
              + port
              + " is in use. Remedy: close the other training, or listen on another port.",
          "--listen",
          "" + port);
      String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.PLAYS);
      refused(
          "port "
              + port
              + " is in use (base port "
              + port
              + " + worker id 0). Remedy: close the other training or a player left over from it,"
              + " use another base port or worker id, or name none: then free ports are looked"
              + " for.",
          "--env",
          player,
          "--base-port",
          "" + port);
    }
  }

  @Test
  void missing() throws IOException {
    refused(
        "builds/Ball: no player there; looked for builds/Ball.x86_64, builds/Ball.x86, builds/Ball."
            + " Remedy: name the file that Unity built, relative to the current folder or in full",
        "--env",
        "builds/Ball");
  }

  @Test
  void notExecutable() throws IOException {
    Files.writeString(folder.resolve("Ball.x86_64"), "#!/bin/sh\n");
    refused("Ball.x86_64: is not executable. Remedy: chmod +x Ball.x86_64", "--env", "Ball.x86_64");
  }

  @Test
  void diesAtOnce() throws IOException {
    FaultyPlayer.script(folder, "Ball.x86_64", "echo 'no display :0' >&2; exit 7");
    int port = port();
    refused(
        """
        ./Ball.x86_64 ended with exit code 7 before it connected to PORT. Remedy: see the last lines of its log.
        Last lines of results/r/run_logs/Player-0.out.log:
          | no display :0"""
            .replace("PORT", "localhost:" + port),
        "--env",
        "Ball",
        "--base-port",
        "" + port);
  }

  @Test
  void diesInMidRun() throws IOException {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.DIES);
    Bellman died =
        Bellman.train(folder, "--env", player, "--run-id", "r", "--max-lifetime-restarts", "0");
    died.await();
    died.endedWith(1, withPids(died, SAVED + "bellman train: " + death("dies.x86_64")));
    goesOn();
  }

  private static String death(String player) {
    return """
        ./PLAYER ended with exit code 7 during a step. Remedy: see the last lines of its log.
        Last lines of results/r/run_logs/Player-0.out.log:
          | player PID
          | NullReferenceException: the ball is gone
        Its log says: a script of the scene threw an exception; its agent may never ask for a decision then."""
        .replace("PLAYER", player);
  }

  /** Puts the process ids that were said in place of each PID. */
  private static String withPids(Bellman said, String text) {
    String whole = text;
    Matcher pids = Pattern.compile("player (\\d+)").matcher(said.err());
    while (pids.find()) {
      whole = whole.replaceFirst("PID", pids.group(1));
    }
    return whole;
  }

  @Test
  void diesOnceAndIsStartedAgain() throws IOException {
    String dies = FaultyPlayer.install(folder, FaultyPlayer.Mode.DIES);
    String plays = FaultyPlayer.install(folder, FaultyPlayer.Mode.PLAYS);
    String once =
        FaultyPlayer.script(
            folder,
            "once.x86_64",
            "mkdir died 2>/dev/null && exec ./%s \"$@\"\nexec ./%s \"$@\"".formatted(dies, plays));
    // The second player gets the port of the first.
    Bellman trained =
        Bellman.train(folder, "--env", once, "--run-id", "r", "--base-port", "" + port());
    trained.await();
    trained.endedWith(0, withPids(trained, STARTED_AGAIN + death(once)));
    assertThat(Trained.names(folder.resolve("results/r/Ball/checkpoint")))
        .containsExactly("step-000000300.safetensors");
    // 149 steps, then 151, in episodes of 10; the fifteenth of the first player was cut off.
    List<String> episodes = Files.readAllLines(folder.resolve("results/r/run_logs/episodes.csv"));
    assertThat(episodes).hasSize(1 + 14 + 15).first().asString().endsWith("length,interrupted");
    assertThat(episodes).element(15).asString().startsWith("159,");
    assertThat(episodes.subList(1, 30)).allMatch(line -> line.matches(".*,10,[^,]*"));

    Files.delete(folder.resolve("died"));
    Bellman evaluated =
        Bellman.run(
            folder,
            "evaluate",
            "r",
            "--episodes",
            "20",
            "--threads",
            "1",
            "--quiet",
            "--env",
            once);
    evaluated.await();
    evaluated.endedWith(
        0,
        withPids(
            evaluated, STARTED_AGAIN + death(once).replace("run_logs/", "run_logs/evaluation/")));
    assertThat(evaluated.out())
        .startsWith("20 episodes: mean return 1.000 ± 0.000 (standard error), mean length 10.00, ");
  }

  @Test
  void diesAgain() throws IOException {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.DIES);
    Bellman died = Bellman.train(folder, "--env", player, "--run-id", "r");
    died.await();
    died.endedWith(
        1,
        withPids(
            died,
            STARTED_AGAIN
                + death(player)
                + "\n"
                + SAVED.replace("149", "298")
                + "bellman train: the player failed again after it was started again once within"
                + " 60 s, which is the limit. Remedy: mend it, or raise the limit's rate"
                + " (--restarts-rate-limit-n). "
                + death(player)));
  }

  private void goesOn() throws IOException {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.PLAYS);
    Bellman.train(folder, "--resume", "--run-id", "r", "--env", player).endedWith(0, "");
    assertThat(Trained.names(folder.resolve("results/r/Ball/checkpoint")))
        .containsExactly(
            "step-000000149.replay.gz", "step-000000149.safetensors", "step-000000300.safetensors");
  }

  @Test
  void neverConnects() throws IOException {
    int port = port();
    refused(
        "nobody connected to localhost:"
            + port
            + " within 2 s. Remedy: start the player with --mlagents-port "
            + port
            + ".",
        "--listen",
        "" + port,
        "--timeout-wait",
        "2");
    FaultyPlayer.script(folder, "Ball.x86_64", "exec sleep 60");
    refused(
        "nobody connected to localhost:"
            + port
            + " within 2 s. Remedy: ./Ball.x86_64 is running: check that its scene holds an agent of"
            + " behavior type Default, and raise timeoutWait (--timeout-wait) if it starts slowly.",
        "--env",
        "Ball.x86_64",
        "--base-port",
        "" + port,
        "--timeout-wait",
        "2");
  }

  @Test
  void neverAsksForADecision() throws IOException {
    String log = "Last lines of results/r/run_logs/Player-0.out.log:\n  | player PID";
    String hangs = FaultyPlayer.install(folder, FaultyPlayer.Mode.HANGS);
    Bellman hung = Bellman.train(folder, "--env", hangs, "--run-id", "r", "--timeout-wait", "8");
    hung.await();
    hung.endedWith(
        1,
        """
        bellman train: ./hangs.x86_64 is connected but no agent asked for a decision within 8 s after the reset. Remedy: give an active agent a Decision Requester, or call RequestDecision, and set its behavior type to Default.
        """
            + log.replace("PID", hung.err().replaceAll("(?s).*player (\\d+)\\n.*", "$1")));
  }

  @Test
  void goesOnWithoutAnAgent() throws IOException {
    String empty = FaultyPlayer.install(folder, FaultyPlayer.Mode.EMPTY);
    refused(
        "the player answered the reset without any agent, so there is no behavior to train. Give its"
            + " scene an active agent of behavior type Default.",
        "--env",
        empty);
  }

  @Test
  void goesOnWithoutADecision() throws IOException {
    String never = FaultyPlayer.install(folder, FaultyPlayer.Mode.NEVER_ASKS);
    Bellman.train(folder, "--env", never, "--run-id", "r", "--timeout-wait", "8")
        .endedWith(
            1,
            "bellman train: no agent of Ball?team=0 asked for a decision within 8 s, though the player"
                + " goes on. Give an agent a Decision Requester, or raise --timeout-wait.");
  }

  @Test
  void aSecondOneIsRefused() throws IOException {
    int port = port();
    try (Bellman trainer = Bellman.startTraining(folder, "--listen", "" + port, "--run-id", "r");
        Bellman first = player(trainer, port, FaultyPlayer.Mode.WAITS)) {
      first.awaitWords("at the gate");
      Bellman second = player(trainer, port, FaultyPlayer.Mode.PLAYS);
      String refusal =
          "refused a second player on localhost:"
              + port
              + ": this trainer already plays with another one. Give each player a trainer and a"
              + " port of its own (--mlagents-port), or close the other player first.";
      assertThat(second.await()).isEqualTo(3);
      assertThat(second.out()).endsWith("refused: " + refusal + "\n");
      Files.createFile(folder.resolve("gate"));
      assertThat(first.await()).isZero();
      trainer.succeeded();
      assertThat(trainer.err()).contains("[WARNING] " + refusal + "\n");
      assertThat(trainer.out()).contains("Done at step 300: ");
    }
  }

  private Bellman player(Bellman trainer, int port, FaultyPlayer.Mode mode) {
    trainer.awaitWords("Listening on port " + port);
    List<String> command = new ArrayList<>(FaultyPlayer.command(mode));
    command.addAll(List.of("--mlagents-port", "" + port));
    return Bellman.program(folder, command);
  }

  @Test
  void showsAPictureThatNoNetworkFits() throws IOException {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.SMALL_PICTURE);
    refused(
        "no agent fits Ball (observation [16, 16, 3] bytes, 3 actions): the picture has 16 × 16 pixels"
            + " and nature_cnn needs 36 × 36 or more; enlarge the camera sensor's picture, or take"
            + " --vis-encode-type match3",
        "--env",
        player);
  }

  @ParameterizedTest
  @EnumSource(names = {"NAN_REWARD", "NAN_OBSERVATION"})
  void sendsWhatIsNoNumber(FaultyPlayer.Mode mode) throws IOException {
    String player = FaultyPlayer.install(folder, mode);
    Bellman.train(folder, "--env", player, "--run-id", "r")
        .endedWith(
            1,
            SAVED
                + "bellman train: Ball?team=0: agent "
                + (mode == FaultyPlayer.Mode.NAN_REWARD
                    ? "14, reward is NaN; it must be finite. Look for a division by zero or a missing"
                        + " object where the scene adds rewards."
                    : "15, observation \"VectorSensor\" holds NaN at index 2; every number must be"
                        + " finite. Look for a division by zero or a missing object where the scene"
                        + " collects observations."));
    assertThat(Trained.names(folder.resolve("results/r/Ball/checkpoint")))
        .containsExactly("step-000000149.replay.gz", "step-000000149.safetensors");
  }

  private static int port() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }
}
