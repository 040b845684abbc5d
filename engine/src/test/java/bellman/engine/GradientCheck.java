package bellman.engine;

import bellman.engine.reference.ReferenceBackend;
import java.util.SplittableRandom;

/**
 * Backward against central differences, in double, for every element of every input. The loss is L
 * = Σ wᵢ·f(x)ᵢ with fixed weights that all differ, so that a gradient in the wrong place shows.
 *
 * <p>Each check runs twice: with plain leaves, and with parameters, whose gradients are written
 * straight into a flat buffer that holds NaN before; an element left unwritten shows too.
 */
final class GradientCheck {
  /** Absolute below 1, relative above. */
  static final double TOLERANCE = 1e-6;

  private static final double H = 1e-5;

  @FunctionalInterface
  interface Op {
    Tensor of(Tensor[] x);
  }

  record Input(String name, Shape shape, double[] values) {}

  private final String name;
  private final Op op;
  private final Input[] inputs;
  private final ReferenceBackend backend = ReferenceBackend.doubles();
  private final Device device = new Device(backend);

  private GradientCheck(String name, Op op, Input[] inputs) {
    this.name = name;
    this.op = op;
    this.inputs = inputs;
  }

  static void check(String name, Op op, Input... inputs) {
    GradientCheck check = new GradientCheck(name, op, inputs);
    double[][] expected = check.differences();
    check.compare("leaf", check.backward(false), expected);
    check.compare("parameter", check.backward(true), expected);
  }

  private void compare(String kind, double[][] actual, double[][] expected) {
    for (int i = 0; i < inputs.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        double scale = Math.max(1, Math.abs(expected[i][j]));
        if (!(Math.abs(actual[i][j] - expected[i][j]) <= TOLERANCE * scale)) {
          throw new AssertionError(
              "%s: ∂L/∂%s[%d] of %s %s: backward gives %s, central difference %s"
                  .formatted(
                      name,
                      inputs[i].name,
                      j,
                      kind,
                      inputs[i].shape,
                      actual[i][j],
                      expected[i][j]));
        }
      }
    }
  }

  private double[][] backward(boolean parameters) {
    try (Scope step = device.scope("backward")) {
      Parameters owner = new Parameters(device);
      Tensor[] x = new Tensor[inputs.length];
      for (int i = 0; i < x.length; i++) {
        Input input = inputs[i];
        x[i] =
            parameters
                ? owner.add(input.name, input.shape, new float[input.values.length])
                : device.empty(input.shape, DType.FLOAT32).requireGradient().named(input.name);
      }
      for (int i = 0; i < x.length; i++) {
        backend.writeDoubles(x[i].buffer(), inputs[i].values);
      }
      backend.fill(owner.gradients().buffer(), Double.NaN);
      Tensor y = op.of(x);
      Tensor w = device.empty(y.shape(), DType.FLOAT32);
      backend.writeDoubles(w.buffer(), weights(y));
      Gradients gradients = y.mul(w).sum().backward();
      double[][] dx = new double[x.length][];
      for (int i = 0; i < x.length; i++) {
        dx[i] = backend.readDoubles(gradients.of(x[i]).buffer());
      }
      return dx;
    }
  }

  private double[][] differences() {
    double[][] dx = new double[inputs.length][];
    for (int i = 0; i < inputs.length; i++) {
      double[] values = inputs[i].values;
      dx[i] = new double[values.length];
      for (int j = 0; j < values.length; j++) {
        double at = values[j];
        values[j] = at + H;
        double above = loss();
        values[j] = at - H;
        double below = loss();
        values[j] = at;
        dx[i][j] = (above - below) / (2 * H);
      }
    }
    return dx;
  }

  private double loss() {
    try (Scope step = device.scope("difference")) {
      Tensor[] x = new Tensor[inputs.length];
      for (int i = 0; i < x.length; i++) {
        x[i] = device.empty(inputs[i].shape, DType.FLOAT32);
        backend.writeDoubles(x[i].buffer(), inputs[i].values);
      }
      Tensor y = op.of(x);
      double[] values = backend.readDoubles(y.buffer());
      double[] w = weights(y);
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        sum += w[i] * values[i];
      }
      return sum;
    }
  }

  private static double[] weights(Tensor y) {
    SplittableRandom random = new SplittableRandom(7);
    double[] w = new double[(int) y.shape().size()];
    for (int i = 0; i < w.length; i++) {
      w[i] = random.nextDouble(0.5, 1.5) * (random.nextBoolean() ? 1 : -1);
    }
    return w;
  }

  // ── inputs ────────────────────────────────────────────────────────────────────────────────────

  /** Uniform in [−2.5, 2.5), at least 0.05 away from every kink. */
  static Input input(String name, long seed, Shape shape, double... kinks) {
    return input(name, seed, -2.5, 2.5, shape, kinks);
  }

  static Input input(
      String name, long seed, double low, double high, Shape shape, double... kinks) {
    SplittableRandom random = new SplittableRandom(seed * 31 + name.hashCode());
    double[] values = new double[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      do {
        values[i] = random.nextDouble(low, high);
      } while (near(values[i], kinks));
    }
    return new Input(name, shape, values);
  }

  private static boolean near(double x, double[] kinks) {
    for (double kink : kinks) {
      if (Math.abs(x - kink) < 0.05) {
        return true;
      }
    }
    return false;
  }

  /** All elements differ by 0.1 or more, in random order: no ties for a maximum. */
  static Input distinct(String name, long seed, Shape shape) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] values = new double[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      int j = random.nextInt(i + 1);
      values[i] = values[j];
      values[j] = 0.1 * (i - values.length / 2);
    }
    return new Input(name, shape, values);
  }
}
