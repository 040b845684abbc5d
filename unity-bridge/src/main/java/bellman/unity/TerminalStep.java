package bellman.unity;

/**
 * One agent whose episode ended: a row of {@link TerminalSteps}.
 *
 * @param steps the batch
 * @param index the row
 */
public record TerminalStep(TerminalSteps steps, int index) {
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

  /** Whether the episode was cut off rather than really over. */
  public boolean interrupted() {
    return steps.interrupted(index);
  }
}
