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
import java.util.Set;
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

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void openingAndClosingLeavesNothingBehind(Transport transport) throws Exception {
    Set<Thread> others = threads(); // of other tests
    int after20 = 0;
    for (int i = 0; i < 60; i++) {
      try (UnityEnvironment env = transport.open(player())) {
        env.reset();
        env.step();
      }
      if (i == 20) {
        after20 = threads().size();
      }
    }
    Instant end = Instant.now().plusSeconds(10);
    while (threads().size() > after20 || threads().stream().anyMatch(t -> plays(t, others))) {
      assertThat(Instant.now()).as("%d threads after 20, now %s", after20, threads()).isBefore(end);
      Thread.sleep(20);
    }
  }

  private static boolean plays(Thread thread, Set<Thread> others) {
    return thread.getName().equals("bellman-player") && !others.contains(thread);
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
