package bellman.benchmarks;

import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Conv2d;
import bellman.nn.Layer;
import bellman.nn.Linear;
import bellman.nn.Weights;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * A layer of the tutorial's network with its relu, forward and backward through autograd: y, ∂L/∂w,
 * ∂L/∂b and, behind the first layer, ∂L/∂x of L = Σ y·dy.
 */
public class LayerBenchmark extends KernelBenchmark {
  @Param({"conv1", "conv2", "conv3", "fc1"})
  public String layer = "conv2";

  @Param("32")
  public int batch = 32;

  @Param("fp32")
  @Values(gpu = {"fp32", "tf32"})
  public String precision = "fp32";

  private Twin twin;

  /** The layer on one device, with its input and what comes back from above. */
  private static final class Twin {
    private final Weights weights;
    private final Layer layer;
    private final Tensor x;
    private final Tensor dy;
    private final boolean first;
    private Tensor y;
    private Gradients gradients;

    Twin(Device device, String name, int batch) {
      Shape in = input(name);
      SplittableRandom random = new SplittableRandom(Workload.SEED);
      weights = new Weights(device, Workload.SEED);
      layer = layer(name, weights.in(name));
      first = name.equals("conv1");
      x = random(device, batched(batch, in), random);
      dy = random(device, batched(batch, layer.output(in)), random);
      if (!first) {
        x.requireGradient();
      }
    }

    private static Tensor random(Device device, Shape shape, SplittableRandom random) {
      float[] values = new float[Math.toIntExact(shape.size())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble() - 0.5f;
      }
      return device.tensor(values, shape);
    }

    void run() {
      y = layer.forwardRelu(x);
      gradients = y.mul(dy).sum().backward();
    }
  }

  private static Shape input(String layer) {
    return switch (layer) {
      case "conv1" -> Shape.of(16, 21, 96);
      case "conv2" -> Shape.of(15, 20, 32);
      case "conv3" -> Shape.of(6, 9, 64);
      case "fc1" -> Shape.of(1792);
      default ->
          throw new IllegalArgumentException(
              "layer: '" + layer + "' is unknown; there are conv1, conv2, conv3 and fc1");
    };
  }

  private static Layer layer(String name, Weights weights) {
    return switch (name) {
      case "conv1" -> Conv2d.folded(weights, 6, 32, 8, 4, 2);
      case "conv2" -> new Conv2d(weights, 32, 64, 4, 2);
      case "conv3" -> new Conv2d(weights, 64, 64, 3, 1);
      default -> new Linear(weights, 1792, 512);
    };
  }

  private static Shape batched(int batch, Shape shape) {
    int[] dims = new int[shape.rank() + 1];
    dims[0] = batch;
    System.arraycopy(shape.dims(), 0, dims, 1, shape.rank());
    return Shape.of(dims);
  }

  @Override
  String precision() {
    return precision;
  }

  /** The products of three passes, two for the first layer. */
  @Override
  public Work work(String method) {
    double forward =
        input(layer).rank() == 1
            ? 2.0 * batch * 1792 * 512
            : ConvolutionBenchmark.geometry(layer, batch).flops();
    return Work.of((layer.equals("conv1") ? 2 : 3) * forward, 0);
  }

  @Override
  void prepare() {
    twin = new Twin(device(), layer, batch);
  }

  @Override
  void kernel() {
    twin.run();
  }

  @Override
  void prove(int calls) {
    try (Device oracle = Workload.open(Workload.ORACLE, 1, "fp32")) {
      Twin expected = new Twin(oracle, layer, batch);
      expected.run();
      near("y", expected.y, twin.y);
      expected
          .weights
          .parameters()
          .tensors()
          .forEach(
              (name, p) ->
                  near(
                      "∂L/∂" + name,
                      expected.gradients.of(p),
                      twin.gradients.of(twin.weights.parameters().tensors().get(name))));
      if (!twin.first) {
        near("∂L/∂x", expected.gradients.of(expected.x), twin.gradients.of(twin.x));
      }
    }
  }

  /** A unit close to 0 may be cut on one device and not on the other; few are. */
  private void near(String what, Tensor expected, Tensor actual) {
    float[] e = expected.toFloats();
    float[] a = actual.toFloats();
    double squares = 0;
    double errors = 0;
    for (int i = 0; i < e.length; i++) {
      squares += (double) e[i] * e[i];
      errors += ((double) a[i] - e[i]) * ((double) a[i] - e[i]);
    }
    double allowed = precision.equals("fp32") ? 1e-3 : 3e-2;
    if (!(Math.sqrt(errors) <= allowed * Math.sqrt(squares))) {
      throw new IllegalStateException(
          "benchmark: %s %s: the error is %.2g of the reference's, %.2g is allowed"
              .formatted(layer, what, Math.sqrt(errors / squares), allowed));
    }
  }

  @Benchmark
  public int forwardAndBackward() {
    return run();
  }
}
