package bellman.engine.host;

import bellman.engine.DType;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.engine.backend.Philox;
import bellman.engine.backend.Pointwise;
import java.util.Arrays;

/**
 * Every kernel of the CPU save matrix products and convolutions. Work is cut into parts of fixed
 * size, and sums of parts are combined in order, so a result is the same to the last bit for any
 * number of threads.
 *
 * <p>Each kernel raises the version of what it writes, so that a subclass may keep packed copies of
 * its inputs.
 */
public abstract class HostBackend implements Backend {
  private static final int BLOCK = Scratch.BLOCK;
  private static final int PART = 16 * BLOCK; // what is worth waking a thread for
  private static final int LAUNCH_PART = 1024;

  private final Workers workers;
  private final Scratch[] scratch;

  /**
   * @param threads threads of every kernel, the caller's included
   * @param spinning whether idle threads wait for the next kernel with a short spin; not where
   *     another library's threads run in between
   */
  protected HostBackend(int threads, boolean spinning) {
    workers = new Workers(threads, spinning);
    scratch = new Scratch[threads];
    for (int i = 0; i < threads; i++) {
      scratch[i] = new Scratch();
    }
  }

  /** CPU threads that kernels use. */
  public final int threads() {
    return workers.count();
  }

  final Workers workers() {
    return workers;
  }

  protected abstract HostBuffer allocateHost(DType dtype, long count);

  /** C ← op(A) · op(B), as {@link Backend#gemm}; no size is 0. */
  protected abstract void product(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      HostBuffer a,
      HostBuffer b,
      HostBuffer c);

  /** y ← x ∗ w + bias, as {@link Backend#conv2d}; no size is 0. */
  protected abstract void convolve(
      ConvGeometry g, HostBuffer x, HostBuffer w, HostBuffer bias, HostBuffer y);

  /** dx ← ∂L/∂x; no size is 0. */
  protected abstract void dataGradient(ConvGeometry g, HostBuffer w, HostBuffer dy, HostBuffer dx);

  /** dw ← ∂L/∂w; no size is 0. */
  protected abstract void filterGradient(
      ConvGeometry g, HostBuffer x, HostBuffer dy, HostBuffer dw);

  // ── blocks ────────────────────────────────────────────────────────────────────────────────────

  /** Work on the elements {@code at … at + n − 1}; n is at most a block. */
  @FunctionalInterface
  private interface Block {
    void run(Scratch s, long at, int n);
  }

  /** Covers {@code count} elements with blocks, in parallel. */
  private void blocks(long count, Block block) {
    int parts = (int) ((count + PART - 1) / PART);
    workers.run(
        parts,
        (part, worker) -> {
          long end = Math.min(count, (part + 1L) * PART);
          for (long at = (long) part * PART; at < end; at += BLOCK) {
            block.run(scratch[worker], at, (int) Math.min(BLOCK, end - at));
          }
        });
  }

  private static HostBuffer in(Buffer b) {
    return (HostBuffer) b;
  }

  private static HostBuffer out(Buffer b) {
    b.written();
    return (HostBuffer) b;
  }

  // ── memory ────────────────────────────────────────────────────────────────────────────────────

  @Override
  public final Buffer allocate(DType dtype, long count) {
    return allocateHost(dtype, count);
  }

  @Override
  public final void write(Buffer to, long at, float[] from, int start, int n) {
    out(to).write(at, from, start, n);
  }

  @Override
  public final void write(Buffer to, long at, byte[] from, int start, int n) {
    out(to).write(at, from, start, n);
  }

  @Override
  public final void write(Buffer to, long at, int[] from, int start, int n) {
    out(to).write(at, from, start, n);
  }

  @Override
  public final void read(Buffer from, long at, float[] to, int start, int n) {
    in(from).read(at, to, start, n);
  }

  @Override
  public final void read(Buffer from, long at, byte[] to, int start, int n) {
    in(from).read(at, to, start, n);
  }

  @Override
  public final void read(Buffer from, long at, int[] to, int start, int n) {
    in(from).read(at, to, start, n);
  }

