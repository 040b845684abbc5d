package bellman.engine.host;

import java.util.Arrays;

/**
 * The one loop behind JavaBackend's products and convolutions: rows of C gather multiples of rows
 * of B. Every row is an array of its own, every index is j alone and four rows are added per pass,
 * since that is the form in which HotSpot uses vector instructions and keeps them busy: the same
 * loop over one large array runs at a fifth of the speed.
 */
final class RowProduct {
  /** Floats of a row: long enough for the loop's start and end to weigh little. */
  static final int WIDTH = 256;

  /** Rows of B held at once: with WIDTH, a panel that fits a first-level cache. */
  static final int DEPTH = 32;

  /** Rows of C held at once. */
  static final int HEIGHT = 64;

  final float[][] b = new float[DEPTH][WIDTH];
  final float[][] c = new float[HEIGHT][WIDTH];

  void clear(int m, int n) {
    for (int i = 0; i < m; i++) {
      Arrays.fill(c[i], 0, n, 0f);
    }
  }

  /**
   * c[i] ← c[i] + Σ_l a[at + i·strideI + l·strideL] · b[l] for i &lt; m, l &lt; k, in n columns.
   */
  void add(int m, int n, int k, float[] a, int at, int strideI, int strideL) {
    int fours = k & ~3;
    for (int i = 0; i < m; i++) {
      float[] row = c[i];
      int ai = at + i * strideI;
      for (int l = 0; l < fours; l += 4) {
        int al = ai + l * strideL;
        add4(
            row,
            a[al],
            b[l],
            a[al + strideL],
            b[l + 1],
            a[al + 2 * strideL],
            b[l + 2],
            a[al + 3 * strideL],
            b[l + 3],
            n);
      }
      for (int l = fours; l < k; l++) {
        add1(row, a[ai + l * strideL], b[l], n);
      }
    }
  }

  private static void add4(
      float[] c,
      float a0,
      float[] b0,
      float a1,
      float[] b1,
      float a2,
      float[] b2,
      float a3,
      float[] b3,
      int n) {
    for (int j = 0; j < n; j++) {
      c[j] += a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j];
    }
  }

  private static void add1(float[] c, float a, float[] b, int n) {
    for (int j = 0; j < n; j++) {
      c[j] += a * b[j];
    }
  }
}
