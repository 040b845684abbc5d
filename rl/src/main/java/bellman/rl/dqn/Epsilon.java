package bellman.rl.dqn;

/**
 * How often an agent explores. ε falls linearly from {@code initial} at step 0 to {@code last} at
 * {@code steps}, then stays (Mnih et al. 2015).
 *
 * @param initial in [0, 1]
 * @param last likewise
 * @param testing likewise, in the test phase
 * @param steps over which it falls, 0 or more
 */
public record Epsilon(double initial, double last, double testing, long steps) {
  public Epsilon {
    DqnSettings.require("epsilonInitial", initial >= 0 && initial <= 1, "in [0, 1]", initial);
    DqnSettings.require("epsilonFinal", last >= 0 && last <= 1, "in [0, 1]", last);
    DqnSettings.require("epsilonEval", testing >= 0 && testing <= 1, "in [0, 1]", testing);
    DqnSettings.require("explorationSteps", steps >= 0, "0 or more", steps);
  }

  /** ε in training. */
  double at(long step) {
    return step >= steps ? last : initial - (initial - last) * step / steps;
  }
}
