package bellman.unity.player;

import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CompressionTypeProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.ObservationTypeProto;
import bellman.unity.proto.SpaceTypeProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLCapabilitiesProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.proto.UnityRLOutputProto;
import com.google.protobuf.UnsafeByteOperations;
import java.util.List;

/** The words of a GridWorld player. */
final class PlayerMessages {
  static final String BEHAVIOR = "GridWorld?team=0";
  static final String API_VERSION = "1.5.0";
  static final int OK = 200;
  static final int STOP = 400;

  private static final int NONE = 1;
  private static final int TRANSLATIONAL_EQUIVARIANCE = 2;

  private PlayerMessages() {}

  /** The first message: who is calling. */
  static UnityMessageProto hello(String packageVersion) {
    return withStatus(OK)
        .setUnityOutput(
            UnityOutputProto.newBuilder()
                .setRlInitializationOutput(
                    UnityRLInitializationOutputProto.newBuilder()
                        .setName("AcademySingleton")
                        .setCommunicationVersion(API_VERSION)
                        .setPackageVersion(packageVersion)
                        .setCapabilities(
                            UnityRLCapabilitiesProto.newBuilder()
                                .setBaseRLCapabilities(true)
                                .setConcatenatedPngObservations(true)
                                .setCompressedChannelMapping(true)
                                .setHybridActions(true)
                                .setTrainingAnalytics(true)
                                .setVariableLengthObservation(true)
                                .setMultiAgentGroups(true))))
        .build();
  }

  /** The second message: waiting for the first reset. */
  static UnityMessageProto ready() {
    return withStatus(OK).build();
  }

  /** The last message. */
  static UnityMessageProto goodbye() {
    return withStatus(STOP).build();
  }

  /** What the agents report; with {@code brain}, also what kind of agents they are. */
  static UnityMessageProto report(List<AgentInfoProto> infos, BrainParametersProto brain) {
    UnityOutputProto.Builder output = UnityOutputProto.newBuilder();
    output
        .getRlOutputBuilder()
        .putAgentInfos(
            BEHAVIOR,
            UnityRLOutputProto.ListAgentInfoProto.newBuilder().addAllValue(infos).build());
    if (brain != null) {
      output.getRlInitializationOutputBuilder().addBrainParameters(brain);
    }
    return withStatus(OK).setUnityOutput(output).build();
  }

  /**
   * One discrete branch of five actions.
   *
   * @param hybridActions whether the trainer reads the action spec; an older one gets the fields it
   *     knows as well
   */
  static BrainParametersProto brain(boolean hybridActions) {
    BrainParametersProto.Builder brain =
        BrainParametersProto.newBuilder()
            .setBrainName(BEHAVIOR)
            .setIsTraining(true)
            .setActionSpec(
                ActionSpecProto.newBuilder()
                    .setNumDiscreteActions(1)
                    .addDiscreteBranchSizes(GridArea.ACTIONS));
    if (!hybridActions) {
      brain
          .addVectorActionSizeDeprecated(GridArea.ACTIONS)
          .setVectorActionSpaceTypeDeprecated(SpaceTypeProto.discrete);
    }
    return brain.build();
  }

  /**
   * An agent's report without its observations.
   *
   * @param mask bit {@code a} set where action {@code a} is forbidden
   * @param masked whether to send the mask at all
   */
  static AgentInfoProto.Builder info(int id, float reward, boolean masked, int mask) {
    AgentInfoProto.Builder info = AgentInfoProto.newBuilder().setId(id).setReward(reward);
    for (int action = 0; masked && action < GridArea.ACTIONS; action++) {
      info.addActionMask((mask & 1 << action) != 0);
    }
    return info;
  }

  /** A picture of 64 × 84 RGB pixels as a PNG file. */
  static ObservationProto picture(byte[] png, boolean channelsFirst) {
    ObservationProto.Builder picture =
        ObservationProto.newBuilder()
            .setCompressionType(CompressionTypeProto.PNG)
            .setCompressedData(UnsafeByteOperations.unsafeWrap(png));
    if (channelsFirst) {
      picture
          .addAllShape(List.of(3, GridWorldPicture.HEIGHT, GridWorldPicture.WIDTH))
          .addAllDimensionProperties(
              List.of(NONE, TRANSLATIONAL_EQUIVARIANCE, TRANSLATIONAL_EQUIVARIANCE))
          .setName("CameraSensor");
    } else {
      picture
          .addAllShape(List.of(GridWorldPicture.HEIGHT, GridWorldPicture.WIDTH, 3))
          .addAllDimensionProperties(
              List.of(TRANSLATIONAL_EQUIVARIANCE, TRANSLATIONAL_EQUIVARIANCE, NONE))
          .setName("RenderTextureSensor");
    }
    return picture.build();
  }

  /** The goal as a one-hot vector [2]: plus, ex. */
  static ObservationProto goal(GridAreaState.Goal goal, boolean channelsFirst) {
    ObservationProto.FloatData.Builder oneHot = ObservationProto.FloatData.newBuilder();
    for (GridAreaState.Goal each : GridAreaState.Goal.values()) {
      oneHot.addData(each == goal ? 1 : 0);
    }
    return ObservationProto.newBuilder()
        .addShape(2)
        .setFloatData(oneHot)
        .addDimensionProperties(NONE)
        .setObservationType(ObservationTypeProto.GOAL_SIGNAL)
        .setName(channelsFirst ? "VectorSensor" : "VectorlSensor") // the scene's own spelling
        .build();
  }

  private static UnityMessageProto.Builder withStatus(int status) {
    return UnityMessageProto.newBuilder().setHeader(HeaderProto.newBuilder().setStatus(status));
  }
}
