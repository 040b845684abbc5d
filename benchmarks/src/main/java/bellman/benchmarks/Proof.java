package bellman.benchmarks;

import bellman.engine.DType;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import java.util.SplittableRandom;

/**
 * How results are compared with the reference backend's.
 *
 * <p>Products and convolutions are too large to be repeated by its plain loops. They are linear in
 * their columns, though: for a random v of ±1 the reference computes C v = A (B v) in the time of
 * three matrix-vector products, and one wrong element of C shows in it (Freivalds 1979).
 */
final class Proof {
  /** Elements that are on the heap at a time. */
  static final int BLOCK = 1 << 20;

  private Proof() {}

  /** ±1, n times. */
  static float[] signs(int n) {
    SplittableRandom random = new SplittableRandom(Workload.SEED);
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = random.nextBoolean() ? 1 : -1;
    }
    return v;
  }

  /** What rounding may change in a product of random numbers, as a part of its rms. */
  static double tolerance(String precision) {
    return switch (precision) {
      case "tf32" -> 5e-3; // operands have 11 bits
      case "bf16" -> 3e-2; // 8
      default -> 2e-4; // sums of up to a million terms
    };
  }

  /** {@code n} elements from {@code at} on, as floats. */
  static float[] read(Backend backend, Buffer b, long at, int n) {
    float[] values = new float[n];
    switch (b.dtype()) {
      case FLOAT32 -> backend.read(b, at, values, 0, n);
      case INT32 -> {
        int[] ints = new int[n];
        backend.read(b, at, ints, 0, n);
        for (int i = 0; i < n; i++) {
          values[i] = ints[i];
        }
      }
      case UINT8 -> {
        byte[] bytes = new byte[n];
        backend.read(b, at, bytes, 0, n);
        for (int i = 0; i < n; i++) {
          values[i] = bytes[i] & 0xff;
        }
      }
    }
    return values;
  }

  /** The same elements in memory of another backend. */
  static Buffer copy(Backend from, Buffer b, long at, int n, Backend to) {
    Buffer copy = to.allocate(b.dtype(), n);
    switch (b.dtype()) {
      case FLOAT32 -> {
        float[] values = new float[n];
        from.read(b, at, values, 0, n);
        to.write(copy, 0, values, 0, n);
      }
      case INT32 -> {
        int[] values = new int[n];
        from.read(b, at, values, 0, n);
        to.write(copy, 0, values, 0, n);
      }
      case UINT8 -> {
        byte[] values = new byte[n];
        from.read(b, at, values, 0, n);
        to.write(copy, 0, values, 0, n);
      }
    }
    return copy;
  }

  /** Floats in memory of a backend. */
  static Buffer of(Backend backend, float[] values) {
    Buffer b = backend.allocate(DType.FLOAT32, values.length);
    backend.write(b, 0, values, 0, values.length);
    return b;
  }

  /** Each row's combination: y[r] = Σ_c x[r, c] v[c]. */
  static float[] project(float[] x, float[] v) {
    int cols = v.length;
    float[] y = new float[x.length / cols];
    for (int r = 0; r < y.length; r++) {
      double sum = 0;
      for (int c = 0; c < cols; c++) {
        sum += (double) x[r * cols + c] * v[c];
      }
      y[r] = (float) sum;
    }
    return y;
  }

  /** The rows' combination: y[c] = Σ_r v[r] x[r, c]. */
  static float[] projectRows(float[] x, float[] v) {
    int cols = x.length / v.length;
    double[] sum = new double[cols];
    for (int r = 0; r < v.length; r++) {
      for (int c = 0; c < cols; c++) {
        sum[c] += (double) v[r] * x[r * cols + c];
      }
    }
    float[] y = new float[cols];
    for (int c = 0; c < cols; c++) {
      y[c] = (float) sum[c];
    }
    return y;
  }

  /**
   * y ← op(M) v by the reference, M [rows, cols] of another backend, in blocks of rows.
   *
   * @param transposed op(M) = Mᵀ, so that v has {@code rows} elements and y {@code cols}
   */
  static float[] times(
      Backend reference,
      Backend backend,
      Buffer m,
      int rows,
      int cols,
      boolean transposed,
      float[] v) {
    float[] y = new float[transposed ? cols : rows];
    double[] sums = new double[transposed ? cols : 0];
    int most = Math.max(1, BLOCK / cols);
    for (int row = 0; row < rows; row += most) {
      int n = Math.min(most, rows - row);
      Buffer block = copy(backend, m, (long) row * cols, n * cols, reference);
      float[] part = new float[transposed ? cols : n];
      Buffer out = reference.allocate(DType.FLOAT32, part.length);
      if (transposed) {
        float[] some = new float[n];
        System.arraycopy(v, row, some, 0, n);
        reference.gemm(true, false, cols, 1, n, block, of(reference, some), out);
        reference.read(out, 0, part, 0, cols);
        for (int c = 0; c < cols; c++) {
          sums[c] += part[c];
        }
      } else {
        reference.gemm(false, false, n, 1, cols, block, of(reference, v), out);
        reference.read(out, 0, y, row, n);
      }
    }
    for (int c = 0; c < sums.length; c++) {
      y[c] = (float) sums[c];
    }
    return y;
  }

  /**
   * Throws unless all elements are equal but for rounding.
   *
   * @param part of the expected values' root mean square
   */
  static void near(String what, float[] expected, float[] actual, double part) {
    double squares = 0;
    for (float e : expected) {
      squares += (double) e * e;
    }
    double allowed = part * Math.sqrt(squares / Math.max(1, expected.length));
    for (int i = 0; i < expected.length; i++) {
      equal(what, i, expected[i], actual[i], allowed);
    }
  }

  /** Throws unless one element is the reference's, NaN included. */
  static void equal(String what, long i, double expected, double actual, double allowed) {
    boolean equal =
        Double.isNaN(expected) ? Double.isNaN(actual) : Math.abs(actual - expected) <= allowed;
    if (!equal) {
      throw new IllegalStateException(
          "benchmark: %s: element %d is %g, the reference's is %g ± %.1g"
              .formatted(what, i, actual, expected, allowed));
    }
  }
}
