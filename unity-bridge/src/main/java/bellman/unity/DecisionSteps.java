package bellman.unity;

import java.util.List;
import java.util.stream.IntStream;

/** The agents that wait for an action. */
public final class DecisionSteps extends AgentSteps {
  /** [size][Σ branches], true = forbidden; null rows mean that nothing is. */
  private final boolean[][] masks;

  DecisionSteps(
      BehaviorSpec spec,
      int[] ids,
      float[] rewards,
      int[] groupIds,
      float[] groupRewards,
      List<ObservationBatch> observations,
      boolean[][] masks) {
    super(spec, ids, rewards, groupIds, groupRewards, observations);
    this.masks = masks;
  }

  /**
   * The mask of one branch, [size][choices], <b>true = forbidden</b>.
   *
   * @throws IndexOutOfBoundsException when the behavior has no such branch
   */
  public boolean[][] mask(int branch) {
    boolean[][] rows = new boolean[size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = mask(i, branch);
    }
    return rows;
  }

  /**
   * One agent's mask of one branch, [choices], <b>true = forbidden</b>.
   *
   * @throws IndexOutOfBoundsException when the behavior has no such branch
   */
  public boolean[] mask(int index, int branch) {
    List<Integer> branches = spec().actions().branches();
    boolean[] mask = new boolean[branches.get(branch)];
    if (masks[index] != null) {
      System.arraycopy(masks[index], offset(branch), mask, 0, mask.length);
    }
    return mask;
  }

  /** Whether the agent of this row must not choose this action of this branch. */
  public boolean forbidden(int index, int branch, int action) {
    int choices = spec().actions().branches().get(branch);
    if (action < 0 || action >= choices) {
      throw new IndexOutOfBoundsException(
          spec().name()
              + ": branch "
              + branch
              + " has the actions 0 to "
              + (choices - 1)
              + ", not "
              + action);
    }
    return masks[index] != null && masks[index][offset(branch) + action];
  }

  private int offset(int branch) {
    int offset = 0;
    for (int b = 0; b < branch; b++) {
      offset += spec().actions().branches().get(b);
    }
    return offset;
  }

  /**
   * One agent's row.
   *
   * @throws IllegalArgumentException when it is not here
   */
  public DecisionStep agent(int agentId) {
    return new DecisionStep(this, indexOf(agentId));
  }

  /** Every agent, row after row. */
  public List<DecisionStep> agents() {
    return IntStream.range(0, size()).mapToObj(row -> new DecisionStep(this, row)).toList();
  }
}
