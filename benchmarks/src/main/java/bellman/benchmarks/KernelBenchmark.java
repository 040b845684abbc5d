package bellman.benchmarks;

import bellman.engine.CapturedStep;
import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.Philox;
import bellman.engine.backend.Pointwise;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
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
 * One kernel over buffers that stay on the device, as a captured step of several calls: on a GPU
 * one graph launch and one wait are shared by all of them, as they are within an update.
 *
 * <p>Before it is timed its results must be right ({@link #prove}), the step must have made as many
 * calls as the parameter says, and the operands must have the bytes that {@link #work} counts.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
public abstract class KernelBenchmark implements Measured {
  @Param({"onednn", "java", "cuda"})
  public String device = "onednn";

  @Param("1")
  public int threads = 1;

  /** Kernel calls in one measured step; times are given for one. */
  @Param("1")
  @Values(gpu = "20")
  public int calls = 1;

  private Device opened;
  private Tensor zero; // the step of the random numbers
  private CapturedStep<Integer> step;
  private double moved; // bytes of the operands, as often as they are read or written

  /** Allocates and fills the operands. */
  abstract void prepare();

  /** One call. */
  abstract void kernel();

  /**
   * Throws unless the kernel's results are the reference backend's.
   *
   * @param calls how often the kernel has been called, the same operands each time
   */
  abstract void prove(int calls);

  /** How products and convolutions multiply. */
  String precision() {
    return "fp32";
  }

  @Setup(Level.Trial)
  public final void setUp() {
    opened = open();
    zero = opened.state("step", new int[1], Shape.scalar());
    prepare();
    double expected = work("").bytes();
    if (expected > 0 && expected != moved) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "benchmark: the operands have %,.0f bytes, %,.0f are counted",
              moved,
              expected));
    }
    step =
        opened.capture(
            "kernel",
            () -> {
              for (int i = 0; i < calls; i++) {
                kernel();
              }
              return calls;
            });
    step.run(); // kernel by kernel
    step.run(); // as a graph, where there are graphs
    opened.synchronize();
    prove(2 * calls);
    opened.synchronize();
  }

  /** Opens the device that the parameters name. */
  Device open() {
    return Workload.open(device, threads, precision());
  }

  /** What a concrete benchmark's method does: all calls, and the wait for them. */
  final int run() {
    int ran = step.run();
    opened.synchronize();
    return ran;
  }

  @TearDown(Level.Trial)
  public final void tearDown() {
    if (step != null) {
      step.close();
    }
    if (opened != null) {
      opened.close();
    }
  }

  // ── operands ──────────────────────────────────────────────────────────────────────────────────

  final Device device() {
    return opened;
  }

  final Backend backend() {
    return opened.backend();
  }

  /** Memory that the kernel reads. */
  final Buffer read(DType dtype, long count) {
    return operand(dtype, count, count);
  }

  /** Memory of which the kernel reads {@code some} elements. */
  final Buffer read(DType dtype, long count, long some) {
    return operand(dtype, count, some);
  }

  /** Memory that the kernel writes. */
  final Buffer written(DType dtype, long count) {
    return operand(dtype, count, count);
  }

  /** Memory that the kernel reads and writes. */
  final Buffer updated(DType dtype, long count) {
    return operand(dtype, count, 2 * count);
  }

  private Buffer operand(DType dtype, long count, long moved) {
    this.moved += (double) moved * dtype.bytes();
    return opened.empty(Shape.of(Math.toIntExact(count)), dtype).buffer();
  }

  /**
   * The same numbers on every device, uniform in [−¼, ¾) like the peer's: a GPU draws more power,
   * and its clock falls, when signs change often.
   */
  final Buffer uniform(Buffer b, String name) {
    backend().randomUniform(Philox.Key.of(Workload.SEED, name), zero.buffer(), 0, b);
    backend().map(Pointwise.SHIFT, -0.25f, 0, b, b);
    return b;
  }

  /** The same integers on every device, in [0, bound). */
  final Buffer integers(Buffer b, String name, int bound) {
    Tensor limit = opened.state("bound", new int[] {bound}, Shape.scalar());
    backend()
        .randomIntegers(Philox.Key.of(Workload.SEED, name), zero.buffer(), 0, limit.buffer(), b);
    return b;
  }
}
