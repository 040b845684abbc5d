package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** One convolution from seven loops to the fastest backend that opens: equal first, then fast. */
public final class Lesson05Convolution implements Lesson {
  // The second convolution of the DQN of Mnih et al. (2015), for 8 pictures of 64 × 84.
  private static final int N = 8;
  private static final int H = 15;
  private static final int W = 20;
  private static final int C = 32;
  private static final int K = 64; // filters
  private static final int R = 4; // height and width of a filter
  private static final int STRIDE = 2;
  private static final int OH = (H - R) / STRIDE + 1;
  private static final int OW = (W - R) / STRIDE + 1;
  private static final double FLOP = 2.0 * N * OH * OW * K * R * R * C;

  /**
   * One rung of the ladder.
   *
   * @param error the largest difference from the loops
   * @param seconds the best of some runs
   */
  public record Rung(String name, double error, double seconds) {}

  public record Figures(List<Rung> rungs) {}

  @Override
  public String title() {
    return "A convolution, from loops to the fast backend";
  }

  @Override
  public Figures run(Page page) {
    SplittableRandom random = new SplittableRandom(5);
    float[] x = random(random, N * H * W * C, 0, 1); // [n, h, w, c]
    float[] f = random(random, K * R * R * C, -0.05, 0.05); // [k, r, s, c]
    float[] bias = random(random, K, -0.1, 0.1);
    page.say(
        """
        y[n, i, j, k] = bias[k] + Σ x[n, %2$di + r, %2$dj + s, c] · f[k, r, s, c] over r, s, c: every
        filter looks at every window. %1$.0f million multiplications and additions, five ways:

                                 ms   GFLOP/s   × the loops""",
        FLOP / 1e6, STRIDE);

    List<Rung> rungs = new ArrayList<>();
    float[] y = new float[N * OH * OW * K];
    rungs.add(new Rung("seven loops", 0, seconds(10, () -> loops(x, f, bias, y))));
    print(page, rungs);
    for (String name : List.of("reference", "java", "onednn", "cuda")) {
      Device device;
      try {
        device = page.open(name);
      } catch (IllegalStateException e) {
        page.say("    %-16s does not open here (./bellman doctor says why)", name);
        continue;
      }
      try (device;
          Scope scope = device.scope("convolution")) {
        Tensor xs = device.tensor(x, Shape.of(N, H, W, C));
        Tensor fs = device.tensor(f, Shape.of(K, R, R, C));
        Tensor biases = device.tensor(bias, Shape.of(K));
        double error = apart(y, xs.conv2d(fs, biases, STRIDE, 0).toFloats()); // and warms up
        double seconds =
            seconds(
                name.equals("reference") ? 5 : 30,
                () -> {
                  try (Scope step = device.scope("step")) {
                    xs.conv2d(fs, biases, STRIDE, 0);
                    device.synchronize(); // a GPU's work goes on after the call returns
                  }
                });
        rungs.add(new Rung(name, error, seconds));
        print(page, rungs);
      }
    }

    double worst = rungs.stream().mapToDouble(Rung::error).max().orElseThrow();
    Rung loops = rungs.get(0);
    Rung last = rungs.get(rungs.size() - 1);
    page.say("");
    page.claim(worst < 1e-5, "all agree with the loops within %.0e: first equal, then fast", worst);
    page.claim(
        last.seconds < loops.seconds,
        "%s is %.0f times as fast as the loops",
        last.name,
        loops.seconds / last.seconds);
    page.say(
        """

        The reference is those loops behind the engine's contract, for any shape and in double if
        asked, written to be right and not to be fast; all others are tested against it. java keeps rows
        of channels together, which the JVM turns into vector instructions. oneDNN and cuDNN cut the
        work into tiles that stay in caches and registers, so that each number that comes from memory
        is used many times. That is the whole secret: the arithmetic is the same.""");
    return new Figures(rungs);
  }

  private static void loops(float[] x, float[] f, float[] bias, float[] y) {
    for (int n = 0; n < N; n++) {
      for (int i = 0; i < OH; i++) {
        for (int j = 0; j < OW; j++) {
          for (int k = 0; k < K; k++) {
            float sum = bias[k];
            for (int r = 0; r < R; r++) {
              for (int s = 0; s < R; s++) {
                for (int c = 0; c < C; c++) {
                  sum +=
                      x[((n * H + STRIDE * i + r) * W + STRIDE * j + s) * C + c]
                          * f[((k * R + r) * R + s) * C + c];
                }
              }
            }
            y[((n * OH + i) * OW + j) * K + k] = sum;
          }
        }
      }
    }
  }

  private static void print(Page page, List<Rung> rungs) {
    Rung r = rungs.get(rungs.size() - 1);
    page.say(
        "    %-16s %10.3f %9.1f %9.1f",
        r.name, r.seconds * 1e3, FLOP / r.seconds / 1e9, rungs.get(0).seconds / r.seconds);
  }

  private static double seconds(int runs, Runnable work) {
    double best = Double.POSITIVE_INFINITY;
    for (int i = 0; i < runs; i++) {
      long began = System.nanoTime();
      work.run();
      best = Math.min(best, (System.nanoTime() - began) / 1e9);
    }
    return best;
  }

  private static double apart(float[] a, float[] b) {
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      worst = Math.max(worst, Math.abs(a[i] - b[i]));
    }
    return worst;
  }

  private static float[] random(SplittableRandom random, int n, double low, double high) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextDouble(low, high);
    }
    return values;
  }
}
