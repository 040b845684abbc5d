package bellman.rl.env;

import java.util.List;

/** What worlds of one agent share. */
final class Toy {
  private Toy() {}

  /** The single action, checked. */
  static int action(Spec spec, boolean started, int[] actions) {
    if (!started) {
      throw new IllegalStateException(spec.name() + ": step before reset; call reset() first");
    }
    if (actions.length != 1) {
      throw new IllegalArgumentException(
          spec.name() + ": one agent waits for an action, got " + actions.length + " actions");
    }
    if (actions[0] < 0 || actions[0] >= spec.actions()) {
      throw new IllegalArgumentException(
          spec.name() + ": actions are 0 … " + (spec.actions() - 1) + ", got " + actions[0]);
    }
    return actions[0];
  }

  static Observation oneHot(int n, int index) {
    float[] vector = new float[n];
    vector[index] = 1;
    return Observation.vector(vector);
  }

  static Turn goesOn(Observation seen, float reward) {
    return new Turn(List.of(), List.of(new Turn.Decision(0, seen, reward, null)));
  }

  /** The episode ends with {@code last}; the next begins with {@code first}. */
  static Turn ends(Observation last, float reward, boolean interrupted, Observation first) {
    return new Turn(
        List.of(new Turn.Ending(0, last, reward, interrupted)),
        List.of(new Turn.Decision(0, first, 0, null)));
  }
}
