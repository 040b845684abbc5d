package bellman.rl.env;

import java.util.SplittableRandom;

/**
 * The agent is shown one of n states and earns 1 if its action names that state, else 0. Whatever
 * it does, the next state is uniform at random, and no episode ever ends.
 *
 * <p>So only the present reward depends on the action, and every state is worth the same:
 *
 * <pre>
 *   V*(s)    = 1 / (1 − γ)
 *   Q*(s, a) = [a = s] + γ / (1 − γ)
 * </pre>
 *
 * A learner whose TD target mixes up the rows of a batch still picks the right action here, but its
 * Q-values are off; compare values, not behaviour.
 */
public final class IdentityWorld implements Environment {
  private final int n;
  private final Spec spec;
  private final SplittableRandom random;
  private int state;
  private boolean started;

  public IdentityWorld(int n, long seed) {
    this.spec = new Spec("IdentityWorld", Frame.vector(n), 0, n);
    this.n = n;
    this.random = new SplittableRandom(seed);
  }

  /** The optimal value of an action. */
  public static double q(int state, int action, double gamma) {
    return (action == state ? 1 : 0) + gamma / (1 - gamma);
  }

  @Override
  public Spec spec() {
    return spec;
  }

  @Override
  public Turn reset() {
    started = true;
    return shown(0);
  }

  @Override
  public Turn step(int[] actions) {
    int action = Toy.action(spec, started, actions);
    return shown(action == state ? 1 : 0);
  }

  private Turn shown(float reward) {
    state = random.nextInt(n);
    return Toy.goesOn(Toy.oneHot(n, state), reward);
  }

  @Override
  public void close() {}
}