  @Override
  public final void fill(Buffer y, double value) {
    HostBuffer to = out(y);
    switch (y.dtype()) {
      case FLOAT32 ->
          blocks(
              y.count(),
              (s, at, n) -> {
                Arrays.fill(s.a, 0, n, (float) value);
                to.write(at, s.a, 0, n);
              });
      case INT32 ->
          blocks(
              y.count(),
              (s, at, n) -> {
                Arrays.fill(s.ints, 0, n, (int) value);
                to.write(at, s.ints, 0, n);
              });
      case UINT8 ->
          blocks(
              y.count(),
              (s, at, n) -> {
                Arrays.fill(s.bytes, 0, n, (byte) (int) value);
                to.write(at, s.bytes, 0, n);
              });
    }
  }

  @Override
  public final void copy(Buffer x, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer to = out(y);
    blocks(y.count(), (s, at, n) -> to.copy(at, from, at, n));
  }

  // ── pointwise ─────────────────────────────────────────────────────────────────────────────────

  @Override
  public final void map(Pointwise op, float a, float b, Buffer out, Buffer... in) {
    HostBuffer x = in(in[0]);
    HostBuffer y = op.operands() == 2 ? in(in[1]) : null;
    HostBuffer to = out(out);
    if (op == Pointwise.RELU_GRADIENT) {
      reluGradient(x, y, to);
      return;
    }
    blocks(
        out.count(),
        (s, at, n) -> {
          x.read(at, s.a, 0, n);
          if (y != null) {
            y.read(at, s.b, 0, n);
          }
          op.run(s.a, y != null ? s.b : null, a, b, s.c, n);
          to.write(at, s.c, 0, n);
        });
  }

  /**
   * RELU_GRADIENT without a branch: HotSpot does not vectorise the choice, and on activations the
   * processor guesses half of its jumps wrong.
   */
  private void reluGradient(HostBuffer dy, HostBuffer y, HostBuffer dx) {
    blocks(
        dx.count(),
        (s, at, n) -> {
          dy.readBits(at, s.ints, n);
          y.readBits(at, s.moreInts, n);
          keepWherePositive(s.ints, s.moreInts, n);
          dx.writeBits(at, s.ints, n);
        });
  }

  /** Bit patterns: x stays where y is positive or NaN, else it becomes 0. */
  private static void keepWherePositive(int[] x, int[] y, int n) {
    for (int j = 0; j < n; j++) {
      int v = y[j];
      int positive = (~v & -v) >> 31; // all ones for 1 … 0x7fffffff: positive, or NaN with sign +
      int nan = (0x7f800000 - (v & 0x7fffffff)) >> 31; // all ones above infinity's pattern
      x[j] &= positive | nan;
    }
  }

  @Override
  public final void toFloat(Buffer x, float divisor, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer to = out(y);
    if (x.dtype() == DType.INT32) {
      blocks(
          y.count(),
          (s, at, n) -> {
            from.read(at, s.ints, 0, n);
            for (int j = 0; j < n; j++) {
              s.a[j] = (float) (s.ints[j] / (double) divisor);
            }
            to.write(at, s.a, 0, n);
          });
      return;
    }
    float[] quotients = new float[256]; // a byte has few values
    for (int i = 0; i < quotients.length; i++) {
      quotients[i] = i / divisor;
    }
    blocks(
        y.count(),
        (s, at, n) -> {
          byte[] bytes = s.bytes;
          float[] floats = s.a;
          from.read(at, bytes, 0, n);
          for (int j = 0; j < n; j++) {
            floats[j] = quotients[bytes[j] & 0xff];
          }
          to.write(at, floats, 0, n);
        });
  }

  @Override
  public final void maskedFill(Buffer x, Buffer mask, float value, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer where = in(mask);
    HostBuffer to = out(y);
    blocks(
        y.count(),
        (s, at, n) -> {
          from.read(at, s.a, 0, n);
          where.read(at, s.bytes, 0, n);
          for (int j = 0; j < n; j++) {
            if (s.bytes[j] != 0) {
              s.a[j] = value;
            }
          }
          to.write(at, s.a, 0, n);
        });
  }

