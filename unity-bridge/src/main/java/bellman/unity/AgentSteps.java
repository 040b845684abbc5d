package bellman.unity;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A batch of agents of one behavior, in the order the player named them. Row {@code i} of every
 * array belongs to {@code agentId(i)}. Immutable; arrays are handed out as copies.
 */
public abstract sealed class AgentSteps permits DecisionSteps, TerminalSteps {
  private final BehaviorSpec spec;
  private final int[] ids;
  private final float[] rewards;
  private final int[] groupIds;
  private final float[] groupRewards;
  private final List<ObservationBatch> observations;
  private final Map<Integer, Integer> indexOf = new HashMap<>();

  AgentSteps(
      BehaviorSpec spec,
      int[] ids,
      float[] rewards,
      int[] groupIds,
      float[] groupRewards,
      List<ObservationBatch> observations) {
    this.spec = spec;
    this.ids = ids;
    this.rewards = rewards;
    this.groupIds = groupIds;
    this.groupRewards = groupRewards;
    this.observations = List.copyOf(observations);
    for (int i = 0; i < ids.length; i++) {
      indexOf.put(ids[i], i);
    }
  }

  /** The behavior these agents have. */
  public final BehaviorSpec spec() {
    return spec;
  }

  /** How many agents; may be 0. */
  public final int size() {
    return ids.length;
  }

  /** Ids, [size]. */
  public final int[] agentIds() {
    return ids.clone();
  }

  /** The id of row {@code index}. */
  public final int agentId(int index) {
    return ids[index];
  }

  /** Whether the agent is here. */
  public final boolean contains(int agentId) {
    return indexOf.containsKey(agentId);
  }

  /**
   * The row of an agent; its last one, should the player name it twice.
   *
   * @throws IllegalArgumentException when it is not here
   */
  public final int indexOf(int agentId) {
    Integer index = indexOf.get(agentId);
    if (index == null) {
      throw new IllegalArgumentException(
          spec.name()
              + ": agent "
              + agentId
              + " is not among these steps; here are "
              + Arrays.toString(ids));
    }
    return index;
  }

  /** Rewards since each agent's last appearance, [size]. */
  public final float[] rewards() {
    return rewards.clone();
  }

  /** The reward of row {@code index}. */
  public final float reward(int index) {
    return rewards[index];
  }

  /** Groups, [size]; 0 is no group. */
  public final int[] groupIds() {
    return groupIds.clone();
  }

  /** The group of row {@code index}; 0 is none. */
  public final int groupId(int index) {
    return groupIds[index];
  }

  /** Rewards of the groups, [size]. */
  public final float[] groupRewards() {
    return groupRewards.clone();
  }

  /** The group's reward in row {@code index}. */
  public final float groupReward(int index) {
    return groupRewards[index];
  }

  /** One batch per observation of the spec, in its order. */
  public final List<ObservationBatch> observations() {
    return observations;
  }

  /** Observation {@code i} of the spec, for all agents. */
  public final ObservationBatch observation(int i) {
    return observations.get(i);
  }
}
