package bellman.benchmarks;

import bellman.benchmarks.MemoryKernel.Operand;
import bellman.engine.DType;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.reference.ReferenceBackend;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * The kernels that memory limits: the pointwise table, reductions, rows and columns. {@code copy}
 * is what the device's memory can do; the report sets the others against it.
 */
public class MemoryBenchmark extends KernelBenchmark {
  /** A name of {@link MemoryKernel#ALL}. */
  @Param({
    "copy",
    "fill",
    "spread",
    "relu",
    "relu_gradient",
    "tanh",
    "tanh_gradient",
    "sigmoid",
    "sigmoid_gradient",
    "exp",
    "sqrt",
    "sqrt_gradient",
    "square",
    "square_gradient",
    "scale",
    "shift",
    "clip",
    "clip_gradient",
    "smooth_l1",
    "smooth_l1_gradient",
    "add",
    "sub",
    "mul",
    "max",
    "abs",
    "abs_gradient",
    "to_float",
    "masked_fill",
    "add_row",
    "sum_rows",
    "sum",
    "max_abs",
    "row_argmax",
    "pick",
    "place",
    "one_hot",
    "copy_columns",
    "permute"
  })
  @Values(quick = {"relu", "add", "add_row", "sum_rows", "sum", "row_argmax", "pick"})
  public String kernel = "copy";

  /** Larger than the last cache, and what is left of it for Q(s, ·) of a batch. */
  @Param({"65536x256", "32x4"})
  @Values(
      gpu = {"262144x256", "32x4"},
      quick = "65536x256",
      quickGpu = "262144x256")
  public String shape = "65536x256";

  private MemoryKernel what;
  private Buffer[] operands;
  private int rows;
  private int cols;

  private static int[] sizes(String shape) {
    if (!shape.matches("[1-9]\\d*x[1-9]\\d*")) {
      throw new IllegalArgumentException(
          "shape: '" + shape + "' is not ROWSxCOLUMNS, as in 65536x256");
    }
    int x = shape.indexOf('x');
    return new int[] {
      Integer.parseInt(shape.substring(0, x)), Integer.parseInt(shape.substring(x + 1))
    };
  }

  @Override
  public Work work(String method) {
    MemoryKernel kernel = MemoryKernel.of(this.kernel);
    int[] sizes = sizes(shape);
    double bytes = 0;
    for (Operand o : kernel.operands()) {
      bytes += (double) o.moved().count(sizes[0], sizes[1]) * o.dtype().bytes();
    }
    return Work.of(kernel.flops() * sizes[0] * sizes[1], bytes);
  }

  @Override
  void prepare() {
    what = MemoryKernel.of(kernel);
    rows = sizes(shape)[0];
    cols = sizes(shape)[1];
    operands = new Buffer[what.operands().size()];
    for (int i = 0; i < operands.length; i++) {
      Operand o = what.operands().get(i);
      long count = o.extent().count(rows, cols);
      boolean result = i == operands.length - 1;
      long moved = o.moved().count(rows, cols);
      operands[i] =
          result ? written(o.dtype(), count) : filled(read(o.dtype(), count, moved), "x" + i);
      if (result) {
        backend().fill(operands[i], 99); // which no kernel answers
      }
    }
  }

  /** Floats in [−0.25, 0.75), columns, or bytes of which half are 0. */
  private Buffer filled(Buffer b, String name) {
    if (b.dtype() == DType.FLOAT32) {
      return uniform(b, name);
    }
    if (b.dtype() == DType.INT32) {
      return integers(b, name, cols);
    }
    byte[] bytes = new byte[Math.toIntExact(b.count())];
    new SplittableRandom(Workload.SEED).nextBytes(bytes);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Math.max(0, bytes[i]);
    }
    backend().write(b, 0, bytes, 0, bytes.length);
    return b;
  }

  @Override
  void kernel() {
    what.run().on(backend(), rows, cols, operands);
  }

  /** Every element, in blocks of rows; what adds up over rows is added up over blocks. */
  @Override
  void prove(int calls) {
    Operand result = what.result();
    boolean splits = result.extent().splits();
    Buffer actual = operands[operands.length - 1];
    double[] whole = new double[splits ? 0 : Math.toIntExact(actual.count())];
    int most = Math.max(1, Proof.BLOCK / cols);
    try (Backend reference = ReferenceBackend.floats()) {
      for (int row = 0; row < rows; row += most) {
        int n = Math.min(most, rows - row);
        Buffer[] twins = new Buffer[operands.length];
        for (int i = 0; i < twins.length; i++) {
          Operand o = what.operands().get(i);
          int count = Math.toIntExact(o.extent().count(n, cols));
          long at = o.extent().splits() ? o.extent().count(row, cols) : 0;
          twins[i] =
              i == twins.length - 1
                  ? reference.allocate(o.dtype(), count)
                  : Proof.copy(backend(), operands[i], at, count, reference);
        }
        what.run().on(reference, n, cols, twins);
        Buffer twin = twins[twins.length - 1];
        float[] expected = Proof.read(reference, twin, 0, Math.toIntExact(twin.count()));
        if (splits) {
          long at = result.extent().count(row, cols);
          compare(at, expected, Proof.read(backend(), actual, at, expected.length));
        } else {
          for (int i = 0; i < whole.length; i++) {
            whole[i] =
                kernel.equals("max_abs") ? Math.max(whole[i], expected[i]) : whole[i] + expected[i];
          }
        }
      }
    }
    if (!splits) {
      float[] expected = new float[whole.length];
      for (int i = 0; i < whole.length; i++) {
        expected[i] = (float) whole[i];
      }
      compare(0, expected, Proof.read(backend(), actual, 0, expected.length));
    }
  }

  /**
   * Sums in another order differ by a few parts in a million, functions by a few of their last
   * bits.
   */
  private void compare(long at, float[] expected, float[] actual) {
    for (int i = 0; i < expected.length; i++) {
      double allowed = 2e-5 * Math.abs(expected[i]) + 1e-6;
      Proof.equal(kernel, at + i, expected[i], actual[i], allowed);
    }
  }

  @Benchmark
  public int move() {
    return run();
  }
}
