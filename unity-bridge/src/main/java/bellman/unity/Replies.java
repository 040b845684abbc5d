package bellman.unity;

import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.UnityInputProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLInitializationInputProto;
import bellman.unity.proto.UnityRLInputProto;
import com.google.protobuf.ByteString;
import java.util.Map;

/** What the trainer says. */
final class Replies {
  /** The newest communicator API; unchanged since 2021. */
  static final String COMMUNICATOR_VERSION = "1.5.0";

  /** The release of mlagents_envs whose behaviour this follows; players only log it. */
  static final String TRAINER_VERSION = "1.1.0";

  private static final HeaderProto OK = HeaderProto.newBuilder().setStatus(200).build();

  private Replies() {}

  /** To the first message. Unity insists on the capabilities. */
  static UnityMessageProto welcome(int seed, int areas, Capabilities capabilities) {
    return message(
        UnityInputProto.newBuilder()
            .setRlInitializationInput(
                UnityRLInitializationInputProto.newBuilder()
                    .setSeed(seed)
                    .setCommunicationVersion(COMMUNICATOR_VERSION)
                    .setPackageVersion(TRAINER_VERSION)
                    .setCapabilities(capabilities.proto())
                    .setNumAreas(areas)));
  }

  static UnityMessageProto reset(byte[] sideChannel) {
    return message(
        UnityInputProto.newBuilder()
            .setRlInput(
                UnityRLInputProto.newBuilder()
                    .setCommand(CommandProto.RESET)
                    .setSideChannel(ByteString.copyFrom(sideChannel))));
  }

  /**
   * @param actions by behavior, one row per waiting agent; a behavior without any has no entry
   */
  static UnityMessageProto step(Map<String, ActionTuple> actions, byte[] sideChannel) {
    UnityRLInputProto.Builder input =
        UnityRLInputProto.newBuilder().setSideChannel(ByteString.copyFrom(sideChannel));
    actions.forEach((behavior, tuple) -> input.putAgentActions(behavior, list(tuple)));
    return message(UnityInputProto.newBuilder().setRlInput(input));
  }

  private static UnityRLInputProto.ListAgentActionProto list(ActionTuple tuple) {
    UnityRLInputProto.ListAgentActionProto.Builder list =
        UnityRLInputProto.ListAgentActionProto.newBuilder();
    for (int agent = 0; agent < tuple.agents(); agent++) {
      AgentActionProto.Builder action = AgentActionProto.newBuilder();
      // Twice: packages before 1.7 read the deprecated field only.
      for (float value : tuple.continuous()[agent]) {
        action.addVectorActionsDeprecated(value).addContinuousActions(value);
      }
      for (int value : tuple.discrete()[agent]) {
        action.addVectorActionsDeprecated(value).addDiscreteActions(value);
      }
      list.addValue(action);
    }
    return list.build();
  }

  private static UnityMessageProto message(UnityInputProto.Builder input) {
    return UnityMessageProto.newBuilder().setHeader(OK).setUnityInput(input).build();
  }
}
