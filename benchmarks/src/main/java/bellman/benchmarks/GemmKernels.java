package bellman.benchmarks;

import bellman.engine.backend.Kernel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The first rungs of the ladder: C[m, n] ← A[m, k] · B[k, n] by loops of our own, the same idea on
 * the CPU and on a GPU ({@code gemm.cu}). Arguments: a, b, c, m, n, k.
 */
final class GemmKernels {
  /** One item for each element of C: a row of A times a column of B. */
  static final Kernel NAIVE = new Kernel("gemm_naive", source(), GemmKernels::naive);

  /**
   * One item for each patch of 4 × 4 elements: 8 numbers are read for 16 products instead of 2 for
   * one. 16 × 16 patches are a tile; its rows and columns stay in the first cache, or in memory
   * that a block's threads share.
   */
  static final Kernel TILED = new Kernel("gemm_tiled", source(), GemmKernels::tiled);

  static final int PATCH = 4;
  static final int TILE = 64;

  private static final int ACROSS = TILE / PATCH;
  private static final int DEPTH = 128; // of a tile's operands: 2 × 32 KB

  private GemmKernels() {}

  /** Items of {@link #TILED}: all patches of all tiles, those over C's edge too. */
  static int patches(int m, int n) {
    int tiles = ((m + TILE - 1) / TILE) * ((n + TILE - 1) / TILE);
    return tiles * ACROSS * ACROSS;
  }

  private static String source() {
    try (InputStream resource = GemmKernels.class.getResourceAsStream("gemm.cu")) {
      if (resource == null) {
        throw new IllegalStateException("gemm.cu is missing beside the classes");
      }
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("gemm.cu cannot be read: " + e, e);
    }
  }

  private static void naive(Kernel.Arguments arguments, int from, int to) {
    int n = arguments.integer(4);
    int k = arguments.integer(5);
    int first = from / n;
    float[] a = new float[((to - 1) / n + 1 - first) * k]; // the rows of this range
    arguments.array(0).read((long) first * k, a, 0, a.length);
    float[] b = new float[k * n];
    arguments.array(1).read(0, b, 0, b.length);
    float[] c = new float[to - from];
    for (int i = from; i < to; i++) {
      int row = i / n - first;
      int column = i % n;
      float sum = 0;
      for (int l = 0; l < k; l++) {
        sum += a[row * k + l] * b[l * n + column];
      }
      c[i - from] = sum;
    }
    arguments.array(2).write(from, c, 0, c.length);
  }

  private static void tiled(Kernel.Arguments arguments, int from, int to) {
    int m = arguments.integer(3);
    int n = arguments.integer(4);
    int k = arguments.integer(5);
    int perTile = ACROSS * ACROSS;
    int tilesAcross = (n + TILE - 1) / TILE;
    float[] left = new float[DEPTH * TILE]; // [l, row]
    float[] right = new float[DEPTH * TILE]; // [l, column]
    float[] sums = new float[TILE * TILE];
    float[] line = new float[Math.max(DEPTH, TILE)];
    for (int item = from; item < to; ) {
      int tile = item / perTile;
      int end = Math.min(to, (tile + 1) * perTile); // a range may begin or end within a tile
      int row0 = tile / tilesAcross * TILE;
      int column0 = tile % tilesAcross * TILE;
      int rows = Math.min(TILE, m - row0);
      int columns = Math.min(TILE, n - column0);
      Arrays.fill(sums, 0);
      for (int l0 = 0; l0 < k; l0 += DEPTH) {
        int depth = Math.min(DEPTH, k - l0);
        for (int r = 0; r < rows; r++) {
          arguments.array(0).read((long) (row0 + r) * k + l0, line, 0, depth);
          for (int l = 0; l < depth; l++) {
            left[l * TILE + r] = line[l];
          }
        }
        for (int l = 0; l < depth; l++) {
          arguments.array(1).read((long) (l0 + l) * n + column0, right, l * TILE, columns);
        }
        for (int i = item; i < end; i++) {
          int patch = i % perTile;
          patch(left, right, depth, patch / ACROSS * PATCH, patch % ACROSS * PATCH, sums);
        }
      }
      for (int i = item; i < end; i++) {
        int row = i % perTile / ACROSS * PATCH;
        int column = i % perTile % ACROSS * PATCH;
        int width = Math.min(PATCH, columns - column);
        for (int r = row; r < Math.min(row + PATCH, rows) && width > 0; r++) {
          long at = (long) (row0 + r) * n + column0 + column;
          arguments.array(2).write(at, sums, r * TILE + column, width);
        }
      }
      item = end;
    }
  }

  /** Sixteen sums that stay in registers. */
  private static void patch(
      float[] left, float[] right, int depth, int row, int column, float[] sums) {
    float s00 = 0, s01 = 0, s02 = 0, s03 = 0;
    float s10 = 0, s11 = 0, s12 = 0, s13 = 0;
    float s20 = 0, s21 = 0, s22 = 0, s23 = 0;
    float s30 = 0, s31 = 0, s32 = 0, s33 = 0;
    for (int l = 0; l < depth; l++) {
      int i = l * TILE + row;
      int j = l * TILE + column;
      float a0 = left[i], a1 = left[i + 1], a2 = left[i + 2], a3 = left[i + 3];
      float b0 = right[j], b1 = right[j + 1], b2 = right[j + 2], b3 = right[j + 3];
      s00 += a0 * b0;
      s01 += a0 * b1;
      s02 += a0 * b2;
      s03 += a0 * b3;
      s10 += a1 * b0;
      s11 += a1 * b1;
      s12 += a1 * b2;
      s13 += a1 * b3;
      s20 += a2 * b0;
      s21 += a2 * b1;
      s22 += a2 * b2;
      s23 += a2 * b3;
      s30 += a3 * b0;
      s31 += a3 * b1;
      s32 += a3 * b2;
      s33 += a3 * b3;
    }
    int at = row * TILE + column;
    add(sums, at, s00, s01, s02, s03);
    add(sums, at + TILE, s10, s11, s12, s13);
    add(sums, at + 2 * TILE, s20, s21, s22, s23);
    add(sums, at + 3 * TILE, s30, s31, s32, s33);
  }

  private static void add(float[] sums, int at, float s0, float s1, float s2, float s3) {
    sums[at] += s0;
    sums[at + 1] += s1;
    sums[at + 2] += s2;
    sums[at + 3] += s3;
  }
}
