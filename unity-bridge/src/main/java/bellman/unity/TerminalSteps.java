package bellman.unity;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The agents whose episode ended: their last reward and what they saw last. They take no action.
 */
public final class TerminalSteps extends AgentSteps {
  private final boolean[] interrupted;

  TerminalSteps(
      BehaviorSpec spec,
      int[] ids,
      float[] rewards,
      int[] groupIds,
      float[] groupRewards,
      List<ObservationBatch> observations,
      boolean[] interrupted) {
    super(spec, ids, rewards, groupIds, groupRewards, observations);
    this.interrupted = interrupted;
  }

  /**
   * Whether the episode was cut off, [size]: by a step limit or from outside, so that the last
   * observation still has a future. False is a real end.
   */
  public boolean[] interrupted() {
    return interrupted.clone();
  }

  /** Whether the episode of row {@code index} was cut off. */
  public boolean interrupted(int index) {
    return interrupted[index];
  }

  /**
   * One agent's row.
   *
   * @throws IllegalArgumentException when it is not here
   */
  public TerminalStep agent(int agentId) {
    return new TerminalStep(this, indexOf(agentId));
  }

  /** Every agent, row after row. */
  public List<TerminalStep> agents() {
    return IntStream.range(0, size()).mapToObj(row -> new TerminalStep(this, row)).toList();
  }
}
