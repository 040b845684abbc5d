package bellman.unity;

/** What an observation is for. */
public enum ObservationType {
  /** What the agent sees. */
  DEFAULT,
  /** What the agent shall reach, such as a one-hot of the goal's kind. */
  GOAL_SIGNAL
}
