package bellman.rl;

/**
 * Somebody who watches a run: console, progress bar, TensorBoard, CSV, checkpoints. The loop itself
 * logs nothing. Calls come from the training thread, in order; an observer never changes the run.
 */
public interface Observer extends AutoCloseable {
  /** After every turn; called thousands of times a second. */
  default void progressed(Progress progress) {}

  default void episodeEnded(Episode episode) {}

  /** After every window of episodes, and once more, with what is left, when a phase ends. */
  default void summarized(Summary summary) {}

  default void phaseBegan(Phase phase, long step) {}

  default void finished(Outcome outcome) {}

  @Override
  default void close() {}
}
