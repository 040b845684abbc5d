package bellman.rl.env;

import java.util.Optional;

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

  /**
   * All that the world is between two turns, for {@link #resume}; empty where that is out of reach,
   * as it is with a player in another process.
   */
  default Optional<byte[]> state() {
    return Optional.empty();
  }

  /**
   * Goes on, in place of a {@link #reset}, where a state was taken.
   *
   * @return the turn of that moment, again; what it tells has been told
   * @throws IllegalArgumentException if this world cannot go on from it; it is then as it was
   */
  default Turn resume(byte[] state) {
    throw new IllegalArgumentException(spec().name() + " cannot go on from a saved state");
  }

  /** How fast simulated time may run against real time, where the world has a clock. */
  default void timeScale(float scale) {}

  @Override
  void close();
}
