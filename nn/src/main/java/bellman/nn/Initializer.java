package bellman.nn;

import bellman.engine.backend.Philox;
import java.util.Arrays;

/**
 * A parameter's first values: a pure function of a key, so that equal seeds give equal networks.
 */
@FunctionalInterface
public interface Initializer {
  /** Values in PyTorch's order. */
  float[] draw(Philox.Key key, int count);

  /** U(−bound, bound). */
  static Initializer uniform(double bound) {
    if (!(bound >= 0) || Double.isInfinite(bound)) {
      throw new IllegalArgumentException("uniform: bound is 0 or more and finite, got " + bound);
    }
    return (key, count) -> {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        // the middle of each of the 2²⁴ steps: symmetric about 0
        double u = Philox.uniform(key, 0, i, 0) + 0x1p-25;
        values[i] = (float) ((2 * u - 1) * bound);
      }
      return values;
    };
  }

  /**
   * PyTorch's default for the weights and biases of convolutions and linear layers: U(±1/√fanIn).
   * It calls it kaiming_uniform(a = √5): bound = √(6 / ((1 + a²) fanIn)) (He et al. 2015, eq. 14,
   * with leaky slope a).
   *
   * @param fanIn inputs of one output: in, or in·kh·kw
   */
  static Initializer fanIn(int fanIn) {
    if (fanIn < 1) {
      throw new IllegalArgumentException("fanIn: at least 1 input, got " + fanIn);
    }
    return uniform(1 / Math.sqrt(fanIn));
  }

  static Initializer constant(float value) {
    return (key, count) -> {
      float[] values = new float[count];
      Arrays.fill(values, value);
      return values;
    };
  }
}
