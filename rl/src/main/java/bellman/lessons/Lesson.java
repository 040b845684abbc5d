package bellman.lessons;

/** One idea, shown by code that runs. */
public interface Lesson {
  /** The idea in a few words. */
  String title();

  /**
   * Runs it and writes down what comes out.
   *
   * @return the figures that its claims are about
   * @throws RefutedException if a claim does not hold here
   */
  Record run(Page page);
}
