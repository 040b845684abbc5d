package bellman.benchmarks;

import bellman.unity.player.Connection;
import bellman.unity.player.Player;
import bellman.unity.player.PngEncoder;
import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CompressionTypeProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityInputProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLCapabilitiesProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.proto.UnityRLInputProto;
import bellman.unity.proto.UnityRLOutputProto;
import com.google.protobuf.UnsafeByteOperations;
import java.util.List;
import java.util.SplittableRandom;

/** A player whose agents always see the same and never end; it encodes that anew in every step. */
final class BridgePlayer implements Player, AutoCloseable {
  static final String BEHAVIOR = "Bench?team=0";
  static final int HEIGHT = 64;
  static final int WIDTH = 84;
  static final int SIZE = HEIGHT * WIDTH * 3;

  /** What each agent sees. */
  enum Sees {
    PNG,
    FLOAT,
    VECTOR
  }

  private final int agents;
  private final Sees sees;
  private final byte[] picture = new byte[SIZE]; // [height, width, 3]
  private final float[] numbers;
  private final PngEncoder encoder = new PngEncoder(WIDTH, HEIGHT);

  BridgePlayer(int agents, Sees sees) {
    this.agents = agents;
    this.sees = sees;
    // Flat areas and edges, as a game's picture has them: cells of 12 pixels in one of 6 colours.
    SplittableRandom random = new SplittableRandom(Workload.SEED);
    byte[][] colours = new byte[6][3];
    for (byte[] colour : colours) {
      random.nextBytes(colour);
    }
    byte[][] cells = new byte[8 * 8][];
    for (int i = 0; i < cells.length; i++) {
      cells[i] = colours[random.nextInt(colours.length)];
    }
    for (int p = 0; p < HEIGHT * WIDTH; p++) {
      byte[] colour = cells[p / WIDTH / 12 * 8 + p % WIDTH / 12];
      System.arraycopy(colour, 0, picture, 3 * p, 3);
    }
    numbers = new float[sees == Sees.VECTOR ? 100 : SIZE];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = sees == Sees.VECTOR ? random.nextFloat() : (picture[i] & 0xFF) / 255f;
    }
  }

  /** The i-th number that an agent sees, a picture's in H,W,C. */
  float shown(int i) {
    return numbers[i];
  }

  @Override
  public int play(Connection connection) {
    UnityMessageProto reply =
        connection.exchange(
            ok(
                UnityOutputProto.newBuilder()
                    .setRlInitializationOutput(
                        UnityRLInitializationOutputProto.newBuilder()
                            .setName("AcademySingleton")
                            .setCommunicationVersion("1.5.0")
                            .setPackageVersion("2.3.0")
                            .setCapabilities(
                                UnityRLCapabilitiesProto.newBuilder()
                                    .setBaseRLCapabilities(true)))));
    reply = connection.exchange(header(200).build());
    boolean described = false;
    while (reply.getHeader().getStatus() == 200) {
      UnityMessageProto report = report();
      if (!described) {
        UnityMessageProto.Builder first = report.toBuilder();
        first
            .getUnityOutputBuilder()
            .getRlInitializationOutputBuilder()
            .addBrainParameters(
                BrainParametersProto.newBuilder()
                    .setBrainName(BEHAVIOR)
                    .setIsTraining(true)
                    .setActionSpec(
                        ActionSpecProto.newBuilder()
                            .setNumDiscreteActions(1)
                            .addDiscreteBranchSizes(5)));
        report = first.build();
        described = true;
      }
      reply = connection.exchange(report);
    }
    return 0;
  }

  /** What all agents see now. */
  UnityMessageProto report() {
    UnityRLOutputProto.ListAgentInfoProto.Builder list =
        UnityRLOutputProto.ListAgentInfoProto.newBuilder();
    for (int id = 0; id < agents; id++) {
      ObservationProto.Builder seen = ObservationProto.newBuilder().setName("Sensor");
      if (sees == Sees.VECTOR) {
        seen.addShape(numbers.length).addDimensionProperties(1);
      } else {
        seen.addAllShape(List.of(HEIGHT, WIDTH, 3)).addAllDimensionProperties(List.of(2, 2, 1));
      }
      if (sees == Sees.PNG) {
        seen.setCompressionType(CompressionTypeProto.PNG)
            .setCompressedData(UnsafeByteOperations.unsafeWrap(encoder.encode(picture)));
      } else {
        ObservationProto.FloatData.Builder data = ObservationProto.FloatData.newBuilder();
        for (float number : numbers) {
          data.addData(number);
        }
        seen.setFloatData(data);
      }
      list.addValue(AgentInfoProto.newBuilder().setId(id).setReward(-0.01f).addObservations(seen));
    }
    return ok(
        UnityOutputProto.newBuilder()
            .setRlOutput(UnityRLOutputProto.newBuilder().putAgentInfos(BEHAVIOR, list.build())));
  }

  /** What a trainer answers. */
  UnityMessageProto answer() {
    UnityRLInputProto.ListAgentActionProto.Builder list =
        UnityRLInputProto.ListAgentActionProto.newBuilder();
    for (int i = 0; i < agents; i++) {
      list.addValue(
          AgentActionProto.newBuilder().addVectorActionsDeprecated(2).addDiscreteActions(2));
    }
    return header(200)
        .setUnityInput(
            UnityInputProto.newBuilder()
                .setRlInput(UnityRLInputProto.newBuilder().putAgentActions(BEHAVIOR, list.build())))
        .build();
  }

  private static UnityMessageProto ok(UnityOutputProto.Builder output) {
    return header(200).setUnityOutput(output).build();
  }

  private static UnityMessageProto.Builder header(int status) {
    return UnityMessageProto.newBuilder().setHeader(HeaderProto.newBuilder().setStatus(status));
  }

  @Override
  public void close() {
    encoder.close();
  }
}
