package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;

/**
 * How a parameter's elements are ordered in files, which is PyTorch's order, and in memory, where
 * activations are NHWC. Loading and saving convert; nothing else does.
 *
 * <table>
 * <caption>The four layouts</caption>
 * <tr><td>convolution</td><td>file [out, in, kh, kw]</td><td>memory [out, kh, kw, in]</td></tr>
 * <tr><td>convolution of a folded picture</td><td>file [out, b·c, m·s, m·s]</td>
 * <td>memory [out, m, m, b·s·s·c]</td></tr>
 * <tr><td>linear behind a Flatten</td><td>file [out, c·h·w + more]</td>
 * <td>memory [out, h·w·c + more]</td></tr>
 * <tr><td>all others</td><td colspan="2">the same</td></tr>
 * </table>
 */
public final class Layout {
  private final Shape file;
  private final Shape memory;
  private final int[] dims; // of a row of the file, split where memory reorders inside a dimension
  private final int[] order; // dimension i of memory's row is dims[order[i]]; null: the same

  private Layout(Shape file, Shape memory, int[] dims, int[] order) {
    this.file = file;
    this.memory = memory;
    this.dims = dims;
    this.order = order;
  }

  /** Equal in files and memory. */
  public static Layout same(int... dims) {
    Shape shape = Shape.of(dims);
    return new Layout(shape, shape, null, null);
  }

  /** A filter: file [out, in, kh, kw], memory [out, kh, kw, in]. */
  public static Layout filter(int out, int in, int kh, int kw) {
    return new Layout(
        Shape.of(out, in, kh, kw),
        Shape.of(out, kh, kw, in),
        new int[] {in, kh, kw},
        new int[] {1, 2, 0});
  }

  /**
   * A filter of m·s × m·s pixels for a picture whose s × s neighbours are one pixel: file [out,
   * blocks·channels, m·s, m·s], memory [out, m, m, blocks·s·s·channels].
   *
   * @param blocks parts of the input's channels that were folded each by itself
   * @param channels of a block in the unfolded picture
   * @param kernel m·s
   * @param fold s
   */
  public static Layout foldedFilter(int out, int blocks, int channels, int kernel, int fold) {
    int m = kernel / fold;
    return new Layout(
        Shape.of(out, blocks * channels, kernel, kernel),
        Shape.of(out, m, m, blocks * fold * fold * channels),
        new int[] {blocks, channels, m, fold, m, fold},
        new int[] {2, 4, 0, 3, 5, 1});
  }

  /**
   * The matrix of a linear layer behind a Flatten: its columns are in C,H,W order in files and in
   * H,W,C order in memory; what was joined behind them has no order to change. Both shapes are
   * [out, h·w·c + more].
   *
   * @param image the shape [h, w, c] that was flattened
   * @param more features behind it
   */
  public static Layout columns(int out, Shape image, int more) {
    if (image.rank() != 3) {
      throw new ShapeException("columns: an image [h, w, c] needed, got " + image);
    }
    Shape shape = Shape.of(out, Math.toIntExact(image.size() + more));
    int[] dims = {image.dim(2), image.dim(0), image.dim(1)};
    return new Layout(shape, shape, dims, new int[] {1, 2, 0});
  }

  /** PyTorch's shape. */
  public Shape file() {
    return file;
  }

  /** The tensor's shape. */
  public Shape memory() {
    return memory;
  }

  /** Values in PyTorch's order → values in the tensor's order. */
  public float[] toMemory(float[] values) {
    return reorder(values, false);
  }

  /** Values in the tensor's order → values in PyTorch's order. */
  public float[] toFile(float[] values) {
    return reorder(values, true);
  }

  private float[] reorder(float[] from, boolean toFile) {
    if (from.length != file.size()) {
      throw new ShapeException("layout: " + from.length + " values for shape " + file);
    }
    float[] to = from.clone();
    if (order == null) {
      return to;
    }
    int width = from.length / file.dim(0);
    for (int row = 0; row < from.length; row += width) {
      reorder(from, to, row, toFile);
    }
    return to;
  }

  /** One row; what is behind the product of its dimensions stays. */
  private void reorder(float[] from, float[] to, int row, boolean toFile) {
    int rank = dims.length;
    int[] stride = new int[rank]; // of the file
    int size = 1;
    for (int i = rank - 1; i >= 0; i--) {
      stride[i] = size;
      size *= dims[i];
    }
    int[] at = new int[rank]; // in memory
    int inFile = row;
    for (int inMemory = row; inMemory < row + size; inMemory++) {
      if (toFile) {
        to[inFile] = from[inMemory];
      } else {
        to[inMemory] = from[inFile];
      }
      for (int i = rank - 1; i >= 0; i--) { // the next place, last dimension fastest
        int d = order[i];
        inFile += stride[d];
        if (++at[i] < dims[d]) {
          break;
        }
        inFile -= at[i] * stride[d];
        at[i] = 0;
      }
    }
  }
}
