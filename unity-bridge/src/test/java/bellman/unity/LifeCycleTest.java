package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.player.GrpcConnection;
import bellman.unity.process.PlayerThread;
import bellman.unity.proto.AgentInfoProto;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Opening and closing, again and again and side by side. */
class LifeCycleTest {
  private static final AgentInfoProto AGENT = Says.agent(0, 0f, Says.vector(1));

  private static ScriptedPlayer player() {
    return new ScriptedPlayer(
        Says.hello(), Says.loaded(), Says.firstAgents(List.of(2), AGENT), Says.agents(AGENT));
  }

  private static long threads(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(prefix))
        .count();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void openingAndClosingLeavesNothingBehind(Transport transport) throws Exception {
    long before = 0;
    for (int i = 0; i < 60; i++) {
      try (UnityEnvironment env = transport.open(player())) {
        env.reset();
        env.step();
      }
      if (i == 20) {
        before = threads("");
      }
    }
    Instant end = Instant.now().plusSeconds(10);
    while (threads("bellman-player") > 0 || threads("") > before) {
      assertThat(Instant.now()).as("threads: " + threads("") + " after " + before).isBefore(end);
      Thread.sleep(20);
    }
  }

  /** What is left of a closed connection must not keep the port from the next training. */
  @Test
  void aPortIsFreeAtOnceForTheNextTraining() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    for (int i = 0; i < 10; i++) {
      try (UnityEnvironment env =
          UnityEnvironment.listen(port)
              .timeoutWait(Duration.ofSeconds(20))
              .onListening(p -> PlayerThread.start(player(), GrpcConnection.tcp(p)))
              .open()) {
        env.reset();
      }
    }
  }

  @Test
  void severalPlayersPlaySideBySide() {
    List<UnityEnvironment> all = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        all.add((i % 2 == 0 ? Transport.TCP : Transport.IN_PROCESS).open(player()));
      }
      all.forEach(UnityEnvironment::reset);
      all.get(3).close();
      for (UnityEnvironment env : all) {
        if (env == all.get(3)) {
          assertThatThrownBy(env::step).isInstanceOf(IllegalStateException.class);
        } else {
          env.step();
          assertThat(env.steps(Says.WALKER).decisions().size()).isOne();
        }
      }
    } finally {
      all.forEach(UnityEnvironment::close);
    }
  }

  @Test
  void aTrainerThatIsInterruptedWhileItWaitsSaysSo() {
    ScriptedPlayer player = player();
    try (UnityEnvironment env = Transport.IN_PROCESS.open(player)) {
      env.reset();
      Thread.currentThread().interrupt();
      assertThatThrownBy(env::step)
          .isInstanceOf(UnityException.class)
          .hasMessage("interrupted while waiting for the player");
      assertThat(Thread.interrupted()).as("the flag stays").isTrue();
    }
  }
}
