package bellman.benchmarks;

import bellman.engine.DType;
import bellman.engine.Shape;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.reference.ReferenceBackend;
import java.util.Optional;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * The three passes of a convolution: the tutorial's layers, the first both as it is written and as
 * it is computed (on pictures folded by its stride, {@code nn.Conv2d.folded}), and one of a
 * residual network.
 */
public class ConvolutionBenchmark extends KernelBenchmark {
  /** Above this one call on a CPU takes too long. */
  private static final double MOST_FLOPS_CPU = 2e10;

  /** Above this operands do not fit beside each other. */
  private static final double MOST_BYTES = 2e9;

  @Param({"conv1", "conv1-folded", "conv2", "conv3", "resnet"})
  @Values(
      quick = {"conv1-folded", "conv2", "conv3"},
      quickGpu = {"conv1-folded", "conv2", "conv3", "resnet"})
  public String layer = "conv2";

  /** forward, relu (forward, bias and relu at once), data (∂L/∂x), filter (∂L/∂w). */
  @Param({"forward", "relu", "data", "filter"})
  @Values(quick = {"forward", "data", "filter"})
  public String pass = "forward";

  @Param({"1", "32", "256", "1024"})
  @Values(quick = "32")
  public int batch = 32;

  @Param("fp32")
  @Values(gpu = {"fp32", "tf32"})
  public String precision = "fp32";

  private ConvGeometry g;
  private Buffer x;
  private Buffer w;
  private Buffer bias;
  private Buffer y; // dy in the backward passes

  /** NHWC sizes; the filter is [k, r, s, c]. */
  static ConvGeometry geometry(String layer, int batch) {
    return switch (layer) {
      case "conv1" -> new ConvGeometry(batch, 64, 84, 6, 32, 8, 8, 4, 4, 0, 0);
      case "conv1-folded" -> new ConvGeometry(batch, 16, 21, 96, 32, 2, 2, 1, 1, 0, 0);
      case "conv2" -> new ConvGeometry(batch, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0);
      case "conv3" -> new ConvGeometry(batch, 6, 9, 64, 64, 3, 3, 1, 1, 0, 0);
      case "resnet" -> new ConvGeometry(batch, 56, 56, 64, 64, 3, 3, 1, 1, 1, 1);
      default ->
          throw new IllegalArgumentException(
              "layer: '"
                  + layer
                  + "' is unknown; there are conv1, conv1-folded, conv2, conv3 and resnet");
    };
  }

  private static int in(ConvGeometry g) {
    return g.h() * g.w() * g.c(); // of one picture
  }

  private static int out(ConvGeometry g) {
    return g.oh() * g.ow() * g.k();
  }

  private static int filter(ConvGeometry g) {
    return g.k() * g.r() * g.s() * g.c();
  }

  @Override
  String precision() {
    return precision;
  }

  @Override
  public Work work(String method) {
    ConvGeometry g = geometry(layer, batch);
    double elements = (double) g.n() * (in(g) + out(g)) + filter(g);
    return Work.of(g.flops(), 4 * (elements + (pass.equals("relu") ? g.k() : 0)));
  }

  @Override
  public Optional<String> leftOut() {
    if (layer.startsWith("conv1") && pass.equals("data")) {
      return Optional.of("nothing asks for the pixels' gradient");
    }
    Work work = work("");
    if (work.bytes() > MOST_BYTES) {
      return Optional.of("the operands would take more than 2 GB");
    }
    return !device.startsWith("cuda") && work.flops() > MOST_FLOPS_CPU
        ? Optional.of("a call would take too long on a CPU")
        : Optional.empty();
  }

  @Override
  void prepare() {
    g = geometry(layer, batch);
    x = operand("x", (long) g.n() * in(g), pass.equals("data"));
    w = operand("w", filter(g), pass.equals("filter"));
    y = operand("y", (long) g.n() * out(g), pass.equals("forward") || pass.equals("relu"));
    bias = pass.equals("relu") ? operand("bias", g.k(), false) : null;
  }

  private Buffer operand(String name, long count, boolean result) {
    if (result) {
      Buffer b = written(DType.FLOAT32, count);
      backend().fill(b, 0);
      return b;
    }
    return uniform(read(DType.FLOAT32, count), name);
  }

  @Override
  void kernel() {
    switch (pass) {
      case "forward" -> backend().conv2d(g, x, w, null, y);
      case "relu" -> backend().conv2dRelu(g, x, w, bias, y);
      case "data" -> backend().conv2dDataGradient(g, w, y, x);
      case "filter" -> backend().conv2dFilterGradient(g, x, y, w);
      default ->
          throw new IllegalArgumentException(
              "pass: '" + pass + "' is unknown; there are forward, relu, data and filter");
    }
  }

