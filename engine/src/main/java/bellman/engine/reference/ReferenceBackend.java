package bellman.engine.reference;

import bellman.engine.DType;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.engine.backend.Philox;
import bellman.engine.backend.Pointwise;

/**
 * The oracle: every kernel as the plainest loop that states what it does. It computes in double and
 * stores floats, or, in double mode, doubles, so that finite differences hold to 1e-6.
 */
public final class ReferenceBackend implements Backend {
  private final boolean doubles;

  private ReferenceBackend(boolean doubles) {
    this.doubles = doubles;
  }

  /** Stores float32 as every other backend does. */
  public static ReferenceBackend floats() {
    return new ReferenceBackend(false);
  }

  /** Stores double where others store float32: for gradient checks. */
  public static ReferenceBackend doubles() {
    return new ReferenceBackend(true);
  }

  @Override
  public String name() {
    return doubles ? "reference (double)" : "reference";
  }

  /** Every element is a double; float32 rounds on the way in. */
  private static final class Cells extends Buffer implements HostArray {
    private final double[] cells;
    private final int start;
    private final boolean round;

    Cells(DType dtype, long count, boolean round) {
      super(dtype, count);
      this.cells = new double[Math.toIntExact(count)];
      this.start = 0;
      this.round = round;
    }

    private Cells(Cells whole, long from, long count) {
      super(whole, count);
      this.cells = whole.cells;
      this.start = whole.start + (int) from;
      this.round = whole.round;
    }

    @Override
    public Buffer slice(long from, long count) {
      checkSlice(from, count);
      return new Cells(this, from, count);
    }

    double get(int i) {
      return cells[start + i];
    }

    void set(int i, double value) {
      cells[start + i] = round ? (float) value : value;
    }

    @Override
    public double get(long i) {
      return get((int) i);
    }

    @Override
    public void set(long i, double value) {
      set((int) i, value);
    }

    @Override
    public void read(long from, float[] to, int at, int n) {
      for (int i = 0; i < n; i++) {
        to[at + i] = (float) get((int) from + i);
      }
    }

    @Override
    public void write(long to, float[] source, int at, int n) {
      for (int i = 0; i < n; i++) {
        set((int) to + i, source[at + i]);
      }
    }

    @Override
    public void read(long from, byte[] to, int at, int n) {
      for (int i = 0; i < n; i++) {
        to[at + i] = (byte) (int) get((int) from + i);
      }
    }
  }

  private static Cells cells(Buffer b) {
    return (Cells) b;
  }

  private static int size(Buffer b) {
    return Math.toIntExact(b.count());
  }

  @Override
  public Buffer allocate(DType dtype, long count) {
    return new Cells(dtype, count, dtype == DType.FLOAT32 && !doubles);
  }

  @Override
  public void release(Buffer buffer) {}

  @Override
  public void write(Buffer to, long at, float[] from, int start, int n) {
    cells(to).write(at, from, start, n);
  }

  @Override
  public void write(Buffer to, long at, byte[] from, int start, int n) {
    for (int i = 0; i < n; i++) {
      cells(to).set(at + i, from[start + i] & 0xff);
    }
  }

  @Override
  public void write(Buffer to, long at, int[] from, int start, int n) {
    for (int i = 0; i < n; i++) {
      cells(to).set(at + i, from[start + i]);
    }
  }

  @Override
  public void read(Buffer from, long at, float[] to, int start, int n) {
    cells(from).read(at, to, start, n);
  }

  @Override
  public void read(Buffer from, long at, byte[] to, int start, int n) {
    cells(from).read(at, to, start, n);
  }

  @Override
  public void read(Buffer from, long at, int[] to, int start, int n) {
    for (int i = 0; i < n; i++) {
      to[start + i] = (int) cells(from).get(at + i);
    }
  }

  /** Values before rounding to float32: what finite differences need. */
  public double[] readDoubles(Buffer from) {
    double[] values = new double[size(from)];
    for (int i = 0; i < values.length; i++) {
      values[i] = cells(from).get(i);
    }
    return values;
  }

  /** Writes values without rounding, in double mode. */
  public void writeDoubles(Buffer to, double[] values) {
    for (int i = 0; i < values.length; i++) {
      cells(to).set(i, values[i]);
    }
  }

  @Override
  public void fill(Buffer y, double value) {
    for (int i = 0; i < size(y); i++) {
      cells(y).set(i, value);
    }
  }

  @Override
  public void copy(Buffer x, Buffer y) {
    for (int i = 0; i < size(y); i++) {
      cells(y).set(i, cells(x).get(i));
    }
  }

