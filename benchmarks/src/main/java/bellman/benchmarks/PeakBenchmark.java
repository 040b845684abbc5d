package bellman.benchmarks;

import bellman.engine.CapturedStep;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The most arithmetic that a device does in a second: one product of two square matrices, large
 * enough that nothing but multiply-adds counts. It is the peak that the table sets other rates
 * against.
 *
 * <p>Before it is timed, the product's diagonal must be what plain loops in double give.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 10, time = 2)
@Fork(2)
public class PeakBenchmark {
  @Param({"onednn", "java"})
  public String device;

  @Param("1")
  public int threads;

  /** n of [n, n] × [n, n]. */
  @Param("1024")
  public int n;

  private Device opened;
  private CapturedStep<Tensor> product;

  @Setup(Level.Trial)
  public void setUp() {
    opened = Workload.open(device, threads);
    SplittableRandom random = new SplittableRandom(Workload.SEED);
    float[] a = values(random);
    float[] b = values(random);
    Tensor left = opened.tensor(a, Shape.of(n, n));
    Tensor right = opened.tensor(b, Shape.of(n, n));
    product = opened.capture("product", () -> left.matmul(right));
    float[] y = product.run().toFloats();
    Workload.checkEqual("elements of the product", (double) n * n, y.length, 0);
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = 0; k < n; k++) {
        sum += (double) a[i * n + k] * b[k * n + i];
      }
      Workload.checkEqual("element %d of the diagonal".formatted(i), sum, y[i * n + i], 1e-4);
    }
  }

  /** Positive, so that sums do not cancel. */
  private float[] values(SplittableRandom random) {
    float[] values = new float[n * n];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble();
    }
    return values;
  }

  /** [n, n] × [n, n]. */
  @Benchmark
  public Tensor product() {
    Tensor y = product.run();
    opened.synchronize();
    return y;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    if (product != null) {
      product.close();
    }
    if (opened != null) {
      opened.close();
    }
  }
}