  // ── proof ─────────────────────────────────────────────────────────────────────────────────────

  /** Pictures that are on the heap at a time. */
  private int chunk() {
    return Math.max(1, Proof.BLOCK / Math.max(in(g), out(g)));
  }

  private float[] pictures(Buffer b, int first, int n, int size) {
    return Proof.read(backend(), b, (long) first * size, n * size);
  }

  private ConvGeometry with(int n, int c, int k) {
    return new ConvGeometry(
        n, g.h(), g.w(), c, k, g.r(), g.s(), g.strideH(), g.strideW(), g.padH(), g.padW());
  }

  /**
   * One random combination of the result's channels is what the reference computes with that
   * combination of the filter, or of dy, in one channel.
   */
  @Override
  void prove(int calls) {
    try (Backend reference = ReferenceBackend.floats()) {
      switch (pass) {
        case "forward" -> proveForward(reference, y);
        case "relu" -> proveRelu(reference);
        case "data" -> proveData(reference);
        default -> proveFilter(reference);
      }
    }
  }

  private void near(float[] expected, float[] actual) {
    Proof.near(layer + " " + pass + " of " + batch, expected, actual, Proof.tolerance(precision));
  }

  private void proveForward(Backend reference, Buffer y) {
    float[] v = Proof.signs(g.k());
    Buffer filter =
        Proof.of(reference, Proof.projectRows(Proof.read(backend(), w, 0, filter(g)), v));
    for (int i = 0; i < g.n(); i += chunk()) {
      int n = Math.min(chunk(), g.n() - i);
      Buffer some = Proof.of(reference, pictures(x, i, n, in(g)));
      float[] expected = new float[n * g.oh() * g.ow()];
      Buffer out = reference.allocate(DType.FLOAT32, expected.length);
      reference.conv2d(with(n, g.c(), 1), some, filter, null, out);
      reference.read(out, 0, expected, 0, expected.length);
      near(expected, Proof.project(pictures(y, i, n, out(g)), v));
    }
  }

  /** Relu is not linear: it is compared with a pass of its own behind a proved convolution. */
  private void proveRelu(Backend reference) {
    Buffer plain = device().empty(Shape.of((int) y.count()), DType.FLOAT32).buffer();
    backend().conv2d(g, x, w, null, plain);
    proveForward(reference, plain);
    float[] shift = Proof.read(backend(), bias, 0, g.k());
    for (int i = 0; i < g.n(); i += chunk()) {
      int n = Math.min(chunk(), g.n() - i);
      float[] expected = pictures(plain, i, n, out(g));
      for (int j = 0; j < expected.length; j++) {
        expected[j] = Math.max(0, expected[j] + shift[j % shift.length]);
      }
      near(expected, pictures(y, i, n, out(g)));
    }
  }

  private void proveData(Backend reference) {
    float[] v = Proof.signs(g.c());
    Buffer filter = Proof.of(reference, Proof.project(Proof.read(backend(), w, 0, filter(g)), v));
    for (int i = 0; i < g.n(); i += chunk()) {
      int n = Math.min(chunk(), g.n() - i);
      Buffer some = Proof.of(reference, pictures(y, i, n, out(g)));
      float[] expected = new float[n * g.h() * g.w()];
      Buffer out = reference.allocate(DType.FLOAT32, expected.length);
      reference.conv2dDataGradient(with(n, 1, g.k()), filter, some, out);
      reference.read(out, 0, expected, 0, expected.length);
      near(expected, Proof.project(pictures(x, i, n, in(g)), v));
    }
  }

  private void proveFilter(Backend reference) {
    float[] v = Proof.signs(g.k());
    double[] sums = new double[filter(g) / g.k()];
    float[] part = new float[sums.length];
    Buffer out = reference.allocate(DType.FLOAT32, part.length);
    for (int i = 0; i < g.n(); i += chunk()) {
      int n = Math.min(chunk(), g.n() - i);
      Buffer some = Proof.of(reference, pictures(x, i, n, in(g)));
      Buffer up = Proof.of(reference, Proof.project(pictures(y, i, n, out(g)), v));
      reference.conv2dFilterGradient(with(n, g.c(), 1), some, up, out);
      reference.read(out, 0, part, 0, part.length);
      for (int j = 0; j < part.length; j++) {
        sums[j] += part[j];
      }
    }
    float[] expected = new float[sums.length];
    for (int j = 0; j < sums.length; j++) {
      expected[j] = (float) sums[j];
    }
    near(expected, Proof.projectRows(Proof.read(backend(), w, 0, filter(g)), v));
  }

  @Benchmark
  public int pass() {
    return run();
  }
}
