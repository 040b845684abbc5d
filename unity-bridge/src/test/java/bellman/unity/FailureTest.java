package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import bellman.unity.player.Player;
import bellman.unity.proto.UnityMessageProto;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Everything that can go wrong, and what the user reads then. */
class FailureTest {
  private static final Duration SHORT = Duration.ofMillis(1200);

  private final CountDownLatch released = new CountDownLatch(1);

  private static UnityMessageProto firstAgent() {
    return Says.firstAgents(List.of(2), Says.agent(0, 0f, Says.vector(0)));
  }

  /** Says this, then nothing until it is released or interrupted. */
  private Player hangsAfter(UnityMessageProto... script) {
    return connection -> {
      for (UnityMessageProto message : script) {
        connection.exchange(message);
      }
      try {
        released.await();
      } catch (InterruptedException e) {
        return 1;
      }
      return 0;
    };
  }

  private static String name(Transport transport) {
    // A lambda's class name ends differently in every run.
    return transport == Transport.TCP ? "the player" : "the embedded player FailureTest.*?";
  }

  @Test
  void nobodyConnects() {
    int[] port = new int[1];
    UnityTimeoutException e =
        catchThrowableOfType(
            UnityTimeoutException.class,
            () ->
                UnityEnvironment.listen(0)
                    .onListening(p -> port[0] = p)
                    .timeoutWait(Duration.ofMillis(150))
                    .open());
    assertThat(e)
        .hasMessage(
            "nobody connected to localhost:%1$d within 0.15 s. Remedy: start the player with"
                    .formatted(port[0])
                + " --mlagents-port %1$d.".formatted(port[0]));
    assertThat(e.stage()).isEqualTo(UnityTimeoutException.Stage.CONNECT);
    assertThat(e.waited()).isBetween(Duration.ofMillis(150), Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void noSecondMessage(Transport transport) {
    assertThatThrownBy(() -> transport.open(hangsAfter(Says.hello()), b -> b.timeoutWait(SHORT)))
        .isInstanceOfSatisfying(
            UnityTimeoutException.class,
            e -> assertThat(e.stage()).isEqualTo(UnityTimeoutException.Stage.SCENE))
        .hasMessageMatching(
            name(transport)
                + " connected \\(package 3\\.0\\.0\\) but sent no second message within 1\\.2 s\\."
                + " Remedy: raise timeoutWait \\(--timeout-wait\\) if its scene loads slowly; else look for an exception"
                + " at its start\\.");
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void noAgentEverAsks(Transport transport) {
    Player player = hangsAfter(Says.hello(), Says.loaded());
    try (UnityEnvironment env = transport.open(player, b -> b.timeoutWait(SHORT))) {
      assertThatThrownBy(env::reset)
          .isInstanceOfSatisfying(
              UnityTimeoutException.class,
              e -> assertThat(e.stage()).isEqualTo(UnityTimeoutException.Stage.FIRST_DECISION))
          .hasMessageMatching(
              name(transport)
                  + " is connected but no agent asked for a decision within 1\\.2 s after the"
                  + " reset\\. Remedy: give an active agent a Decision Requester, or call"
                  + " RequestDecision, and set its behavior type to Default\\.");
      released.countDown();
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void aStepTakesTooLong(Transport transport) {
    Player player = hangsAfter(Says.hello(), Says.loaded(), firstAgent());
    try (UnityEnvironment env = transport.open(player, b -> b.timeoutWait(SHORT))) {
      env.reset();
      UnityTimeoutException e = catchThrowableOfType(UnityTimeoutException.class, env::step);
      assertThat(e.stage()).isEqualTo(UnityTimeoutException.Stage.STEP);
      assertThat(e)
          .hasMessageMatching(
              name(transport)
                  + " did not finish a step within 1\\.2 s\\. Remedy: raise timeoutWait \\(--timeout-wait\\) if a step"
                  + " can take that long; else look whether it is paused or hangs\\.");
      assertThatThrownBy(env::reset).as("later exchanges").isSameAs(e);
      released.countDown();
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void thePlayerLeaves(Transport transport) throws Exception {
    CountDownLatch answered = new CountDownLatch(1);
    Player player =
        connection -> {
          connection.exchange(Says.hello());
          connection.exchange(Says.loaded());
          connection.exchange(firstAgent());
          if (connection.exchange(Says.status(400)).getHeader().getStatus() == 400) {
            answered.countDown();
          }
          return 0;
        };
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isInstanceOf(PlayerLeftException.class)
          .hasMessageMatching(
              name(transport)
                  + " ended the exchange by itself \\(status 400\\) during a step\\. Remedy:"
                  + " nothing, if its window was closed or the Editor stopped playing\\.");
      assertThat(answered.await(20, TimeUnit.SECONDS))
          .as("answered although the trainer is still open")
          .isTrue();
    }
  }

  @Test
  void theConnectionBreaks() {
    Player player = new ScriptedPlayer(Says.hello(), Says.loaded(), firstAgent());
    try (UnityEnvironment env = Transport.TCP.open(player)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isInstanceOf(PlayerLeftException.class)
          .hasMessage(
              "the connection to the player broke during a step. Remedy: it crashed or was closed;"
                  + " see its own log.");
    }
  }

  @Test
  void theEmbeddedPlayerThrows() {
    IllegalStateException cause = new IllegalStateException("no floor");
    Player player =
        connection -> {
          connection.exchange(Says.hello());
          throw cause;
        };
    assertThatThrownBy(() -> Transport.IN_PROCESS.open(player))
        .isInstanceOfSatisfying(
            PlayerDiedException.class, e -> assertThat(e.exitCode()).isEqualTo(1))
        .hasCause(cause)
        .hasMessageMatching(
            name(Transport.IN_PROCESS)
                + " ended with an exception: java\\.lang\\.IllegalStateException: no floor after it"
                + " connected, before its second message\\. Remedy: see the cause of this"
                + " exception\\.");
  }

  @Test
  void theEmbeddedPlayerStopsPlaying() {
    Player player = new ScriptedPlayer(Says.hello(), Says.loaded(), firstAgent());
    try (UnityEnvironment env = Transport.IN_PROCESS.open(player)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isInstanceOf(PlayerDiedException.class)
          .hasMessage(
              "the embedded player ScriptedPlayer ended with exit code 0 during a step. Remedy: a"
                  + " player must play until it is answered with status 400.");
    }
  }

  @Test
  void theEditorIsTold() {
    UnityEnvironment.Builder editor = UnityEnvironment.editor().timeoutWait(Duration.ofMillis(150));
    // Its port is fixed, so another training on this machine may hold it.
    assertThatThrownBy(editor::open)
        .satisfiesAnyOf(
            e ->
                assertThat(e)
                    .isInstanceOf(UnityTimeoutException.class)
                    .hasMessage(
                        "nobody connected to localhost:5004 within 0.15 s. Remedy: press Play in the"
                            + " Unity Editor; its Project Settings > ML-Agents must say Connect"
                            + " Trainer and Editor Port 5004."),
            e ->
                assertThat(e)
                    .isInstanceOf(PortInUseException.class)
                    .hasMessage(
                        "port 5004 is in use. Remedy: close the other training, or give one of the"
                            + " two another port: listen on it here and set it in Project Settings >"
                            + " ML-Agents > Editor Port in Unity."));
  }

  @Test
  void whoWaitsForAPlayerSaysHowToStartIt() {
    int[] port = new int[1];
    assertThat(
            Logged.lines(
                UnityEnvironment.class,
                Level.INFO,
                () ->
                    assertThatThrownBy(
                            () ->
                                UnityEnvironment.listen(0)
                                    .onListening(p -> port[0] = p)
                                    .timeoutWait(Duration.ofMillis(50))
                                    .open())
                        .isInstanceOf(UnityTimeoutException.class)))
        .containsExactly(
            "Listening on port %1$d. Start the player with --mlagents-port %1$d."
                .formatted(port[0]));
    List<String> editor =
        Logged.lines(
            UnityEnvironment.class,
            Level.INFO,
            () ->
                assertThatThrownBy(
                        () -> UnityEnvironment.editor().timeoutWait(Duration.ofMillis(50)).open())
                    .isInstanceOf(UnityException.class));
    // Empty where another training holds the Editor's port.
    assertThat(editor)
        .isSubsetOf(
            "Listening on port 5004. Start training by pressing the Play button in the Unity Editor.");
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void versionsDoNotFit(Transport transport) {
    ScriptedPlayer player = new ScriptedPlayer(Says.hello("9.1.0", "2.0.0"));
    assertThatThrownBy(() -> transport.open(player))
        .isInstanceOf(VersionMismatchException.class)
        .hasMessage(
            "communicator versions do not fit: the player (package 9.1.0) speaks 2.0.0, this trainer"
                + " 1.5.0. Remedy: use a com.unity.ml-agents package that speaks 1.x; all from 1.0"
                + " to 4.0 do.");
    assertThat(player.replies()).hasSize(1);
    assertThat(player.replies().get(0).getHeader().getStatus()).isEqualTo(400);
  }

  @Test
  void versionsFitByTheirMajor() {
    Version ours = new Version(1, 5, 0);
    assertThat(Version.parse("1.0.0").orElseThrow().compatible(ours)).isTrue();
    assertThat(Version.parse("1.9.3-exp.2").orElseThrow().compatible(ours)).isTrue();
    assertThat(Version.parse("0.5.0").orElseThrow().compatible(ours)).isFalse();
    assertThat(new Version(0, 14, 1).compatible(new Version(0, 14, 0))).isTrue();
    assertThat(new Version(0, 14, 1).compatible(new Version(0, 15, 1))).isFalse();
    assertThat(Version.parse("API-13")).isEmpty();
    assertThat(Version.parse("")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void theFirstMessageIsNoHello(Transport transport) {
    assertThatThrownBy(() -> transport.open(new ScriptedPlayer(Says.loaded())))
        .isInstanceOf(UnityException.class)
        .hasMessage(
            "the player's first message holds no rl_initialization_output. Remedy: a player must be"
                + " started afresh for each trainer; start this one again.");
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void numbersAreNoNumbers(Transport transport) {
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello(),
            Says.loaded(),
            firstAgent(),
            Says.agents(Says.agent(0, Float.NaN, Says.vector(0))));
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isInstanceOf(UnityException.class)
          .hasMessageStartingWith("Walker?team=0: agent 0, reward is NaN; it must be finite.");
    }
    ScriptedPlayer other =
        new ScriptedPlayer(
            Says.hello(),
            Says.loaded(),
            Says.firstAgents(List.of(2), Says.agent(0, 0f, Says.vector(0, Float.NaN))));
    try (UnityEnvironment env = transport.open(other)) {
      assertThatThrownBy(env::reset)
          .isInstanceOf(UnityException.class)
          .hasMessageStartingWith(
              "Walker?team=0: agent 0, observation \"Sensor\" holds NaN at index 1; ");
    }
  }

  @Test
  void thePortIsTaken(@TempDir Path dir) throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = other.getLocalPort();
      assertThatThrownBy(() -> UnityEnvironment.listen(port).open())
          .isInstanceOf(PortInUseException.class)
          .hasMessage(
              "port %d is in use. Remedy: close the other training, or listen on another port."
                  .formatted(port));
      Path file = dir.resolve("Game.x86_64");
      Files.writeString(file, "");
      assertThat(file.toFile().setExecutable(true)).isTrue();
      assertThatThrownBy(
              () -> UnityEnvironment.executable(file).basePort(port - 2).workerId(2).open())
          .isInstanceOf(PortInUseException.class)
          .hasMessage(
              "port %d is in use (base port %d + worker id 2). Remedy: close the other training or a player left over from it, use another base port or worker id, or name none: then free ports are looked for."
                  .formatted(port, port - 2));
    }
  }
}
