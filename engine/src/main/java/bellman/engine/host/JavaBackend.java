package bellman.engine.host;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * Portable Java on the heap, for machines on which no native library loads. Products and
 * convolutions are row products (see RowProduct): the long axis becomes the row, and the operands
 * are laid out for it piece by piece.
 */
public final class JavaBackend extends HostBackend {
  private static final int WIDTH = RowProduct.WIDTH;
  private static final int DEPTH = RowProduct.DEPTH;
  private static final int HEIGHT = RowProduct.HEIGHT;

  /** Pieces into which the filter gradient's sum over pixels is cut: partial sums that add up. */
  private static final int PIECES = 8;

  /** With no more rows than this, laying out op(B) costs more than it saves. */
  private static final int FEW = 4;

  private final RowProduct[] products;
  private float[] padded = new float[0]; // x with its border of zeros
  private float[] partial = new float[0];

  /** A backend on {@code threads} cores. */
  public JavaBackend(int threads) {
    super(threads, true);
    products = new RowProduct[threads];
    for (int i = 0; i < threads; i++) {
      products[i] = new RowProduct();
    }
  }

  @Override
  public String name() {
    return "Java " + Runtime.version().feature() + ", threads: " + threads();
  }

  @Override
  protected HostBuffer allocateHost(DType dtype, long count) {
    return new HeapBuffer(dtype, count);
  }

  /** What the heap can still grow to. */
  @Override
  public OptionalLong freeBytes() {
    Runtime java = Runtime.getRuntime();
    return OptionalLong.of(java.maxMemory() - java.totalMemory() + java.freeMemory());
  }

  @Override
  public void release(Buffer buffer) {}

  // ── matrix product ────────────────────────────────────────────────────────────────────────────

  @Override
  protected void product(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      HostBuffer a,
      HostBuffer b,
      HostBuffer c) {
    HeapBuffer ha = (HeapBuffer) a;
    HeapBuffer hb = (HeapBuffer) b;
    HeapBuffer hc = (HeapBuffer) c;
    // place of element [i, l] of op(A): start + i·aI + l·aL, and so on
    int aI = transposeA ? 1 : k;
    int aL = transposeA ? m : 1;
    int bL = transposeB ? 1 : n;
    int bJ = transposeB ? k : 1;
    if (m <= FEW && !transposeA && transposeB) {
      dots(m, n, k, ha, hb, hc);
    } else if (n < 64 && m > n) { // Cᵀ = op(B)ᵀ op(A)ᵀ has the longer rows
      product(n, m, k, hb.floats(), hb.start(), bJ, bL, ha.floats(), ha.start(), aL, aI, hc, 1, n);
    } else {
      product(m, n, k, ha.floats(), ha.start(), aI, aL, hb.floats(), hb.start(), bL, bJ, hc, n, 1);
    }
  }

  /** C[i, j] = Σ_l A[i, l] B[j, l], both running on along l. */
  private void dots(int m, int n, int k, HeapBuffer a, HeapBuffer b, HeapBuffer c) {
    int each = Math.max(1, (1 << 16) / k);
    workers()
        .run(
            (n + each - 1) / each,
            (part, worker) -> {
              for (int j = part * each; j < Math.min(n, (part + 1) * each); j++) {
                for (int i = 0; i < m; i++) {
                  c.floats()[c.start() + i * n + j] =
                      dot(a.floats(), a.start() + i * k, b.floats(), b.start() + j * k, k);
                }
              }
            });
  }

