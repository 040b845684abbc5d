package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;

/** The chain rule three times: by hand, by differences, and by the engine. */
public final class Lesson02Gradient implements Lesson {
  private static final int N = 4; // samples
  private static final int K = 3; // inputs of each
  private static final float[] X = {
    0.5f, -1, 2, //
    1.5f, 0.25f, -0.5f, //
    -0.75f, 1, 0.5f, //
    0.1f, -0.2f, 0.3f
  };
  private static final float[] T = {1, -1, 0.5f, 0};
  private static final float[] W = {0.3f, -0.2f, 0.1f};

  /**
   * @param toDifferences the largest difference between the gradient by hand and the quotient
   * @param toAutograd and the engine's
   */
  public record Figures(double[] byHand, double toDifferences, double toAutograd) {}

  @Override
  public String title() {
    return "A gradient by hand and by autograd";
  }

  @Override
  public Figures run(Page page) {
    page.say(
        """
        A neuron p = tanh(x · w) with loss L(w) = mean (p − t)². Which way must w go to make L
        smaller? Against ∂L/∂w. The chain rule, from the loss back to w:

            ∂L/∂pᵢ = 2/n (pᵢ − tᵢ)      ∂pᵢ/∂uᵢ = 1 − pᵢ²      ∂uᵢ/∂wⱼ = xᵢⱼ
        """);
    double[] byHand = new double[K];
    for (int i = 0; i < N; i++) {
      double p = Math.tanh(u(W, i));
      double dp = 2.0 / N * (p - T[i]);
      double du = dp * (1 - p * p);
      for (int j = 0; j < K; j++) {
        byHand[j] += du * X[i * K + j]; // every sample adds its part
      }
    }

    // (L(w + h) − L(w − h)) / 2h, one weight after another: slow, but it cannot be wrong the same
    // way as a formula. Its own error is of order h².
    double[] differences = new double[K];
    for (int j = 0; j < K; j++) {
      double h = 1e-4;
      differences[j] = (loss(j, h) - loss(j, -h)) / (2 * h);
    }

    float[] autograd;
    try (Device device = page.open()) {
      Tensor x = device.tensor(X, Shape.of(N, K));
      Tensor t = device.tensor(T, Shape.of(N, 1));
      Tensor w = device.tensor(W, Shape.of(1, K)).requireGradient();
      Tensor loss = x.linear(w).tanh().sub(t).square().mean();
      autograd = loss.backward().of(w).toFloats();
    }
    double[] d = differences;
    page.say("\n    by hand          %9.6f %9.6f %9.6f", byHand[0], byHand[1], byHand[2]);
    page.say("    by differences   %9.6f %9.6f %9.6f", d[0], d[1], d[2]);
    page.say("    by autograd      %9.6f %9.6f %9.6f\n", autograd[0], autograd[1], autograd[2]);

    double toDifferences = 0;
    double toAutograd = 0;
    for (int j = 0; j < K; j++) {
      toDifferences = Math.max(toDifferences, Math.abs(byHand[j] - differences[j]));
      toAutograd = Math.max(toAutograd, Math.abs(byHand[j] - autograd[j]));
    }
    page.claim(toDifferences < 1e-7, "by hand and by differences: %.0e apart", toDifferences);
    page.claim(
        toAutograd < 1e-6, "by hand and by autograd: %.0e apart, in single precision", toAutograd);
    page.say(
        """

        The engine did what the loop did. Each of the five ops of the loss remembered how its
        gradient flows back (tanh: dy → dy (1 − y²)), and backward() walked them from the last to
        the first. Tensor.java has every such line beside its op.""");
    return new Figures(byHand, toDifferences, toAutograd);
  }

  /** x of sample i, times w. */
  private static double u(float[] w, int i) {
    double u = 0;
    for (int j = 0; j < K; j++) {
      u += X[i * K + j] * w[j];
    }
    return u;
  }

  /** L with weight j raised by h. */
  private static double loss(int j, double h) {
    double sum = 0;
    for (int i = 0; i < N; i++) {
      double d = Math.tanh(u(W, i) + h * X[i * K + j]) - T[i];
      sum += d * d / N;
    }
    return sum;
  }
}
