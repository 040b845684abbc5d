package bellman.benchmarks;

import bellman.engine.DType;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.Kernel;
import bellman.engine.reference.ReferenceBackend;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * C[m, n] ← op(A) · op(B), from the plainest loops to the engine's: on the CPU naive loops, tiles
 * in Java, and what the backend has, which is Java or oneDNN; on a GPU one thread for an element,
 * tiles in shared memory, and cuBLAS or the engine's own tiles, whichever is faster, in three
 * precisions. The first two are {@link GemmKernels}.
 *
 * <p>Shapes: squares, and those of the tutorial's fully connected layers: y = x wᵀ, dx = dy w, dw =
 * dyᵀ x.
 */
public class GemmBenchmark extends KernelBenchmark {
  private static final Pattern PRODUCT = Pattern.compile("(\\d+)x(\\d+)x(\\d+)(?::([nt])([nt]))?");

  /** Above this the loops of the ladder's first rungs take too long. */
  private static final double MOST_LOOPS_CPU = 3e8;

  private static final double MOST_LOOPS_GPU = 2e11;

  @Param({"naive", "tiled", "engine"})
  public String rung = "engine";

  /** mxnxk, and n or t (transposed) for A and for B. */
  @Param({
    "256x256x256",
    "512x512x512",
    "1024x1024x1024",
    "2048x2048x2048",
    "32x512x1792:nt",
    "32x1792x512",
    "512x1792x32:tn",
    "32x4x512:nt",
    "1024x512x1792:nt"
  })
  @Values(
      gpu = {
        "512x512x512",
        "1024x1024x1024",
        "4096x4096x4096",
        "8192x8192x8192",
        "32x512x1792:nt",
        "32x1792x512",
        "512x1792x32:tn",
        "32x4x512:nt",
        "1024x512x1792:nt"
      },
      quick = {"512x512x512", "32x512x1792:nt"},
      quickGpu = {"1024x1024x1024", "4096x4096x4096", "32x512x1792:nt"})
  public String product = "1024x1024x1024";

  @Param("fp32")
  @Values(gpu = {"fp32", "tf32", "bf16"})
  public String precision = "fp32";

  private Product p;
  private Buffer a;
  private Buffer b;
  private Buffer c;

  /** A is [m, k], or [k, m] when transposed; B is [k, n], or [n, k]. */
  record Product(int m, int n, int k, boolean transposeA, boolean transposeB) {
    static Product of(String text) {
      Matcher matcher = PRODUCT.matcher(text);
      if (!matcher.matches()) {
        throw new IllegalArgumentException(
            "product: '"
                + text
                + "' is not MxNxK, with :nn, :nt, :tn or :tt behind it if need be, as in"
                + " 32x512x1792:nt");
      }
      return new Product(
          Integer.parseInt(matcher.group(1)),
          Integer.parseInt(matcher.group(2)),
          Integer.parseInt(matcher.group(3)),
          "t".equals(matcher.group(4)),
          "t".equals(matcher.group(5)));
    }

    double flops() {
      return 2.0 * m * n * k;
    }

    double bytes() {
      return 4.0 * ((double) m * k + (double) k * n + (double) m * n);
    }
  }

  @Override
  String precision() {
    return precision;
  }

  @Override
  public Work work(String method) {
    Product product = Product.of(this.product);
    return Work.of(product.flops(), product.bytes());
  }

  @Override
  public Optional<String> leftOut() {
    if (rung.equals("engine")) {
      return Optional.empty();
    }
    boolean gpu = device.startsWith("cuda");
    Product product = Product.of(this.product);
    if (product.transposeA() || product.transposeB()) {
      return Optional.of("naive and tiled know no transposed operands");
    }
    if (!precision.equals("fp32")) {
      return Optional.of("naive and tiled multiply in FP32 alone");
    }
    if (device.equals("onednn")) {
      return Optional.of("naive and tiled are the same loops as on java");
    }
    return product.flops() > (gpu ? MOST_LOOPS_GPU : MOST_LOOPS_CPU)
        ? Optional.of("naive and tiled would take too long")
        : Optional.empty();
  }

  @Override
  void prepare() {
    p = Product.of(product);
    a = uniform(read(DType.FLOAT32, (long) p.m() * p.k()), "a");
    b = uniform(read(DType.FLOAT32, (long) p.k() * p.n()), "b");
    c = written(DType.FLOAT32, (long) p.m() * p.n());
    backend().fill(c, 0);
  }

  @Override
  void kernel() {
    switch (rung) {
      case "naive" -> launch(GemmKernels.NAIVE, p.m() * p.n());
      case "tiled" -> launch(GemmKernels.TILED, GemmKernels.patches(p.m(), p.n()));
      case "engine" -> backend().gemm(p.transposeA(), p.transposeB(), p.m(), p.n(), p.k(), a, b, c);
      default ->
          throw new IllegalArgumentException(
              "rung: '" + rung + "' is unknown; there are naive, tiled and engine");
    }
  }

  private void launch(Kernel kernel, int items) {
    backend().launch(kernel, items, a, b, c, p.m(), p.n(), p.k());
  }

  /** C v = op(A) (op(B) v). */
  @Override
  void prove(int calls) {
    try (Backend reference = ReferenceBackend.floats()) {
      float[] v = Proof.signs(p.n());
      float[] bv =
          p.transposeB()
              ? Proof.times(reference, backend(), b, p.n(), p.k(), true, v)
              : Proof.times(reference, backend(), b, p.k(), p.n(), false, v);
      float[] expected =
          p.transposeA()
              ? Proof.times(reference, backend(), a, p.k(), p.m(), true, bv)
              : Proof.times(reference, backend(), a, p.m(), p.k(), false, bv);
      float[] actual = Proof.times(reference, backend(), c, p.m(), p.n(), false, v);
      Proof.near("C v of " + product, expected, actual, Proof.tolerance(precision));
    }
  }

  @Benchmark
  public int gemm() {
    return run();
  }
}
