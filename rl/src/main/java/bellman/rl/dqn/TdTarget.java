package bellman.rl.dqn;

import bellman.engine.Tensor;

/**
 * TD targets, each named after its equation and written in plain tensors: the oracle of {@link
 * TdLoss}, by which the learner computes the same. γ and terminals are already in discount.
 */
public final class TdTarget {
  private TdTarget() {}

  /**
   * Q-learning: y = r + discount · max_a Q(s′, a).
   *
   * @param r [B]
   * @param discount [B]
   * @param qNext Q(s′, ·) [B, actions]
   * @param forbiddenNext uint8 [B, actions]: not 0 where an action cannot be taken in s′
   * @return y [B]
   */
  public static Tensor qLearning(Tensor r, Tensor discount, Tensor qNext, Tensor forbiddenNext) {
    Tensor v = qNext.maskedFill(forbiddenNext, Float.NEGATIVE_INFINITY).rowMax();
    return r.add(discount.mul(v)).named("TD target");
  }
}
