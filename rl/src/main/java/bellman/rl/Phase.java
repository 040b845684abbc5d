package bellman.rl;

/** What a run is doing. */
public enum Phase {
  TRAINING,
  TESTING
}