  // ── matrices ──────────────────────────────────────────────────────────────────────────────────

  @Override
  public final void gemm(
      boolean transposeA, boolean transposeB, int m, int n, int k, Buffer a, Buffer b, Buffer c) {
    if (m == 0 || n == 0) {
      return;
    }
    if (k == 0) {
      fill(c, 0);
      return;
    }
    product(transposeA, transposeB, m, n, k, in(a), in(b), out(c));
  }

  /** Work on rows {@code from … to − 1}. */
  @FunctionalInterface
  private interface Rows {
    void run(Scratch s, int from, int to);
  }

  /** Covers rows with groups of {@code group} rows, in parallel where that pays. */
  private void rows(int rows, int cols, int group, Rows work) {
    int groups = (rows + group - 1) / group;
    int each = Math.max(1, PART / Math.max(1, group * cols));
    workers.run(
        (groups + each - 1) / each,
        (part, worker) -> {
          int end = Math.min(groups, (part + 1) * each);
          for (int i = part * each; i < end; i++) {
            work.run(scratch[worker], i * group, Math.min(rows, (i + 1) * group));
          }
        });
  }

  private static int rowsPerBlock(int cols) {
    return Math.max(1, BLOCK / Math.max(1, cols));
  }

  @Override
  public final void addRow(Buffer x, Buffer row, int rows, int cols, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer to = out(y);
    int group = rowsPerBlock(cols);
    float[] tile = new float[Math.max(BLOCK, cols)]; // the row again and again
    in(row).read(0, tile, 0, cols);
    for (int at = cols; at + cols <= tile.length && cols > 0; at += cols) {
      System.arraycopy(tile, 0, tile, at, cols);
    }
    if (cols <= BLOCK) {
      rows(
          rows,
          cols,
          group,
          (s, first, last) -> {
            int n = (last - first) * cols;
            from.read((long) first * cols, s.a, 0, n);
            Pointwise.ADD.run(s.a, tile, 0, 0, s.c, n);
            to.write((long) first * cols, s.c, 0, n);
          });
      return;
    }
    rows(
        rows,
        cols,
        1,
        (s, r, last) -> {
          for (int c = 0; c < cols; c += BLOCK) {
            int n = Math.min(BLOCK, cols - c);
            from.read((long) r * cols + c, s.a, 0, n);
            System.arraycopy(tile, c, s.b, 0, n);
            Pointwise.ADD.run(s.a, s.b, 0, 0, s.c, n);
            to.write((long) r * cols + c, s.c, 0, n);
          }
        });
  }

  @Override
  public final void sumRows(Buffer x, int rows, int cols, Buffer y) {
    double[] sums = columnSums(in(x), rows, cols);
    HostBuffer to = out(y);
    for (int c = 0; c < cols; c++) {
      to.set(c, sums[c]);
    }
  }

  @Override
  public final void sum(Buffer x, Buffer y) {
    int cols = (int) Math.min(x.count(), BLOCK);
    int rows = cols == 0 ? 0 : (int) (x.count() / cols);
    double sum = 0;
    for (double column : columnSums(in(x), rows, cols)) {
      sum += column;
    }
    for (long i = (long) rows * cols; i < x.count(); i++) {
      sum += in(x).get(i);
    }
    out(y).set(0, sum);
  }

