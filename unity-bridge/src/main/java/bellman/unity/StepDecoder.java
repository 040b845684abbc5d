package bellman.unity;

import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.SpaceTypeProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Turns the player's messages into specs and steps, and refuses what no trainer could learn from.
 */
final class StepDecoder {
  /** Whether images are declared C,H,W when their dimension properties leave it open. */
  private final boolean chwByDefault;

  /**
   * Whether numbers of an image declared C,H,W lie in H,W,C order: packages 3.0.0-exp.1 to 4.0.0
   * compute the index of uncompressed images wrongly. PNG data is not affected.
   */
  private final boolean numbersAreHwc;

  StepDecoder(String packageVersion) {
    Optional<Version> version = Version.parse(packageVersion);
    this.chwByDefault = version.map(v -> v.major() >= 3).orElse(true);
    this.numbersAreHwc =
        version.map(v -> v.major() == 3 || v.equals(new Version(4, 0, 0))).orElse(false);
  }

  static String where(String behavior, int agentId, String observation) {
    return behavior + ": agent " + agentId + ", observation \"" + observation + "\" ";
  }

  /** The spec of a behavior, from its description and any of its agents. */
  BehaviorSpec spec(BrainParametersProto brain, AgentInfoProto agent) {
    List<ObservationSpec> observations = new ArrayList<>();
    for (ObservationProto o : agent.getObservationsList()) {
      observations.add(observationSpec(brain.getBrainName(), o));
    }
    return new BehaviorSpec(brain.getBrainName(), observations, actionSpec(brain));
  }

