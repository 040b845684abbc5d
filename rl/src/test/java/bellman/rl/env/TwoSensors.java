package bellman.rl.env;

import bellman.unity.player.Connection;
import bellman.unity.player.Player;
import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLCapabilitiesProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.proto.UnityRLInputProto;
import bellman.unity.proto.UnityRLOutputProto;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A player whose agents see a picture that is black or white, a vector [1 − v, v] and a constant
 * one, and earn 1 for the action that says whether picture and v differ: neither sensor alone tells
 * anything. No episode ends. It also has a sensor that no DQN can use.
 */
public final class TwoSensors implements Player {
  public static final int SIZE = 20;
  static final String BEHAVIOR = "TwoSensors?team=0";

  private final int agents;
  private final SplittableRandom random = new SplittableRandom(5);
  private final boolean[] white;
  private final boolean[] v;
  private final float[] rewards;

  public TwoSensors(int agents) {
    this.agents = agents;
    white = new boolean[agents];
    v = new boolean[agents];
    rewards = new float[agents];
  }

  @Override
  public int play(Connection trainer) {
    trainer.exchange(
        message(
            UnityOutputProto.newBuilder()
                .setRlInitializationOutput(
                    UnityRLInitializationOutputProto.newBuilder()
                        .setName("AcademySingleton")
                        .setCommunicationVersion("1.5.0")
                        .setPackageVersion("4.0.1") // whose floats are C,H,W as declared
                        .setCapabilities(
                            UnityRLCapabilitiesProto.newBuilder().setBaseRLCapabilities(true)))));
    UnityMessageProto reply = trainer.exchange(message(null));
    for (boolean first = true; reply.getHeader().getStatus() == 200; first = false) {
      act(reply.getUnityInput().getRlInput());
      reply = trainer.exchange(report(first));
    }
    return 0;
  }

  private void act(UnityRLInputProto input) {
    boolean reset = input.getCommand() == CommandProto.RESET;
    for (int i = 0; i < agents; i++) {
      if (!reset) {
        int action = input.getAgentActionsOrThrow(BEHAVIOR).getValue(i).getDiscreteActions(0);
        rewards[i] = (action == 1) == (white[i] != v[i]) ? 1 : 0;
      } else {
        rewards[i] = 0;
      }
      white[i] = random.nextBoolean();
      v[i] = random.nextBoolean();
    }
  }

  private UnityMessageProto report(boolean first) {
    var infos = UnityRLOutputProto.ListAgentInfoProto.newBuilder();
    for (int i = 0; i < agents; i++) {
      infos.addValue(
          AgentInfoProto.newBuilder()
              .setId(i)
              .setReward(rewards[i])
              .addObservations(
                  floats("Buffer", List.of(2, 3), List.of(4, 1), Collections.nCopies(6, 0f)))
              .addObservations(
                  floats(
                      "Camera",
                      List.of(1, SIZE, SIZE),
                      List.of(1, 2, 2),
                      Collections.nCopies(SIZE * SIZE, white[i] ? 1f : 0f)))
              .addObservations(
                  floats("V", List.of(2), List.of(1), List.of(v[i] ? 0f : 1f, v[i] ? 1f : 0f)))
              .addObservations(floats("W", List.of(1), List.of(1), List.of(0.5f))));
    }
    UnityOutputProto.Builder output = UnityOutputProto.newBuilder();
    output.getRlOutputBuilder().putAgentInfos(BEHAVIOR, infos.build());
    if (first) {
      output
          .getRlInitializationOutputBuilder()
          .addBrainParameters(
              BrainParametersProto.newBuilder()
                  .setBrainName(BEHAVIOR)
                  .setIsTraining(true)
                  .setActionSpec(
                      ActionSpecProto.newBuilder()
                          .setNumDiscreteActions(1)
                          .addDiscreteBranchSizes(2)));
    }
    return message(output);
  }

  private static ObservationProto floats(
      String name, List<Integer> shape, List<Integer> dimensions, List<Float> values) {
    return ObservationProto.newBuilder()
        .setName(name)
        .addAllShape(shape)
        .addAllDimensionProperties(dimensions)
        .setFloatData(ObservationProto.FloatData.newBuilder().addAllData(values))
        .build();
  }

  private static UnityMessageProto message(UnityOutputProto.Builder output) {
    UnityMessageProto.Builder message =
        UnityMessageProto.newBuilder().setHeader(HeaderProto.newBuilder().setStatus(200));
    return output == null ? message.build() : message.setUnityOutput(output).build();
  }
}