  /**
   * Σ over rows. A float holds at most 16 terms, one of each block of a part; the rest is in
   * double.
   */
  private double[] columnSums(HostBuffer x, int rows, int cols) {
    double[] sums = new double[cols];
    if (rows == 0 || cols == 0) {
      return sums;
    }
    if (cols > BLOCK) {
      for (int c = 0; c < cols; c += BLOCK) {
        int n = Math.min(BLOCK, cols - c);
        float[] part = scratch[0].c;
        float[] row = scratch[0].a;
        for (int first = 0; first < rows; first += 16) {
          Arrays.fill(part, 0, n, 0f);
          for (int r = first; r < Math.min(rows, first + 16); r++) {
            x.read((long) r * cols + c, row, 0, n);
            Pointwise.ADD.run(part, row, 0, 0, part, n);
          }
          for (int j = 0; j < n; j++) {
            sums[c + j] += part[j];
          }
        }
      }
      return sums;
    }
    int group = rowsPerBlock(cols);
    int partRows = 16 * group;
    int parts = (rows + partRows - 1) / partRows;
    double[][] partial = new double[parts][cols];
    workers.run(
        parts,
        (part, worker) -> {
          float[] row = scratch[worker].a;
          float[] total = scratch[worker].c;
          int end = Math.min(rows, (part + 1) * partRows);
          Arrays.fill(total, 0, group * cols, 0f);
          for (int r = part * partRows; r < end; r += group) {
            int n = Math.min(group, end - r) * cols;
            x.read((long) r * cols, row, 0, n);
            Pointwise.ADD.run(total, row, 0, 0, total, n);
          }
          double[] mine = partial[part];
          for (int r = 0; r < group; r++) {
            for (int c = 0; c < cols; c++) {
              mine[c] += total[r * cols + c];
            }
          }
        });
    for (double[] part : partial) {
      for (int c = 0; c < cols; c++) {
        sums[c] += part[c];
      }
    }
    return sums;
  }

  @Override
  public final void maxAbs(Buffer x, Buffer y) {
    HostBuffer from = in(x);
    int parts = Math.toIntExact((x.count() + PART - 1) / PART);
    float[] largest = new float[parts];
    workers.run(
        parts,
        (part, worker) -> {
          float[] block = scratch[worker].a;
          float[] max = scratch[worker].c;
          Arrays.fill(max, 0f);
          long end = Math.min(x.count(), (part + 1L) * PART);
          for (long at = (long) part * PART; at < end; at += BLOCK) {
            int n = (int) Math.min(BLOCK, end - at);
            from.read(at, block, 0, n);
            Pointwise.ABS.run(block, null, 0, 0, block, n);
            Pointwise.MAX.run(max, block, 0, 0, max, n);
          }
          float top = 0;
          for (float m : max) {
            top = Math.max(top, m);
          }
          largest[part] = top;
        });
    float top = 0;
    for (float m : largest) {
      top = Math.max(top, m);
    }
    out(y).set(0, top);
  }

  @Override
  public final void spread(Buffer x, Buffer y) {
    fill(y, in(x).get(0));
  }

  @Override
  public final void rowArgmax(Buffer x, int rows, int cols, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer to = out(y);
    rows(
        rows,
        cols,
        1,
        (s, r, last) -> {
          int best = 0;
          float top = Float.NEGATIVE_INFINITY;
          for (int c = 0; c < cols; c += BLOCK) {
            int n = Math.min(BLOCK, cols - c);
            from.read((long) r * cols + c, s.a, 0, n);
            for (int j = 0; j < n; j++) {
              float value = s.a[j];
              if (value > top || (value != value && top == top)) {
                top = value;
                best = c + j;
              }
            }
          }
          to.set(r, best);
        });
  }

  @Override
  public final void pick(Buffer x, int rows, int cols, Buffer index, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer indices = in(index);
    HostBuffer to = out(y);
    for (int r = 0; r < rows; r++) {
      int c = (int) indices.get(r);
      to.set(r, c >= 0 && c < cols ? from.get((long) r * cols + c) : Float.NaN);
    }
  }

  @Override
  public final void place(Buffer x, int rows, int cols, Buffer index, Buffer y) {
    fill(y, 0);
    for (int r = 0; r < rows; r++) {
      int c = (int) in(index).get(r);
      if (c >= 0 && c < cols) {
        in(y).set((long) r * cols + c, in(x).get(r));
      }
    }
  }

  @Override
  public final void oneHot(Buffer index, int rows, int cols, Buffer y) {
    fill(y, 0);
    for (int r = 0; r < rows; r++) {
      int c = (int) in(index).get(r);
      if (c >= 0 && c < cols) {
        in(y).set((long) r * cols + c, 1);
      }
    }
  }

