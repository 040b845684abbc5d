package bellman.lessons;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Kernel;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/** The op swish, which the engine lacks: CUDA source, Java twin, gradient, and the check. */
public final class Lesson03OpOfYourOwn implements Lesson {
  /** y = x σ(x), σ(x) = 1 / (1 + e⁻ˣ) (Ramachandran et al. 2017). */
  private static final Kernel SWISH =
      new Kernel(
          "swish",
          """
          extern "C" __global__ void swish(const float* x, float* y, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) y[i] = x[i] / (1.f + expf(-x[i]));
          }
          """,
          (arguments, from, to) -> {
            for (int i = from; i < to; i++) {
              arguments.array(1).set(i, swish(arguments.array(0).get(i)));
            }
          });

  /** dx = dy · ∂y/∂x, ∂y/∂x = σ(x) (1 + x (1 − σ(x))). */
  private static final Kernel SWISH_GRADIENT =
      new Kernel(
          "swish_gradient",
          """
          extern "C" __global__ void swish_gradient(
              const float* dy, const float* x, float* dx, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i >= n) return;
            float s = 1.f / (1.f + expf(-x[i]));
            dx[i] = dy[i] * s * (1.f + x[i] * (1.f - s));
          }
          """,
          (arguments, from, to) -> {
            for (int i = from; i < to; i++) {
              double x = arguments.array(1).get(i);
              double s = 1 / (1 + Math.exp(-x));
              arguments.array(2).set(i, arguments.array(0).get(i) * s * (1 + x * (1 - s)));
            }
          });

  /**
   * @param forward the largest error of the device's y
   * @param gradient and of its ∂y/∂x, against central differences
   * @param slip the same for a gradient with a mistake in it
   */
  public record Figures(double forward, double gradient, double slip) {}

  private static double swish(double x) {
    return x / (1 + Math.exp(-x));
  }

  /** The op: a forward line and one line per input. */
  private static Tensor swish(Tensor x) {
    return launch(SWISH, x).from(x, dy -> launch(SWISH_GRADIENT, dy, x));
  }

  /** With ∂y/∂x = σ(x), as if x σ(x) had only one factor with an x in it. */
  private static Tensor slip(Tensor x) {
    return launch(SWISH, x).from(x, dy -> dy.mul(x.sigmoid()));
  }

  private static Tensor launch(Kernel kernel, Tensor... in) {
    Tensor x = in[0];
    Tensor y = x.device().empty(x.shape(), DType.FLOAT32);
    Object[] arguments = Arrays.copyOf(in, in.length + 1, Object[].class);
    arguments[in.length] = y;
    x.device().launch(kernel, (int) x.shape().size(), arguments); // one item for each element
    return y;
  }

  @Override
  public String title() {
    return "An op of your own, for CPU and GPU, with its gradient check";
  }

  @Override
  public Figures run(Page page) {
    float[] x = new float[81];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 40) / 8f; // −5 … 5
    }
    try (Device device = page.open()) {
      page.say(
          """

          An op from outside the engine is a Kernel: the source of a CUDA kernel and its twin in
          Java, a few lines each. device.launch runs the one or the other, and from(x, …) states how
          the gradient flows. This device runs the %s.
          """,
          device.name().contains("CUDA") ? "CUDA source" : "Java twin");
      double forward = 0;
      try (Scope scope = device.scope("forward")) {
        float[] y = swish(device.tensor(x, Shape.of(x.length))).toFloats();
        for (int i = 0; i < x.length; i++) {
          forward = Math.max(forward, Math.abs(y[i] - swish(x[i])));
        }
      }
      page.claim(forward < 5e-6, "y is x σ(x) for 81 values of x, within %.0e", forward);
      double gradient = check(device, Lesson03OpOfYourOwn::swish, x);
      page.claim(gradient < 5e-6, "∂y/∂x agrees with central differences within %.0e", gradient);
      double slip = check(device, Lesson03OpOfYourOwn::slip, x);
      page.claim(
          slip > 0.1,
          "the check bites: a gradient that forgets the product rule is off by %.2f",
          slip);
      page.say(
          """

          A gradient check costs ten lines and finds what no training curve shows: a network with
          the wrong gradient still learns, only worse. So every op of the engine has one.""");
      return new Figures(forward, gradient, slip);
    }
  }

  /** The largest difference between backward and (f(x + h) − f(x − h)) / 2h, for every element. */
  private static double check(Device device, UnaryOperator<Tensor> op, float[] at) {
    try (Scope scope = device.scope("check")) {
      Tensor x = device.tensor(at, Shape.of(at.length)).requireGradient();
      float[] dx = op.apply(x).sum().backward().of(x).toFloats();
      double worst = 0;
      double h = 1e-4;
      for (int i = 0; i < at.length; i++) {
        double difference = (swish(at[i] + h) - swish(at[i] - h)) / (2 * h);
        worst = Math.max(worst, Math.abs(dx[i] - difference));
      }
      return worst;
    }
  }
}
