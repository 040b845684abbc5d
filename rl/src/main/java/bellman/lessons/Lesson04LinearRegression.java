package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Linear;
import bellman.nn.Mse;
import bellman.nn.Weights;
import java.util.SplittableRandom;

/** Learning in its smallest form: a line through points, downhill step by step. */
public final class Lesson04LinearRegression implements Lesson {
  private static final int N = 64;

  /**
   * @param slope learned, and {@code bestSlope} by the formula
   * @param loss after learning, and {@code leastLoss} the smallest there can be
   */
  public record Figures(
      double slope,
      double bestSlope,
      double intercept,
      double bestIntercept,
      double firstLoss,
      double loss,
      double leastLoss) {}

  @Override
  public String title() {
    return "Linear regression: a layer, a loss, a step";
  }

  @Override
  public Figures run(Page page) {
    // y = 2x − 1 and some noise
    SplittableRandom random = new SplittableRandom(4);
    float[] x = new float[N];
    float[] y = new float[N];
    for (int i = 0; i < N; i++) {
      x[i] = (float) random.nextDouble(-1, 1);
      y[i] = (float) (2 * x[i] - 1 + random.nextDouble(-0.3, 0.3));
    }

    // The answer in closed form: slope = cov(x, y) / var(x); the line passes through the means.
    double meanX = 0;
    double meanY = 0;
    for (int i = 0; i < N; i++) {
      meanX += x[i] / (double) N;
      meanY += y[i] / (double) N;
    }
    double cov = 0;
    double var = 0;
    for (int i = 0; i < N; i++) {
      cov += (x[i] - meanX) * (y[i] - meanY);
      var += (x[i] - meanX) * (x[i] - meanX);
    }
    double bestSlope = cov / var;
    double bestIntercept = meanY - bestSlope * meanX;
    double leastLoss = 0;
    for (int i = 0; i < N; i++) {
      double d = bestSlope * x[i] + bestIntercept - y[i];
      leastLoss += d * d / N;
    }

    try (Device device = page.open()) {
      page.say(
          """

          %d points near y = 2x − 1. A Linear layer with one input is a line; its loss is the mean
          square of what is missing. Each step goes downhill: p ← p − lr ∂L/∂p, with lr = 0.5.
          """,
          N);
      Weights weights = new Weights(device, 7); // names, first values, memory
      Linear line = new Linear(weights.in("line"), 1, 1); // y = w x + b
      Tensor p = weights.parameters().values(); // w and b in one flat tensor
      Tensor xs = device.tensor(x, Shape.of(N, 1));
      Tensor ys = device.tensor(y, Shape.of(N, 1));
      double first = 0;
      double loss = 0;
      for (int k = 0; k <= 100; k++) {
        try (Scope step = device.scope("step")) {
          Tensor l = new Mse().of(line.forward(xs), ys);
          Gradients g = l.backward();
          loss = l.item();
          first = k == 0 ? loss : first;
          if (k == 0 || k == 1 || k == 3 || k == 10 || k == 100) {
            page.say(
                "    step %3d   y = %6.3f x + %6.3f   L = %.5f",
                k, line.weight().item(), line.bias().item(), loss);
          }
          p.set(p.sub(g.of(weights.parameters()).scale(0.5f))); // p ← p − lr g
        }
      }
      double slope = line.weight().item();
      double intercept = line.bias().item();
      page.say(
          "    in closed form y = %5.3f x + %5.3f   L = %.5f\n",
          bestSlope, bestIntercept, leastLoss);
      page.claim(
          Math.abs(slope - bestSlope) < 1e-4 && Math.abs(intercept - bestIntercept) < 1e-4,
          "slope and intercept are the closed form's within %.0e",
          Math.max(Math.abs(slope - bestSlope), Math.abs(intercept - bestIntercept)));
      page.claim(
          loss < leastLoss + 1e-5,
          "the loss fell from %.3f to %.5f, and no line has less than %.5f: that is the noise",
          first,
          loss,
          leastLoss);
      return new Figures(slope, bestSlope, intercept, bestIntercept, first, loss, leastLoss);
    }
  }
}