  @Override
  public final void copyColumns(
      Buffer x, int rows, int xCols, int xAt, Buffer y, int yCols, int yAt, int n) {
    HostBuffer from = in(x);
    HostBuffer to = out(y);
    int widest = Math.max(xCols, yCols);
    if (widest > BLOCK || x.dtype() != DType.FLOAT32) {
      rows(
          rows,
          n,
          1,
          (s, r, last) -> to.copy((long) r * yCols + yAt, from, (long) r * xCols + xAt, n));
      return;
    }
    rows(
        rows,
        widest,
        rowsPerBlock(widest),
        (s, first, last) -> {
          from.read((long) first * xCols, s.a, 0, (last - first) * xCols);
          if (n < yCols) {
            to.read((long) first * yCols, s.b, 0, (last - first) * yCols);
          }
          for (int r = 0; r < last - first; r++) {
            for (int j = 0; j < n; j++) {
              s.b[r * yCols + yAt + j] = s.a[r * xCols + xAt + j];
            }
          }
          to.write((long) first * yCols, s.b, 0, (last - first) * yCols);
        });
  }

  @Override
  public final void permute(Buffer x, int[] dims, int[] order, Buffer y) {
    HostBuffer from = in(x);
    HostBuffer to = out(y);
    int rank = dims.length;
    long[] stride = new long[rank];
    long size = 1;
    for (int i = rank - 1; i >= 0; i--) {
      stride[i] = size;
      size *= dims[i];
    }
    blocks(
        y.count(),
        (s, at, n) -> {
          for (int j = 0; j < n; j++) {
            long rest = at + j;
            long place = 0;
            for (int d = rank - 1; d >= 0; d--) {
              int length = dims[order[d]];
              place += rest % length * stride[order[d]];
              rest /= length;
            }
            to.set(at + j, from.get(place));
          }
        });
  }

  // ── convolution ───────────────────────────────────────────────────────────────────────────────

  private static boolean empty(ConvGeometry g) {
    return g.n() == 0 || g.h() == 0 || g.w() == 0 || g.c() == 0 || g.k() == 0;
  }

  @Override
  public final void conv2d(ConvGeometry g, Buffer x, Buffer w, Buffer bias, Buffer y) {
    if (!empty(g)) {
      convolve(g, in(x), in(w), bias == null ? null : in(bias), out(y));
      return;
    }
    fill(y, 0);
    if (bias != null && y.count() > 0) {
      addRow(y, bias, Math.toIntExact(y.count() / g.k()), g.k(), y);
    }
  }

  @Override
  public final void conv2dDataGradient(ConvGeometry g, Buffer w, Buffer dy, Buffer dx) {
    if (empty(g)) {
      fill(dx, 0);
    } else {
      dataGradient(g, in(w), in(dy), out(dx));
    }
  }

  @Override
  public final void conv2dFilterGradient(ConvGeometry g, Buffer x, Buffer dy, Buffer dw) {
    if (empty(g)) {
      fill(dw, 0);
    } else {
      filterGradient(g, in(x), in(dy), out(dw));
    }
  }

  // ── state ─────────────────────────────────────────────────────────────────────────────────────

  @Override
  public final void randomIntegers(Philox.Key key, Buffer step, int draw, Buffer bound, Buffer y) {
    int now = (int) in(step).get(0);
    int limit = (int) in(bound).get(0);
    HostBuffer to = out(y);
    blocks(
        y.count(),
        (s, at, n) -> {
          for (int j = 0; j < n; j++) {
            s.ints[j] = Philox.integer(key, now, (int) at + j, draw, limit);
          }
          to.write(at, s.ints, 0, n);
        });
  }

  @Override
  public final void randomUniform(Philox.Key key, Buffer step, int draw, Buffer y) {
    int now = (int) in(step).get(0);
    HostBuffer to = out(y);
    blocks(
        y.count(),
        (s, at, n) -> {
          for (int j = 0; j < n; j++) {
            s.a[j] = Philox.uniform(key, now, (int) at + j, draw);
          }
          to.write(at, s.a, 0, n);
        });
  }

