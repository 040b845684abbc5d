package bellman.rl.dqn;

import bellman.engine.backend.Philox;

/**
 * ε-greedy: with probability ε an action is drawn uniformly from those allowed. Each agent flips
 * its own coin. Draws are a pure function of (seed, number of the act, place in it).
 */
final class Exploration {
  private static final int COIN = 0;
  private static final int CHOICE = 1;

  private final Philox.Key key;
  private int act;

  Exploration(long seed) {
    key = Philox.Key.of(seed, "exploration");
  }

  /** A new act: draws differ from those of the last. */
  void next() {
    act++;
  }

  boolean explores(int place, double epsilon) {
    return Philox.uniform(key, act, place, COIN) < epsilon;
  }

  /** A uniform draw among actions that are not forbidden; among all if every one is. */
  int choose(int place, int actions, boolean[] forbidden) {
    int allowed = 0;
    for (int a = 0; forbidden != null && a < actions; a++) {
      allowed += forbidden[a] ? 0 : 1;
    }
    if (allowed == 0) {
      return Philox.integer(key, act, place, CHOICE, actions);
    }
    int left = Philox.integer(key, act, place, CHOICE, allowed);
    int a = 0;
    while (forbidden[a] || left-- > 0) {
      a++;
    }
    return a;
  }

  int state() {
    return act;
  }

  void restore(int act) {
    this.act = act;
  }
}
