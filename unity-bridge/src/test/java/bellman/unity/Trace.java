package bellman.unity;

import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLOutputProto;
import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a faithful player says, message after message: greeting and loaded scene first; a behavior
 * is described in the first message that holds an agent of it, and keeps an entry, empty if need
 * be, in all later ones.
 */
final class Trace {
  private final List<UnityMessageProto> messages = new ArrayList<>();
  private final Map<String, BrainParametersProto> undescribed = new LinkedHashMap<>();
  private final List<String> registered = new ArrayList<>();

  Trace(String packageVersion) {
    messages.add(Says.hello(packageVersion, "1.5.0"));
    messages.add(Says.loaded());
  }

  Trace behavior(String name, int continuous, Integer... branches) {
    undescribed.put(
        name,
        BrainParametersProto.newBuilder()
            .setBrainName(name)
            .setIsTraining(true)
            .setActionSpec(
                ActionSpecProto.newBuilder()
                    .setNumContinuousActions(continuous)
                    .setNumDiscreteActions(branches.length)
                    .addAllDiscreteBranchSizes(List.of(branches)))
            .build());
    registered.add(name);
    return this;
  }

  /** One agent in one message. */
  record Info(String behavior, AgentInfoProto.Builder info) {
    Info reward(float reward) {
      info.setReward(reward);
      return this;
    }

    Info group(int id, float reward) {
      info.setGroupId(id).setGroupReward(reward);
      return this;
    }

    /** True is forbidden; all branches one after the other. */
    Info mask(Boolean... mask) {
      info.addAllActionMask(List.of(mask));
      return this;
    }
  }

  static Info waits(String behavior, int id, ObservationProto... sees) {
    return new Info(behavior, Says.agent(id, 0f, sees).toBuilder());
  }

  static Info waits(String behavior, int id) {
    return waits(behavior, id, Says.vector(id));
  }

  static Info ends(String behavior, int id, ObservationProto... sees) {
    Info info = sees.length == 0 ? waits(behavior, id) : waits(behavior, id, sees);
    info.info.setDone(true);
    return info;
  }

  static Info isCutOff(String behavior, int id, ObservationProto... sees) {
    Info info = ends(behavior, id, sees);
    info.info.setMaxStepReached(true);
    return info;
  }

  /** One message: these agents in this order. */
  Trace says(Info... infos) {
    return says("", infos);
  }

  /** The same with side-channel bytes. */
  Trace says(String sideChannelHex, Info... infos) {
    Map<String, UnityRLOutputProto.ListAgentInfoProto.Builder> lists = new LinkedHashMap<>();
    for (String name : registered) {
      lists.put(name, UnityRLOutputProto.ListAgentInfoProto.newBuilder());
    }
    UnityOutputProto.Builder output = UnityOutputProto.newBuilder();
    for (Info info : infos) {
      lists.get(info.behavior).addValue(info.info);
      BrainParametersProto brain = undescribed.remove(info.behavior);
      if (brain != null) {
        output.getRlInitializationOutputBuilder().addBrainParameters(brain);
      }
    }
    lists.forEach((name, list) -> output.getRlOutputBuilder().putAgentInfos(name, list.build()));
    output
        .getRlOutputBuilder()
        .setSideChannel(ByteString.copyFrom(java.util.HexFormat.of().parseHex(sideChannelHex)));
    messages.add(Says.ok(output));
    return this;
  }

  /** Any message at all. */
  Trace says(UnityMessageProto message) {
    messages.add(message);
    return this;
  }

  UnityMessageProto[] messages() {
    return messages.toArray(UnityMessageProto[]::new);
  }

  ScriptedPlayer player() {
    return new ScriptedPlayer(messages);
  }
}