  @Override
  public final void increment(Buffer counter, int amount) {
    int[] value = new int[1];
    in(counter).read(0, value, 0, 1);
    value[0] += amount;
    out(counter).write(0, value, 0, 1);
  }

  @Override
  public final void adam(
      Buffer p,
      Buffer g,
      Buffer m,
      Buffer v,
      Buffer lr,
      int warmup,
      Buffer t,
      Buffer largest,
      double beta1,
      double beta2,
      double epsilon,
      double decay,
      boolean last) {
    if (largest != null) {
      raise(g, largest);
    }
    double step = in(t).get(0) + 1;
    if (last) {
      increment(t, 1);
    }
    // both sides of the fraction times √(1−β₂ᵗ): one division less for each parameter
    double root = Math.sqrt(1 - Math.pow(beta2, step));
    double warm = step < warmup ? step / warmup : 1;
    float rate = (float) (in(lr).get(0) * warm / (1 - Math.pow(beta1, step)) * root);
    float small = (float) (epsilon * root);
    float b1 = (float) beta1;
    float b2 = (float) beta2;
    float rest1 = (float) (1 - beta1);
    float rest2 = (float) (1 - beta2);
    float shrink = (float) decay;
    HostBuffer gradients = in(g);
    HostBuffer values = out(p);
    HostBuffer means = out(m);
    HostBuffer squares = out(v);
    blocks(
        p.count(),
        (s, at, n) -> {
          values.read(at, s.a, 0, n);
          gradients.read(at, s.b, 0, n);
          means.read(at, s.c, 0, n);
          squares.read(at, s.d, 0, n);
          adamRow(s.a, s.b, s.c, s.d, n, rate, b1, b2, rest1, rest2, small, shrink);
          values.write(at, s.a, 0, n);
          means.write(at, s.c, 0, n);
          squares.write(at, s.d, 0, n);
        });
  }

  /** largest[0] ← max(largest[0], max |x|); NaN stays. */
  private void raise(Buffer x, Buffer largest) {
    double before = in(largest).get(0);
    maxAbs(x, largest);
    double now = in(largest).get(0);
    out(largest).set(0, Double.isNaN(before) || before > now ? before : now);
  }

  private static void adamRow(
      float[] p,
      float[] g,
      float[] m,
      float[] v,
      int n,
      float rate,
      float b1,
      float b2,
      float rest1,
      float rest2,
      float epsilon,
      float decay) {
    for (int j = 0; j < n; j++) {
      float gj = g[j] + decay * p[j];
      float mj = b1 * m[j] + rest1 * gj;
      float vj = b2 * v[j] + rest2 * gj * gj;
      m[j] = mj;
      v[j] = vj;
      p[j] -= rate * mj / ((float) Math.sqrt(vj) + epsilon);
    }
  }

  @Override
  public final void launch(Kernel kernel, int n, Object... arguments) {
    for (Object argument : arguments) {
      if (argument instanceof Buffer b) {
        b.written(); // the kernel does not say which arguments it writes
      }
    }
    Kernel.Arguments unwrapped = new Launched(arguments);
    int parts = n <= LAUNCH_PART ? 1 : Math.min(4 * threads(), (n + LAUNCH_PART - 1) / LAUNCH_PART);
    workers.run(
        n == 0 ? 0 : parts,
        (part, worker) ->
            kernel
                .java()
                .run(
                    unwrapped,
                    (int) ((long) n * part / parts),
                    (int) ((long) n * (part + 1) / parts)));
  }

  private record Launched(Object... values) implements Kernel.Arguments {
    @Override
    public HostArray array(int i) {
      return (HostBuffer) values[i];
    }

    @Override
    public int integer(int i) {
      return (Integer) values[i];
    }

    @Override
    public float number(int i) {
      return (Float) values[i];
    }
  }

  /** Ends the worker threads; a subclass frees its memory and calls this. */
  @Override
  public void close() {
    workers.close();
  }
}