  private ObservationSpec observationSpec(String behavior, ObservationProto o) {
    List<Integer> shape = o.getShapeList();
    List<DimensionProperty> dimensions = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      // Players before API 1.5 send no properties.
      dimensions.add(
          i < o.getDimensionPropertiesCount()
              ? new DimensionProperty(o.getDimensionProperties(i))
              : DimensionProperty.UNSPECIFIED);
    }
    ObservationType type =
        switch (o.getObservationType()) {
          case DEFAULT, UNRECOGNIZED -> ObservationType.DEFAULT;
          case GOAL_SIGNAL -> ObservationType.GOAL_SIGNAL;
        };
    try {
      return new ObservationSpec(o.getName(), shape, dimensions, type, layout(dimensions));
    } catch (IllegalArgumentException e) {
      throw new UnityException(behavior + ": " + e.getMessage(), e);
    }
  }

  private ObservationSpec.Layout layout(List<DimensionProperty> d) {
    if (d.size() != 3) {
      return ObservationSpec.Layout.PLAIN;
    }
    boolean first = d.get(0).has(DimensionProperty.NONE);
    boolean last = d.get(2).has(DimensionProperty.NONE);
    if (first != last) {
      return first ? ObservationSpec.Layout.CHW : ObservationSpec.Layout.HWC;
    }
    return chwByDefault ? ObservationSpec.Layout.CHW : ObservationSpec.Layout.HWC;
  }

  private static ActionSpec actionSpec(BrainParametersProto brain) {
    ActionSpecProto spec = brain.getActionSpec();
    if (spec.getNumContinuousActions() != 0 || spec.getNumDiscreteActions() != 0) {
      return new ActionSpec(spec.getNumContinuousActions(), spec.getDiscreteBranchSizesList());
    }
    // Players before API 1.3 know one kind of action per behavior.
    List<Integer> sizes = brain.getVectorActionSizeDeprecatedList();
    if (brain.getVectorActionSpaceTypeDeprecated() == SpaceTypeProto.continuous) {
      return new ActionSpec(sizes.isEmpty() ? 0 : sizes.get(0), List.of());
    }
    return new ActionSpec(0, sizes);
  }

  /** The agents of one message that wait and those that ended, each in the player's order. */
  Steps steps(BehaviorSpec spec, List<AgentInfoProto> agents) {
    List<AgentInfoProto> waiting = new ArrayList<>();
    List<AgentInfoProto> ended = new ArrayList<>();
    for (AgentInfoProto agent : agents) {
      checkReward(spec, agent, "reward", agent.getReward());
      checkReward(spec, agent, "group reward", agent.getGroupReward());
      (agent.getDone() ? ended : waiting).add(agent);
    }
    int[] ids = ids(waiting);
    boolean[][] masks = new boolean[ids.length][];
    for (int i = 0; i < masks.length; i++) {
      masks[i] = mask(spec, waiting.get(i));
    }
    DecisionSteps decisions =
        new DecisionSteps(
            spec,
            ids,
            rewards(waiting),
            groupIds(waiting),
            groupRewards(waiting),
            observations(spec, ids, waiting),
            masks);
    int[] endedIds = ids(ended);
    boolean[] interrupted = new boolean[endedIds.length];
    for (int i = 0; i < interrupted.length; i++) {
      interrupted[i] = ended.get(i).getMaxStepReached();
    }
    TerminalSteps terminals =
        new TerminalSteps(
            spec,
            endedIds,
            rewards(ended),
            groupIds(ended),
            groupRewards(ended),
            observations(spec, endedIds, ended),
            interrupted);
    return new Steps(decisions, terminals);
  }

  private static void checkReward(
      BehaviorSpec spec, AgentInfoProto agent, String what, float reward) {
    if (!Float.isFinite(reward)) {
      throw new UnityException(
          spec.name()
              + ": agent "
              + agent.getId()
              + ", "
              + what
              + " is "
              + reward
              + "; it must be finite. Look for a division by zero or a missing object where the"
              + " scene adds rewards.");
    }
  }

  /** An agent that never masked anything sends no mask; one of a wrong length means nothing. */
  private static boolean[] mask(BehaviorSpec spec, AgentInfoProto agent) {
    int length = spec.actions().maskSize();
    if (length == 0 || agent.getActionMaskCount() != length) {
      return null;
    }
    boolean[] mask = new boolean[length];
    for (int i = 0; i < length; i++) {
      mask[i] = agent.getActionMask(i);
    }
    return mask;
  }

  private static int[] ids(List<AgentInfoProto> agents) {
    return agents.stream().mapToInt(AgentInfoProto::getId).toArray();
  }

  private static int[] groupIds(List<AgentInfoProto> agents) {
    return agents.stream().mapToInt(AgentInfoProto::getGroupId).toArray();
  }

  private static float[] rewards(List<AgentInfoProto> agents) {
    float[] rewards = new float[agents.size()];
    for (int i = 0; i < rewards.length; i++) {
      rewards[i] = agents.get(i).getReward();
    }
    return rewards;
  }

  private static float[] groupRewards(List<AgentInfoProto> agents) {
    float[] rewards = new float[agents.size()];
    for (int i = 0; i < rewards.length; i++) {
      rewards[i] = agents.get(i).getGroupReward();
    }
    return rewards;
  }

  private List<ObservationBatch> observations(
      BehaviorSpec spec, int[] ids, List<AgentInfoProto> agents) {
    for (AgentInfoProto agent : agents) {
      if (agent.getObservationsCount() != spec.observations().size()) {
        throw new UnityException(
            spec.name()
                + ": agent "
                + agent.getId()
                + " has "
                + agent.getObservationsCount()
                + " observations but the behavior has "
                + spec.observations().size()
                + "; agents that share a behavior name need the same sensors");
      }
    }
    List<ObservationBatch> batches = new ArrayList<>();
    for (int o = 0; o < spec.observations().size(); o++) {
      ObservationSpec observation = spec.observations().get(o);
      ObservationBatch.Payload[] payloads = new ObservationBatch.Payload[ids.length];
      for (int i = 0; i < ids.length; i++) {
        payloads[i] = payload(spec.name(), observation, ids[i], agents.get(i).getObservations(o));
      }
      batches.add(new ObservationBatch(spec.name(), observation, ids, payloads));
    }
    return batches;
  }

  private ObservationBatch.Payload payload(
      String behavior, ObservationSpec spec, int agentId, ObservationProto o) {
    if (!o.getShapeList().equals(spec.shape())) {
      throw new UnityException(
          where(behavior, agentId, spec.name())
              + "has the shape "
              + o.getShapeList()
              + " but the behavior's first agent had "
              + spec.shape()
              + "; agents that share a behavior name need the same sensors");
    }
    if (o.getObservationDataCase() == ObservationProto.ObservationDataCase.COMPRESSED_DATA) {
      if (!spec.isVisual()) {
        throw new UnityException(
            where(behavior, agentId, spec.name())
                + "is compressed but its shape "
                + spec.shape()
                + " is no image");
      }
      int bytes = o.getCompressedData().size();
      if (!Png.canHold(bytes, spec.height(), spec.width(), spec.channels())) {
        throw new UnityException(
            where(behavior, agentId, spec.name())
                + "has "
                + bytes
                + " bytes, which cannot be a picture of the shape "
                + spec.shape());
      }
      int[] mapping =
          o.getCompressedChannelMappingList().stream().mapToInt(Integer::intValue).toArray();
      return new ObservationBatch.Payload(null, o.getCompressedData(), mapping);
    }
    int size = spec.size();
    if (o.getFloatData().getDataCount() != size) {
      throw new UnityException(
          where(behavior, agentId, spec.name())
              + "holds "
              + o.getFloatData().getDataCount()
              + " numbers but its shape "
              + spec.shape()
              + " needs "
              + size);
    }
    boolean reorder =
        numbersAreHwc && spec.layout() == ObservationSpec.Layout.CHW && spec.channels() > 1;
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      float v = o.getFloatData().getData(i);
      if (!Float.isFinite(v)) {
        throw new UnityException(
            where(behavior, agentId, spec.name())
                + "holds "
                + v
                + " at index "
                + i
                + "; every number must be finite. Look for a division by zero or a missing object"
                + " where the scene collects observations.");
      }
      int at =
          reorder ? (i % spec.channels()) * spec.height() * spec.width() + i / spec.channels() : i;
      values[at] = v;
    }
    return new ObservationBatch.Payload(values, null, null);
  }
}
