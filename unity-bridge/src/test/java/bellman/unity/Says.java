package bellman.unity;

import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CompressionTypeProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLCapabilitiesProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.proto.UnityRLOutputProto;
import com.google.protobuf.ByteString;
import java.util.List;

/** What players say in tests. */
final class Says {
  static final String WALKER = "Walker?team=0";

  private Says() {}

  static UnityMessageProto hello() {
    return hello("3.0.0", "1.5.0");
  }

  static UnityMessageProto hello(String packageVersion, String communicatorVersion) {
    return ok(
        UnityOutputProto.newBuilder()
            .setRlInitializationOutput(
                UnityRLInitializationOutputProto.newBuilder()
                    .setName("AcademySingleton")
                    .setCommunicationVersion(communicatorVersion)
                    .setPackageVersion(packageVersion)
                    .setCapabilities(
                        UnityRLCapabilitiesProto.newBuilder().setBaseRLCapabilities(true))));
  }

  static UnityMessageProto loaded() {
    return status(200);
  }

  static UnityMessageProto status(int status) {
    return UnityMessageProto.newBuilder()
        .setHeader(HeaderProto.newBuilder().setStatus(status))
        .build();
  }

  /** Agents of {@link #WALKER}, without a description. */
  static UnityMessageProto agents(AgentInfoProto... agents) {
    return ok(UnityOutputProto.newBuilder().setRlOutput(output(agents)));
  }

  /** Agents of {@link #WALKER} and its description: these branches. */
  static UnityMessageProto firstAgents(List<Integer> branches, AgentInfoProto... agents) {
    return ok(
        UnityOutputProto.newBuilder()
            .setRlOutput(output(agents))
            .setRlInitializationOutput(
                UnityRLInitializationOutputProto.newBuilder()
                    .addBrainParameters(brain(WALKER, branches))));
  }

  static BrainParametersProto brain(String name, List<Integer> branches) {
    return BrainParametersProto.newBuilder()
        .setBrainName(name)
        .setIsTraining(true)
        .setActionSpec(
            ActionSpecProto.newBuilder()
                .setNumDiscreteActions(branches.size())
                .addAllDiscreteBranchSizes(branches))
        .build();
  }

  static UnityRLOutputProto.Builder output(AgentInfoProto... agents) {
    return UnityRLOutputProto.newBuilder()
        .putAgentInfos(
            WALKER,
            UnityRLOutputProto.ListAgentInfoProto.newBuilder()
                .addAllValue(List.of(agents))
                .build());
  }

  static AgentInfoProto agent(int id, float reward, ObservationProto... observations) {
    return AgentInfoProto.newBuilder()
        .setId(id)
        .setReward(reward)
        .addAllObservations(List.of(observations))
        .build();
  }

  static ObservationProto vector(float... values) {
    return numbers(List.of(values.length), List.of(1), values);
  }

  static ObservationProto numbers(List<Integer> shape, List<Integer> dimensions, float... values) {
    ObservationProto.FloatData.Builder data = ObservationProto.FloatData.newBuilder();
    for (float v : values) {
      data.addData(v);
    }
    return ObservationProto.newBuilder()
        .setName("Sensor")
        .addAllShape(shape)
        .addAllDimensionProperties(dimensions)
        .setFloatData(data)
        .build();
  }

  static ObservationProto png(
      List<Integer> shape, List<Integer> dimensions, List<Integer> mapping, byte[] bytes) {
    return ObservationProto.newBuilder()
        .setName("Camera")
        .addAllShape(shape)
        .addAllDimensionProperties(dimensions)
        .setCompressionType(CompressionTypeProto.PNG)
        .addAllCompressedChannelMapping(mapping)
        .setCompressedData(ByteString.copyFrom(bytes))
        .build();
  }

  static UnityMessageProto ok(UnityOutputProto.Builder output) {
    return status(200).toBuilder().setUnityOutput(output).build();
  }
}
