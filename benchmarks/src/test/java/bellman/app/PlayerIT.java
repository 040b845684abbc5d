package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  @TempDir private Path folder;

  /** A failed start leaves nothing that would refuse the next one. */
  private void refused(String message, String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--run-id", "r"));
    Bellman.train(folder, all.toArray(String[]::new)).endedWith(1, "bellman train: " + message);
    assertThat(Trained.names(folder.resolve("results/r"))).containsExactly(".lock", "run_logs");
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
    Bellman died = Bellman.train(folder, "--env", player, "--run-id", "r");
    died.await();
    died.endedWith(
        1,
        SAVED
            + """
            bellman train: ./dies.x86_64 ended with exit code 7 during a step. Remedy: see the last lines of its log.
            Last lines of results/r/run_logs/Player-0.out.log:
              | player PID
              | NullReferenceException: the ball is gone
            Its log says: a script of the scene threw an exception; its agent may never ask for a decision then."""
                .replace("PID", died.err().replaceAll("(?s).*player (\\d+)\\n.*", "$1")));
    goesOn();
  }

  private void goesOn() throws IOException {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.PLAYS);
    Bellman.train(folder, "--resume", "--run-id", "r", "--env", player).endedWith(0, "");
    assertThat(Trained.names(folder.resolve("results/r/Ball/checkpoint")))
        .containsExactly("step-000000149.safetensors", "step-000000300.safetensors");
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
        "no agent fits Ball (observation [16, 16, 3], 3 actions): the picture has 16 × 16 pixels; the"
            + " network's filters need 36 × 36 or more: enlarge the camera sensor's picture",
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
        .containsExactly("step-000000149.safetensors");
  }

  private static int port() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }
}
