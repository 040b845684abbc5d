package bellman.rl;

import bellman.rl.env.Turn;
import java.util.List;

/** Something that acts and learns from what follows. It knows nothing of the loop around it. */
public interface Agent extends AutoCloseable {
  /**
   * Told of every turn of training, the first after a reset included: completes the transitions
   * that {@link #act} began.
   */
  void observe(Turn turn);

  /** One action for each decision of the turn just observed, explored as the phase asks. */
  int[] act(List<Turn.Decision> decisions, Phase phase);

  /** Makes the updates that are due once {@code step} agent steps have been taken. */
  void learn(long step);

  /**
   * Drops begun transitions: their episodes will not go on. The agents of the next turn are others,
   * whatever their numbers.
   */
  void forget();

  /** What the updates since the last call found; then starts anew. */
  Statistics drainStatistics();

  /** Updates made so far. */
  long updates();

  /** The probability of exploring at this step. */
  double epsilon(Phase phase);

  double learningRate();

  @Override
  void close();

  /**
   * Means over a number of updates; NaN where there was none.
   *
   * @param largestGradient the largest absolute gradient of any weight
   */
  record Statistics(
      long updates, double loss, double meanQ, double meanTarget, double largestGradient) {
    public static Statistics none() {
      return new Statistics(0, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
    }
  }
}