  /** Eight sums side by side: one alone would wait for each addition. */
  private static float dot(float[] a, int at, float[] b, int bt, int k) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int l = 0;
    for (; l + 8 <= k; l += 8) {
      s0 += a[at + l] * b[bt + l];
      s1 += a[at + l + 1] * b[bt + l + 1];
      s2 += a[at + l + 2] * b[bt + l + 2];
      s3 += a[at + l + 3] * b[bt + l + 3];
      s4 += a[at + l + 4] * b[bt + l + 4];
      s5 += a[at + l + 5] * b[bt + l + 5];
      s6 += a[at + l + 6] * b[bt + l + 6];
      s7 += a[at + l + 7] * b[bt + l + 7];
    }
    for (; l < k; l++) {
      s0 += a[at + l] * b[bt + l];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  private void product(
      int m,
      int n,
      int k,
      float[] a,
      int aAt,
      int aI,
      int aL,
      float[] b,
      int bAt,
      int bL,
      int bJ,
      HeapBuffer c,
      int cI,
      int cJ) {
    int width = Math.min(WIDTH, n <= 1024 ? WIDTH / 2 : WIDTH); // enough strips to share out
    int strips = (n + width - 1) / width;
    int bands = (m + HEIGHT - 1) / HEIGHT;
    float[] to = c.floats();
    workers()
        .run(
            strips * bands,
            (part, worker) -> {
              RowProduct p = products[worker];
              int j0 = part % strips * width;
              int i0 = part / strips * HEIGHT;
              int columns = Math.min(width, n - j0);
              int rows = Math.min(HEIGHT, m - i0);
              p.clear(rows, columns);
              for (int l0 = 0; l0 < k; l0 += DEPTH) {
                int depth = Math.min(DEPTH, k - l0);
                gather(b, bAt + l0 * bL + j0 * bJ, bL, bJ, p.b, depth, columns);
                p.add(rows, columns, depth, a, aAt + i0 * aI + l0 * aL, aI, aL);
              }
              for (int i = 0; i < rows; i++) {
                int at = c.start() + (i0 + i) * cI + j0 * cJ;
                if (cJ == 1) {
                  System.arraycopy(p.c[i], 0, to, at, columns);
                } else {
                  for (int j = 0; j < columns; j++) {
                    to[at + j * cJ] = p.c[i][j];
                  }
                }
              }
            });
  }

  /** to[l][j] ← b[at + l·bL + j·bJ]. */
  private static void gather(
      float[] b, int at, int bL, int bJ, float[][] to, int depth, int columns) {
    if (bJ == 1) {
      for (int l = 0; l < depth; l++) {
        System.arraycopy(b, at + l * bL, to[l], 0, columns);
      }
      return;
    }
    int j = 0;
    for (; j + 8 <= columns; j += 8) { // b runs on along l: eight runs at a time
      int from = at + j * bJ;
      for (int l = 0; l < depth; l++) {
        float[] row = to[l];
        int f = from + l * bL;
        row[j] = b[f];
        row[j + 1] = b[f + bJ];
        row[j + 2] = b[f + 2 * bJ];
        row[j + 3] = b[f + 3 * bJ];
        row[j + 4] = b[f + 4 * bJ];
        row[j + 5] = b[f + 5 * bJ];
        row[j + 6] = b[f + 6 * bJ];
        row[j + 7] = b[f + 7 * bJ];
      }
    }
    for (; j < columns; j++) {
      for (int l = 0; l < depth; l++) {
        to[l][j] = b[at + j * bJ + l * bL];
      }
    }
  }

  // ── convolution ───────────────────────────────────────────────────────────────────────────────

  /** x, or a copy with a border of zeros, and the sizes to read it with. */
  private record Field(float[] x, int start, int h, int w) {}

  private Field field(ConvGeometry g, HeapBuffer x) {
    if (g.padH() == 0 && g.padW() == 0) {
      return new Field(x.floats(), x.start(), g.h(), g.w());
    }
    int h = g.h() + 2 * g.padH();
    int w = g.w() + 2 * g.padW();
    int size = Math.toIntExact((long) g.n() * h * w * g.c());
    if (padded.length < size) {
      padded = new float[size];
    } else {
      Arrays.fill(padded, 0, size, 0f);
    }
    int row = g.w() * g.c();
    for (int i = 0; i < g.n() * g.h(); i++) {
      int to = ((i / g.h() * h + i % g.h() + g.padH()) * w + g.padW()) * g.c();
      System.arraycopy(x.floats(), x.start() + i * row, padded, to, row);
    }
    return new Field(padded, 0, h, w);
  }

  /** Where output pixel {@code p}, counted over all images, begins to read its field. */
  private static int base(ConvGeometry g, Field f, int p) {
    int q = p % g.ow();
    int row = p / g.ow();
    int oh = row % g.oh();
    int n = row / g.oh();
    return f.start + ((n * f.h + oh * g.strideH()) * f.w + q * g.strideW()) * g.c();
  }

  /**
   * A row is one output channel over WIDTH pixels: yᵀ[k, p] = Σ_l w[k, l] x[p, l], where l = (r, s,
   * c).
   */
  @Override
  protected void convolve(
      ConvGeometry g, HostBuffer x, HostBuffer w, HostBuffer bias, HostBuffer y) {
    Field f = field(g, (HeapBuffer) x);
    HeapBuffer filter = (HeapBuffer) w;
    HeapBuffer out = (HeapBuffer) y;
    float[] shift = new float[g.k()];
    if (bias != null) {
      bias.read(0, shift, 0, g.k());
    }
    int pixels = g.n() * g.oh() * g.ow();
    int width = pixels <= 8 * WIDTH ? WIDTH / 2 : WIDTH;
    int strips = (pixels + width - 1) / width;
    int bands = (g.k() + HEIGHT - 1) / HEIGHT;
    int length = g.r() * g.s() * g.c();
    int run = g.s() * g.c(); // what lies side by side in x
    workers()
        .run(
            strips * bands,
            (part, worker) -> {
              RowProduct p = products[worker];
              int first = part % strips * width;
              int k0 = part / strips * HEIGHT;
              int columns = Math.min(width, pixels - first);
              int rows = Math.min(HEIGHT, g.k() - k0);
              int[] bases = new int[columns];
              for (int j = 0; j < columns; j++) {
                bases[j] = base(g, f, first + j);
              }
              p.clear(rows, columns);
              for (int l0 = 0; l0 < length; l0 += DEPTH) {
                int depth = Math.min(DEPTH, length - l0);
                for (int l = 0; l < depth; l++) {
                  int offset = (l0 + l) / run * f.w * g.c() + (l0 + l) % run;
                  fetch(f.x, bases, offset, p.b[l], columns);
                }
                p.add(
                    rows,
                    columns,
                    depth,
                    filter.floats(),
                    filter.start() + k0 * length + l0,
                    length,
                    1);
              }
              float[] to = out.floats();
              for (int i = 0; i < rows; i++) {
                float[] row = p.c[i];
                float b = shift[k0 + i];
                int at = out.start() + first * g.k() + k0 + i;
                for (int j = 0; j < columns; j++) {
                  to[at + j * g.k()] = row[j] + b;
                }
              }
            });
  }

  private static void fetch(float[] x, int[] bases, int offset, float[] to, int n) {
    for (int j = 0; j < n; j++) {
      to[j] = x[bases[j] + offset];
    }
  }

  /**
   * A row is a pixel's field: field[p, l] = Σ_k dy[p, k] w[k, l], which is then added to dx where
   * the field lies. Images are independent.
   */
  @Override
  protected void dataGradient(ConvGeometry g, HostBuffer w, HostBuffer dy, HostBuffer dx) {
    HeapBuffer filter = (HeapBuffer) w;
    HeapBuffer up = (HeapBuffer) dy;
    HeapBuffer out = (HeapBuffer) dx;
    boolean bordered = g.padH() > 0 || g.padW() > 0;
    int h = g.h() + 2 * g.padH();
    int wide = g.w() + 2 * g.padW();
    int image = Math.toIntExact((long) h * wide * g.c());
    if (bordered && padded.length < (long) g.n() * image) {
      padded = new float[Math.multiplyExact(g.n(), image)];
    }
    float[] to = bordered ? padded : out.floats();
    Field f = new Field(to, bordered ? 0 : out.start(), h, wide);
    int length = g.r() * g.s() * g.c();
    int pixels = g.oh() * g.ow();
    workers()
        .run(
            g.n(),
            (n, worker) -> {
              RowProduct p = products[worker];
              Arrays.fill(to, f.start + n * image, f.start + (n + 1) * image, 0f);
              for (int l0 = 0; l0 < length; l0 += WIDTH) {
                int columns = Math.min(WIDTH, length - l0);
                for (int first = 0; first < pixels; first += HEIGHT) {
                  int rows = Math.min(HEIGHT, pixels - first);
                  p.clear(rows, columns);
                  for (int k0 = 0; k0 < g.k(); k0 += DEPTH) {
                    int depth = Math.min(DEPTH, g.k() - k0);
                    gather(
                        filter.floats(),
                        filter.start() + k0 * length + l0,
                        length,
                        1,
                        p.b,
                        depth,
                        columns);
                    int at = up.start() + (n * pixels + first) * g.k() + k0;
                    p.add(rows, columns, depth, up.floats(), at, g.k(), 1);
                  }
                  for (int i = 0; i < rows; i++) {
                    scatter(g, f, n * pixels + first + i, l0, p.c[i], columns);
                  }
                }
              }
              if (bordered) {
                for (int i = 0; i < g.h(); i++) {
                  int from = n * image + ((i + g.padH()) * wide + g.padW()) * g.c();
                  int row = g.w() * g.c();
                  System.arraycopy(
                      to, from, out.floats(), out.start() + (n * g.h() + i) * row, row);
                }
              }
            });
  }

  /** Adds columns {@code l0 …} of pixel {@code p}'s field to where they lie. */
  private static void scatter(ConvGeometry g, Field f, int p, int l0, float[] row, int columns) {
    int base = base(g, f, p);
    int run = g.s() * g.c();
    for (int j = 0; j < columns; ) {
      int r = (l0 + j) / run;
      int inside = (l0 + j) % run;
      int n = Math.min(run - inside, columns - j);
      int to = base + r * f.w * g.c() + inside;
      for (int i = 0; i < n; i++) {
        f.x[to + i] += row[j + i];
      }
      j += n;
    }
  }

  /**
   * A row is a strip of the filter: dw[k, l] = Σ_p dy[p, k] x[p, l]. The sum over pixels is cut
   * into PIECES that are added in order.
   */
  @Override
  protected void filterGradient(ConvGeometry g, HostBuffer x, HostBuffer dy, HostBuffer dw) {
    Field f = field(g, (HeapBuffer) x);
    HeapBuffer up = (HeapBuffer) dy;
    HeapBuffer out = (HeapBuffer) dw;
    int length = g.r() * g.s() * g.c();
    int pixels = g.n() * g.oh() * g.ow();
    int size = g.k() * length;
    int pieces = Math.min(PIECES, (pixels + DEPTH - 1) / DEPTH);
    int each = (pixels + pieces - 1) / pieces;
    int strips = (length + WIDTH - 1) / WIDTH;
    int bands = (g.k() + HEIGHT - 1) / HEIGHT;
    if (partial.length < pieces * size) {
      partial = new float[Math.multiplyExact(pieces, size)];
    }
    int run = g.s() * g.c();
    workers()
        .run(
            pieces * strips * bands,
            (part, worker) -> {
              RowProduct p = products[worker];
              int piece = part % pieces;
              int l0 = part / pieces % strips * WIDTH;
              int k0 = part / pieces / strips * HEIGHT;
              int columns = Math.min(WIDTH, length - l0);
              int rows = Math.min(HEIGHT, g.k() - k0);
              int end = Math.min(pixels, (piece + 1) * each);
              p.clear(rows, columns);
              for (int first = piece * each; first < end; first += DEPTH) {
                int depth = Math.min(DEPTH, end - first);
                for (int i = 0; i < depth; i++) {
                  int base = base(g, f, first + i);
                  for (int j = 0; j < columns; ) {
                    int inside = (l0 + j) % run;
                    int n = Math.min(run - inside, columns - j);
                    int from = base + (l0 + j) / run * f.w * g.c() + inside;
                    System.arraycopy(f.x, from, p.b[i], j, n);
                    j += n;
                  }
                }
                p.add(rows, columns, depth, up.floats(), up.start() + first * g.k() + k0, 1, g.k());
              }
              for (int i = 0; i < rows; i++) {
                System.arraycopy(
                    p.c[i], 0, partial, piece * size + (k0 + i) * length + l0, columns);
              }
            });
    float[] to = out.floats();
    for (int i = 0; i < size; i++) {
      float sum = 0;
      for (int piece = 0; piece < pieces; piece++) {
        sum += partial[piece * size + i];
      }
      to[out.start() + i] = sum;
    }
  }
}