  @Override
  public void map(Pointwise op, float a, float b, Buffer out, Buffer... in) {
    Cells x = cells(in[0]);
    Cells y = op.operands() == 2 ? cells(in[1]) : x;
    for (int i = 0; i < size(out); i++) {
      cells(out).set(i, op.at(x.get(i), y.get(i), a, b));
    }
  }

  @Override
  public void toFloat(Buffer x, float divisor, Buffer y) {
    for (int i = 0; i < size(y); i++) {
      cells(y).set(i, cells(x).get(i) / divisor);
    }
  }

  @Override
  public void maskedFill(Buffer x, Buffer mask, float value, Buffer y) {
    for (int i = 0; i < size(y); i++) {
      cells(y).set(i, cells(mask).get(i) != 0 ? value : cells(x).get(i));
    }
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, int m, int n, int k, Buffer a, Buffer b, Buffer c) {
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int l = 0; l < k; l++) {
          double al = cells(a).get(transposeA ? l * m + i : i * k + l);
          double bl = cells(b).get(transposeB ? j * k + l : l * n + j);
          sum += al * bl;
        }
        cells(c).set(i * n + j, sum);
      }
    }
  }

  @Override
  public void addRow(Buffer x, Buffer row, int rows, int cols, Buffer y) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        cells(y).set(r * cols + c, cells(x).get(r * cols + c) + cells(row).get(c));
      }
    }
  }

  @Override
  public void sumRows(Buffer x, int rows, int cols, Buffer y) {
    for (int c = 0; c < cols; c++) {
      double sum = 0;
      for (int r = 0; r < rows; r++) {
        sum += cells(x).get(r * cols + c);
      }
      cells(y).set(c, sum);
    }
  }

  @Override
  public void sum(Buffer x, Buffer y) {
    double sum = 0;
    for (int i = 0; i < size(x); i++) {
      sum += cells(x).get(i);
    }
    cells(y).set(0, sum);
  }

  @Override
  public void maxAbs(Buffer x, Buffer y) {
    double max = 0;
    for (int i = 0; i < size(x); i++) {
      max = Math.max(max, Math.abs(cells(x).get(i)));
    }
    cells(y).set(0, max);
  }

  @Override
  public void spread(Buffer x, Buffer y) {
    fill(y, cells(x).get(0));
  }

  @Override
  public void rowArgmax(Buffer x, int rows, int cols, Buffer y) {
    for (int r = 0; r < rows; r++) {
      int best = 0;
      for (int c = 1; c < cols; c++) {
        double value = cells(x).get(r * cols + c);
        double top = cells(x).get(r * cols + best);
        if (value > top || (value != value && top == top)) {
          best = c;
        }
      }
      cells(y).set(r, best);
    }
  }

  @Override
  public void pick(Buffer x, int rows, int cols, Buffer index, Buffer y) {
    for (int r = 0; r < rows; r++) {
      int c = (int) cells(index).get(r);
      cells(y).set(r, c >= 0 && c < cols ? cells(x).get(r * cols + c) : Double.NaN);
    }
  }

  @Override
  public void place(Buffer x, int rows, int cols, Buffer index, Buffer y) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        cells(y).set(r * cols + c, c == (int) cells(index).get(r) ? cells(x).get(r) : 0);
      }
    }
  }

  @Override
  public void oneHot(Buffer index, int rows, int cols, Buffer y) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        cells(y).set(r * cols + c, c == (int) cells(index).get(r) ? 1 : 0);
      }
    }
  }

  @Override
  public void copyColumns(
      Buffer x, int rows, int xCols, int xAt, Buffer y, int yCols, int yAt, int n) {
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < n; j++) {
        cells(y).set(r * yCols + yAt + j, cells(x).get(r * xCols + xAt + j));
      }
    }
  }

  @Override
  public void permute(Buffer x, int[] dims, int[] order, Buffer y) {
    int rank = dims.length;
    int[] stride = new int[rank];
    for (int i = rank - 1, s = 1; i >= 0; s *= dims[i--]) {
      stride[i] = s;
    }
    for (int i = 0; i < size(y); i++) {
      int rest = i;
      int from = 0;
      for (int d = rank - 1; d >= 0; d--) {
        int size = dims[order[d]];
        from += rest % size * stride[order[d]];
        rest /= size;
      }
      cells(y).set(i, cells(x).get(from));
    }
  }

  /** Visits every multiplication of a convolution: places in x, w and y. */
  private interface Term {
    void at(int x, int w, int y);
  }

  private static void terms(ConvGeometry g, Term term) {
    for (int n = 0; n < g.n(); n++) {
      for (int p = 0; p < g.oh(); p++) {
        for (int q = 0; q < g.ow(); q++) {
          for (int k = 0; k < g.k(); k++) {
            int y = ((n * g.oh() + p) * g.ow() + q) * g.k() + k;
            for (int r = 0; r < g.r(); r++) {
              int h = p * g.strideH() - g.padH() + r;
              if (h < 0 || h >= g.h()) {
                continue;
              }
              for (int s = 0; s < g.s(); s++) {
                int w = q * g.strideW() - g.padW() + s;
                if (w < 0 || w >= g.w()) {
                  continue;
                }
                for (int c = 0; c < g.c(); c++) {
                  term.at(
                      ((n * g.h() + h) * g.w() + w) * g.c() + c,
                      ((k * g.r() + r) * g.s() + s) * g.c() + c,
                      y);
                }
              }
            }
          }
        }
      }
    }
  }

  @Override
  public void conv2d(ConvGeometry g, Buffer x, Buffer w, Buffer bias, Buffer y) {
    double[] sums = new double[size(y)];
    for (int i = 0; bias != null && i < sums.length; i++) {
      sums[i] = cells(bias).get(i % g.k());
    }
    Cells xs = cells(x);
    Cells ws = cells(w);
    terms(g, (ix, iw, iy) -> sums[iy] += xs.get(ix) * ws.get(iw));
    store(sums, y);
  }

  @Override
  public void conv2dDataGradient(ConvGeometry g, Buffer w, Buffer dy, Buffer dx) {
    double[] sums = new double[size(dx)];
    Cells ws = cells(w);
    Cells dys = cells(dy);
    terms(g, (ix, iw, iy) -> sums[ix] += ws.get(iw) * dys.get(iy));
    store(sums, dx);
  }

  @Override
  public void conv2dFilterGradient(ConvGeometry g, Buffer x, Buffer dy, Buffer dw) {
    double[] sums = new double[size(dw)];
    Cells xs = cells(x);
    Cells dys = cells(dy);
    terms(g, (ix, iw, iy) -> sums[iw] += xs.get(ix) * dys.get(iy));
    store(sums, dw);
  }

  private static void store(double[] sums, Buffer y) {
    for (int i = 0; i < sums.length; i++) {
      cells(y).set(i, sums[i]);
    }
  }

  @Override
  public void randomIntegers(Philox.Key key, Buffer step, int draw, Buffer bound, Buffer y) {
    int s = (int) cells(step).get(0);
    int n = (int) cells(bound).get(0);
    for (int i = 0; i < size(y); i++) {
      cells(y).set(i, Philox.integer(key, s, i, draw, n));
    }
  }

  @Override
  public void randomUniform(Philox.Key key, Buffer step, int draw, Buffer y) {
    int s = (int) cells(step).get(0);
    for (int i = 0; i < size(y); i++) {
      cells(y).set(i, Philox.uniform(key, s, i, draw));
    }
  }

  @Override
  public void increment(Buffer counter, int amount) {
    cells(counter).set(0, (int) cells(counter).get(0) + amount);
  }

  @Override
  public void adam(
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
    for (int i = 0; largest != null && i < size(g); i++) {
      cells(largest).set(0, Math.max(cells(largest).get(0), Math.abs(cells(g).get(i))));
    }
    double step = cells(t).get(0) + 1;
    if (last) {
      increment(t, 1);
    }
    double warm = step < warmup ? step / warmup : 1;
    double rate = cells(lr).get(0) * warm / (1 - Math.pow(beta1, step));
    double root = Math.sqrt(1 - Math.pow(beta2, step));
    for (int i = 0; i < size(p); i++) {
      double gi = cells(g).get(i) + decay * cells(p).get(i);
      double mi = beta1 * cells(m).get(i) + (1 - beta1) * gi;
      double vi = beta2 * cells(v).get(i) + (1 - beta2) * gi * gi;
      cells(m).set(i, mi);
      cells(v).set(i, vi);
      cells(p).set(i, cells(p).get(i) - rate * mi / (Math.sqrt(vi) / root + epsilon));
    }
  }

  @Override
  public void launch(Kernel kernel, int n, Object... arguments) {
    kernel
        .java()
        .run(
            new Kernel.Arguments() {
              @Override
              public HostArray array(int i) {
                return cells((Buffer) arguments[i]);
              }

              @Override
              public int integer(int i) {
                return (Integer) arguments[i];
              }

              @Override
              public float number(int i) {
                return (Float) arguments[i];
              }
            },
            0,
            n);
  }

  @Override
  public void close() {}
}
