package bellman.unity;

/**
 * One agent that waits for an action: a row of {@link DecisionSteps}.
 *
 * @param steps the batch
 * @param index the row
 */
public record DecisionStep(DecisionSteps steps, int index) {
  /** Its id, constant while the player runs. */
  public int agentId() {
    return steps.agentId(index);
  }

  /** Its reward since it last appeared. */
  public float reward() {
    return steps.reward(index);
  }

  /** Its group, 0 for none. */
  public int groupId() {
    return steps.groupId(index);
  }

  /** Its group's reward since it last appeared. */
  public float groupReward() {
    return steps.groupReward(index);
  }

  /** Observation {@code i} as numbers, in the declared layout. */
  public float[] values(int i) {
    return steps.observation(i).values(index);
  }

  /** Image {@code i} as bytes, [height · width · channels]. */
  public byte[] pixels(int i) {
    return steps.observation(i).pixels(index);
  }

  /** Its mask of one branch, [choices], true = forbidden. */
  public boolean[] mask(int branch) {
    return steps.mask(index, branch);
  }
}
