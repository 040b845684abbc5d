package bellman.rl.env;

/** A world with one or more agents that wait for actions. */
public interface Environment extends AutoCloseable {
  Spec spec();

  /** Begins anew: all agents start an episode. */
  Turn reset();

  /**
   * Acts and goes on to the next turn, {@link Turn#restarted} where the world had to begin anew.
   *
   * @param actions one for each decision of the last turn, in its order
   */
  Turn step(int[] actions);

  /** How fast simulated time may run against real time, where the world has a clock. */
  default void timeScale(float scale) {}

  @Override
  void close();
}
