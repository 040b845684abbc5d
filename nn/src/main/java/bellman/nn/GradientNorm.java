package bellman.nn;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Parameters;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.engine.backend.Pointwise;

/**
 * The length ‖g‖₂ of all gradients together, and its limit (Pascanu et al. 2013). Nothing is read
 * by the host, so both may stand in a captured step.
 */
public final class GradientNorm {
  /** PyTorch's: keeps the division sound at ‖g‖ = 0. */
  private static final float EPSILON = 1e-6f;

  private static final Kernel COEFFICIENT =
      new Kernel(
          "clip_coefficient",
          """
          extern "C" __global__ void clip_coefficient(
              const float* norm, float limit, float epsilon, float* y, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) {
              float c = limit / (norm[i] + epsilon);
              y[i] = c > 1.f ? 1.f : c;  // NaN stays
            }
          }
          """,
          (arguments, from, to) -> {
            HostArray norm = arguments.array(0);
            HostArray y = arguments.array(3);
            for (int i = from; i < to; i++) {
              double c = arguments.number(1) / (norm.get(i) + arguments.number(2));
              y.set(i, c > 1 ? 1 : c); // NaN stays
            }
          });

  private GradientNorm() {}

  /** ‖g‖₂ = √Σg² over all parameters: → []. */
  public static Tensor of(Parameters parameters, Gradients gradients) {
    return Tensor.withoutGradient(() -> gradients.of(parameters).square().sum().sqrt());
  }

  /**
   * PyTorch's clip_grad_norm_: g ← g · min(1, limit / (‖g‖₂ + 10⁻⁶)), in place.
   *
   * @param limit above 0
   * @return ‖g‖₂ before: []
   */
  public static Tensor clip(Parameters parameters, Gradients gradients, float limit) {
    if (!(limit > 0)) {
      throw new IllegalArgumentException("clip: the limit is above 0, got " + limit);
    }
    Device device = parameters.device();
    Tensor g = gradients.of(parameters);
    Tensor norm = of(parameters, gradients);
    Tensor c = device.empty(Shape.scalar(), DType.FLOAT32);
    device.launch(COEFFICIENT, 1, norm, limit, EPSILON, c);
    Tensor everywhere = c.spread(g.shape());
    device.backend().map(Pointwise.MUL, 0, 0, g.buffer(), g.buffer(), everywhere.buffer());
    g.buffer().written();
    return norm;
  }
}
