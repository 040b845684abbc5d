package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLOutputProto;
import bellman.unity.recording.Recording;
import bellman.unity.sidechannel.SideChannels;
import bellman.unity.sidechannel.StatsChannel;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Real messages with a few bytes changed: each is understood or refused with a clear message, never
 * anything else.
 */
class FuzzTest {
  private static final List<byte[]> REAL = new ArrayList<>();

  private static final List<Logger> LOGGERS =
      List.of(Logger.getLogger("bellman.unity"), Logger.getLogger("io.grpc"));

  @BeforeAll
  static void beQuiet() {
    LOGGERS.forEach(logger -> logger.setLevel(Level.OFF));
  }

  @AfterAll
  static void beLoudAgain() {
    LOGGERS.forEach(logger -> logger.setLevel(null));
  }

  @BeforeAll
  static void load() throws IOException {
    for (String name : List.of("gridworld", "gridworld4", "3dball")) {
      List<UnityMessageProto> messages = Golden.load(name).recording().of(Recording.Sender.PLAYER);
      // The first with agents, which describes them, and some later ones.
      messages.subList(2, 12).forEach(m -> REAL.add(m.toByteArray()));
    }
    Trace trace =
        new Trace("3.0.0")
            .behavior("A", 2, 3, 2)
            .says(
                "b7f7d8a1c8cef950b78bd3e165a785200d00000001000000610000003f02000000",
                Trace.waits(
                        "A",
                        0,
                        Says.numbers(List.of(3, 1, 2), List.of(1, 2, 2), 0, 1, 0, 1, 0, 1),
                        Says.png(
                            List.of(6, 1, 2),
                            List.of(1, 2, 2),
                            List.of(0, 1, 2, 3, 4, 5),
                            Pngs.concat(
                                Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6),
                                Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6))),
                        Says.numbers(List.of(2, 2), List.of(4, 1), 1, 2, 0, 0))
                    .mask(true, false, false, false, true)
                    .group(1, 0.5f));
    REAL.add(trace.messages()[2].toByteArray());
  }

  /** Changes numbers that mean something, up to eight bytes, cuts, doubles or splices. */
  private static byte[] mutated(SplittableRandom random) {
    byte[] bytes = REAL.get(random.nextInt(REAL.size())).clone();
    switch (random.nextInt(8)) {
      case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
      case 1 -> {
        int from = random.nextInt(bytes.length);
        int length = random.nextInt(bytes.length - from + 1);
        byte[] longer = new byte[bytes.length + length];
        System.arraycopy(bytes, 0, longer, 0, from + length);
        System.arraycopy(bytes, from, longer, from + length, bytes.length - from);
        bytes = longer;
      }
      case 2 -> {
        byte[] other = REAL.get(random.nextInt(REAL.size()));
        int length = random.nextInt(Math.min(bytes.length, other.length) + 1);
        System.arraycopy(other, other.length - length, bytes, bytes.length - length, length);
      }
      case 3, 4 -> bytes = withOtherMeaning(bytes, random);
      default -> {
        // Half of the changes near the front, where the structure is.
        int range = random.nextBoolean() ? bytes.length : Math.min(bytes.length, 200);
        for (int n = 1 + random.nextInt(8); n > 0; n--) {
          int at = random.nextInt(range);
          bytes[at] =
              (byte) (random.nextBoolean() ? bytes[at] ^ 1 << random.nextInt(8) : random.nextInt());
        }
      }
    }
    return bytes;
  }

  /** Still a message, but one that lies about one of its agents. */
  private static byte[] withOtherMeaning(byte[] bytes, SplittableRandom random) {
    UnityMessageProto.Builder message;
    try {
      message = UnityMessageProto.parseFrom(bytes).toBuilder();
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
    UnityRLOutputProto.Builder output = message.getUnityOutputBuilder().getRlOutputBuilder();
    String behavior = output.getAgentInfosMap().keySet().iterator().next();
    var list = output.getAgentInfosOrThrow(behavior).toBuilder();
    AgentInfoProto.Builder agent = list.getValueBuilder(random.nextInt(list.getValueCount()));
    ObservationProto.Builder seen =
        agent.getObservationsBuilder(random.nextInt(agent.getObservationsCount()));
    int any = random.nextInt();
    switch (random.nextInt(9)) {
      case 0 -> agent.setReward(Float.intBitsToFloat(any | 0x7f80_0000));
      case 1 -> agent.setGroupReward(Float.NEGATIVE_INFINITY);
      case 2 -> agent.removeObservations(0);
      case 3 -> seen.setShape(random.nextInt(seen.getShapeCount()), any >> random.nextInt(32));
      case 4 -> seen.addShape(1);
      case 5 -> seen.getFloatDataBuilder().addData(any);
      case 6 -> seen.addCompressedChannelMapping(any >> random.nextInt(32));
      case 7 -> seen.setCompressedData(ByteString.copyFrom(bytes, 0, random.nextInt(bytes.length)));
      default -> agent.addActionMask(true);
    }
    return message
        .setUnityOutput(
            message
                .getUnityOutputBuilder()
                .setRlOutput(output.putAgentInfos(behavior, list.build())))
        .build()
        .toByteArray();
  }

  private static final int UNPARSED = 0;
  private static final int REFUSED = 1;
  private static final int UNREADABLE = 2;
  private static final int UNDERSTOOD = 3;

  @Test
  void mutatedMessagesAreUnderstoodOrRefused() {
    int[] kinds = new int[4];
    SplittableRandom random = new SplittableRandom(5);
    long early = 0;
    for (int i = 0; i < Soak.ROUNDS; i++) {
      byte[] bytes = mutated(random);
      try {
        kinds[understand(bytes, i)]++;
      } catch (RuntimeException | Error e) {
        throw new AssertionError(
            "round " + i + ": " + e + " at " + HexFormat.of().formatHex(bytes), e);
      }
      if (i == Soak.ROUNDS / 4) {
        early = Soak.heap();
      }
    }
    long late = Soak.heap();
    System.out.printf(
        Locale.ROOT,
        "fuzz: %,d messages: %,d are none, %,d refused, %,d with a bad picture, %,d understood;"
            + " heap %,d KB then %,d KB%n",
        Soak.ROUNDS,
        kinds[UNPARSED],
        kinds[REFUSED],
        kinds[UNREADABLE],
        kinds[UNDERSTOOD],
        early >> 10,
        late >> 10);
    // The mutations reach every layer.
    for (int kind : kinds) {
      assertThat(kind).isGreaterThan(Soak.ROUNDS / 200);
    }
    assertThat(late - early).as("bytes kept").isLessThan(2 << 20);
  }

  private static int understand(byte[] bytes, int round) {
    UnityMessageProto message;
    try {
      message = UnityMessageProto.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return UNPARSED;
    }
    Behaviors behaviors = new Behaviors(round % 2 == 0 ? "3.0.0" : "2.0.0", false);
    try {
      behaviors.understand(message.getUnityOutput());
    } catch (UnityException | IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
      return REFUSED;
    }
    boolean readable = true;
    for (BehaviorSpec spec : behaviors.specs().values()) {
      Steps steps = behaviors.steps(spec.name());
      for (AgentSteps agents : List.of(steps.decisions(), steps.terminals())) {
        for (int o = 0; o < spec.observations().size(); o++) {
          readable &= read(agents.observation(o));
        }
      }
      if (spec.actions().maskSize() > 0 && spec.actions().maskSize() < 1000) {
        for (int b = 0; b < spec.actions().discreteSize(); b++) {
          assertThat(steps.decisions().mask(b))
              .hasDimensions(steps.decisions().size(), spec.actions().branches().get(b));
        }
      }
    }
    return readable ? UNDERSTOOD : UNREADABLE;
  }

  private static boolean read(ObservationBatch batch) {
    boolean readable = true;
    for (int i = 0; i < batch.size(); i++) {
      try {
        for (float v : batch.values(i)) {
          assertThat(Float.isFinite(v)).isTrue();
        }
        if (batch.spec().isVisual()) {
          batch.pixels(i);
        }
      } catch (UnityException e) {
        assertThat(e.getMessage()).contains(", observation \"" + batch.spec().name() + "\" ");
        readable = false;
      }
    }
    return readable;
  }

  /** The same over the wire, where also what is no message must reach the trainer as a failure. */
  @Test
  void mutatedMessagesOverTcpNeverHangTheTrainer() throws Exception {
    SplittableRandom random = new SplittableRandom(6);
    int rounds = Soak.ROUNDS / 400;
    int failures = 0;
    for (int i = 0; i < rounds; i++) {
      byte[] bytes = mutated(random);
      try (UnityEnvironment env =
          UnityEnvironment.listen(0)
              .timeoutWait(Duration.ofSeconds(20))
              .onListening(
                  port -> {
                    Thread thread = new Thread(() -> say(port, bytes));
                    thread.setDaemon(true);
                    thread.start();
                  })
              .open()) {
        env.reset();
      } catch (UnityTimeoutException e) {
        throw new AssertionError("hangs at " + HexFormat.of().formatHex(bytes), e);
      } catch (UnityException e) {
        assertThat(e.getMessage()).isNotBlank();
        failures++;
      }
    }
    assertThat(failures).isBetween(rounds / 10, rounds);
  }

  private static void say(int port, byte[] bytes) {
    try (RawConnection trainer = new RawConnection(port)) {
      trainer.exchange(Says.hello());
      trainer.exchange(Says.loaded());
      trainer.exchange(bytes);
    } catch (RuntimeException e) {
      // The trainer refused it, or was closed.
    }
  }

  /** Side channels and recordings are read from outside too. */
  @Test
  void mutatedSideChannelsAndRecordingsAreReadOrRefused() throws IOException {
    byte[] recording = Arrays.copyOf(Golden.load("3dball").bytes(), 3000);
    byte[] stats =
        HexFormat.of()
            .parseHex("b7f7d8a1c8cef950b78bd3e165a785200d00000001000000610000003f02000000");
    SplittableRandom random = new SplittableRandom(7);
    int refused = 0;
    for (int i = 0; i < Soak.ROUNDS; i++) {
      byte[] bytes = (i % 2 == 0 ? recording : stats).clone();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      try {
        if (i % 2 == 0) {
          Recording.parse(bytes, "fuzz");
        } else {
          var channel = new StatsChannel();
          new SideChannels(List.of(channel)).deliver(ByteBuffer.wrap(bytes));
        }
      } catch (IOException | IllegalArgumentException e) {
        assertThat(e.getMessage()).isNotBlank();
        refused++;
      }
    }
    assertThat(refused).isBetween(Soak.ROUNDS / 50, Soak.ROUNDS);
  }
}
