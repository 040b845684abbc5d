package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Faults between two ends that are right in themselves. */
@Timeout(60)
class FaultTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final AgentInfoProto AGENT = Says.agent(0, 0f, Says.vector(1, 2, 3));
  private static final UnityMessageProto[] SCRIPT = {
    Says.hello(), Says.loaded(), Says.firstAgents(List.of(2), AGENT), Says.agents(AGENT)
  };

  private static final String REMEDY =
      "). Remedy: a player must speak the protocol of the ML-Agents packages 1.x to 4.x, in messages"
          + " of at most 256 MiB.";

  @Test
  void aMessageThatIsLateButInTimeIsFine() {
    var player = new FaultyPlayer(3, FaultyPlayer.delay(Duration.ofMillis(400)), SCRIPT);
    try (UnityEnvironment env = player.open(LONG)) {
      env.reset();
      Instant begin = Instant.now();
      env.step();
      assertThat(Duration.between(begin, Instant.now())).isGreaterThan(Duration.ofMillis(350));
      assertThat(env.steps(Says.WALKER).decisions().size()).isOne();
    }
  }

  @Test
  void aMessageThatIsDroppedIsATimeout() {
    CountDownLatch until = new CountDownLatch(1);
    var player = new FaultyPlayer(3, FaultyPlayer.drop(until), SCRIPT);
    try (UnityEnvironment env = player.open(Duration.ofMillis(600))) {
      env.reset();
      assertThatThrownBy(env::step)
          .isInstanceOf(UnityTimeoutException.class)
          .hasMessageStartingWith("the player did not finish a step within 0.6 s.");
      until.countDown();
    }
  }

  @Test
  void aConnectionThatBreaksIsNoticedAtOnce() {
    var player = new FaultyPlayer(3, FaultyPlayer.kill(), SCRIPT);
    try (UnityEnvironment env = player.open(LONG)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isInstanceOfSatisfying(
              PlayerLeftException.class, e -> assertThat(e.intended()).isFalse())
          .hasMessage(
              "the connection to the player broke during a step. Remedy: it crashed or was closed;"
                  + " see its own log.");
    }
  }

  @Test
  void bytesThatAreNoMessageAreNamed() throws Exception {
    var player =
        new FaultyPlayer(
            3, FaultyPlayer.garbage(bytes -> Arrays.copyOf(bytes, bytes.length - 3)), SCRIPT);
    try (UnityEnvironment env = player.open(LONG)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isExactlyInstanceOf(UnityException.class)
          .hasMessage(
              "a message of the player could not be read during a step (While parsing a protocol"
                  + " message, the input ended unexpectedly in the middle of a field.  This could"
                  + " mean either that the input has been truncated or that an embedded message"
                  + " misreported its own length."
                  + REMEDY);
      assertThat(player.refused().getStatus().getCode()).isEqualTo(Status.Code.UNKNOWN);
    }
  }

  @Test
  void aFirstMessageThatIsNoneIsNamedToo() {
    var player =
        new FaultyPlayer(0, FaultyPlayer.garbage(bytes -> new byte[] {0x0c, 1, 2}), SCRIPT);
    assertThatThrownBy(() -> player.open(LONG))
        .isExactlyInstanceOf(UnityException.class)
        .hasMessageMatching(
            "a message of the player could not be read before it connected to localhost:\\d+ \\(.+");
  }

  @Test
  void aMessageBeyondTheLimitIsNamed() throws Exception {
    var player =
        new FaultyPlayer(3, FaultyPlayer.garbage(bytes -> new byte[(256 << 20) + 1]), SCRIPT);
    try (UnityEnvironment env = player.open(LONG)) {
      env.reset();
      assertThatThrownBy(env::step)
          .isExactlyInstanceOf(UnityException.class)
          .hasMessage(
              "a message of the player could not be read during a step (gRPC message exceeds maximum"
                  + " size 268435456: 268435457"
                  + REMEDY);
    }
  }

  /** Above gRPC's own limit of 4 MiB: 7.9 million numbers of one agent. */
  @Test
  void aMessageOf30MegabytesIsUnderstood() {
    int size = 7_900_000;
    ObservationProto.FloatData.Builder data = ObservationProto.FloatData.newBuilder();
    for (int i = 0; i < size; i++) {
      data.addData(i & 1023);
    }
    UnityMessageProto first =
        Says.firstAgents(
            List.of(2),
            Says.agent(
                0,
                0f,
                ObservationProto.newBuilder()
                    .setName("Large")
                    .addShape(size)
                    .addDimensionProperties(1)
                    .setFloatData(data)
                    .build()));
    assertThat(first.getSerializedSize()).isGreaterThan(30_000_000);
    var player = new FaultyPlayer(2, FaultyPlayer.instead(first), SCRIPT);
    try (UnityEnvironment env = player.open(LONG)) {
      env.reset();
      float[] values = env.steps(Says.WALKER).decisions().agent(0).values(0);
      assertThat(values).hasSize(size);
      assertThat(values[size - 1]).isEqualTo((size - 1) & 1023);
    }
  }

  @Test
  void twoPlayersAtOnceDoNotMeet() {
    var one = new FaultyPlayer(3, FaultyPlayer.kill(), SCRIPT);
    var two = new FaultyPlayer(-1, null, SCRIPT);
    try (UnityEnvironment broken = one.open(LONG);
        UnityEnvironment whole = two.open(LONG)) {
      assertThat(broken.port()).isNotEqualTo(whole.port());
      whole.reset();
      broken.reset();
      assertThatThrownBy(broken::step).isInstanceOf(PlayerLeftException.class);
      whole.step();
      assertThat(whole.steps(Says.WALKER).decisions().agent(0).values(0)).containsExactly(1, 2, 3);
    }
  }
}
