package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Adam;
import bellman.nn.Initializer;
import bellman.nn.Layout;
import bellman.nn.Weights;

/** Adam: a step whose length does not depend on the size of the gradient. */
public final class Lesson06Adam implements Lesson {
  private static final double[] C = {0.01, 1, 100}; // curvatures
  private static final int STEPS = 200;
  private static final double LR = 0.02;

  /**
   * @param descent p after plain gradient descent
   * @param adam p after Adam, by hand
   * @param toKernel the largest difference between Adam by hand and the engine's, in any step
   * @param apart the largest difference between two coordinates' paths
   * @param firstStep the length of Adam's first step in each coordinate
   */
  public record Figures(
      double[] descent, double[] adam, double toKernel, double apart, double[] firstStep) {}

  @Override
  public String title() {
    return "Adam: one step length for all parameters";
  }

  @Override
  public Figures run(Page page) {
    page.say(
        """
        L(p) = ½ (0.01 p₁² + p₂² + 100 p₃²), from p = (1, 1, 1): a valley that is steep one way and
        almost flat another, as a network's loss is. Gradient descent p ← p − lr g must be slow
        enough for the steep direction, lr < 2/100, and then never arrives in the flat one.

        Adam divides by what gradients usually are there:
            m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
            p ← p − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
        """);
    double[] descent = {1, 1, 1};
    double[] p = {1, 1, 1};
    double[] m = new double[3];
    double[] v = new double[3];
    double[] firstStep = new double[3];
    double apart = 0;
    double toKernel = 0;
    try (Device device = page.open()) {
      Weights weights = new Weights(device, 1);
      Tensor q = weights.parameter("p", Layout.same(3), Initializer.constant(1));
      Tensor c = device.tensor(new float[] {0.01f, 1, 100}, Shape.of(3));
      Adam adam = new Adam(weights, Adam.Settings.defaults().withLearningRate(LR));
      page.say("\n              gradient descent, lr 0.01         Adam, lr %.2f", LR);
      for (int t = 1; t <= STEPS; t++) {
        for (int i = 0; i < 3; i++) {
          descent[i] -= 0.01 * C[i] * descent[i];
          double g = C[i] * p[i]; // ∂L/∂p
          m[i] = 0.9 * m[i] + 0.1 * g;
          v[i] = 0.999 * v[i] + 0.001 * g * g;
          double mean = m[i] / (1 - Math.pow(0.9, t));
          double square = v[i] / (1 - Math.pow(0.999, t));
          double step = LR * mean / (Math.sqrt(square) + 1e-8);
          p[i] -= step;
          firstStep[i] = t == 1 ? step : firstStep[i];
        }
        apart = Math.max(apart, Math.max(Math.abs(p[0] - p[1]), Math.abs(p[2] - p[1])));
        float[] kernel;
        try (Scope scope = device.scope("step")) { // the same by the engine: one kernel
          adam.step(q.square().mul(c).sum().scale(0.5f).backward());
          kernel = q.toFloats();
        }
        for (int i = 0; i < 3; i++) {
          toKernel = Math.max(toKernel, Math.abs(kernel[i] - p[i]));
        }
        if (t == 1 || t == 10 || t == 50 || t == STEPS) {
          page.say(
              "    step %3d   %7.4f %7.4f %7.4f        %7.4f %7.4f %7.4f",
              t, descent[0], descent[1], descent[2], p[0], p[1], p[2]);
        }
      }
    }
    page.say("");
    page.claim(
        Math.abs(firstStep[0] - LR) < 1e-6 && Math.abs(firstStep[2] - LR) < 1e-6,
        "the first step is lr in every direction, though gradients differ by 10,000");
    page.claim(apart < 1e-4, "all three walk the same path, never more than %.0e apart", apart);
    page.claim(
        descent[0] > 0.9 && Math.abs(p[0]) < 0.1,
        "in the flat direction descent still stands at %.2f, Adam is %.0e from the bottom",
        descent[0],
        Math.abs(p[0]));
    page.claim(
        toKernel < 1e-4,
        "Adam by hand in double and the engine's kernel: %.0e apart in %d steps",
        toKernel,
        STEPS);
    page.say(
        """

        The price: near the bottom, where gradients should fade, steps are still long. So learning
        rates are small (the tutorial's is 0.00025), and Bellman's rises slowly at first.""");
    return new Figures(descent, p, toKernel, apart, firstStep);
  }
}
