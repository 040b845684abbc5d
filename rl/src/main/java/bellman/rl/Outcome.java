package bellman.rl;

/**
 * How a run ended.
 *
 * @param reason what ended it
 * @param testEpisodes episodes finished in the test phase, and the mean of their returns
 */
public record Outcome(
    Reason reason,
    long step,
    int episodes,
    long updates,
    int testEpisodes,
    double testMeanReturn,
    double seconds) {
  /** The same, ended because nothing was left to do. */
  public Outcome completed() {
    return new Outcome(
        Reason.COMPLETED, step, episodes, updates, testEpisodes, testMeanReturn, seconds);
  }

  public enum Reason {
    /** All steps were taken. */
    COMPLETED,
    /** {@code --stop-after} was reached. */
    STOPPED,
    /** The user interrupted it. */
    INTERRUPTED
  }
}
