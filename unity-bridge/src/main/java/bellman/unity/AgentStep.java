package bellman.unity;

/** One agent of one message: a row of {@link DecisionSteps} or {@link TerminalSteps}. */
public sealed interface AgentStep permits DecisionStep, TerminalStep {
  /** The batch. */
  AgentSteps steps();

  /** The row. */
  int index();

  /** Its id, constant while the player runs. */
  default int agentId() {
    return steps().agentId(index());
  }

  /** Its reward since it last appeared. */
  default float reward() {
    return steps().reward(index());
  }

  /** Its group, 0 for none. */
  default int groupId() {
    return steps().groupId(index());
  }

  /** Its group's reward since it last appeared. */
  default float groupReward() {
    return steps().groupReward(index());
  }

  /** Observation {@code i} as numbers, in the declared layout. */
  default float[] values(int i) {
    return steps().observation(i).values(index());
  }

  /** Image {@code i} as bytes, [height · width · channels]. */
  default byte[] pixels(int i) {
    return steps().observation(i).pixels(index());
  }
}
