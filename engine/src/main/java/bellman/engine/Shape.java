package bellman.engine;

import java.util.Arrays;

/** The sizes of a tensor's dimensions, outermost first. Rank 0 is a scalar with one element. */
public final class Shape {
  private final int[] dims;
  private final long size;

  private Shape(int[] dims) {
    long product = 1;
    for (int d : dims) {
      if (d < 0) {
        throw new ShapeException("shape: sizes are 0 or more, got " + Arrays.toString(dims));
      }
      product = Math.multiplyExact(product, (long) d);
    }
    this.dims = dims;
    this.size = product;
  }

  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  /** Shape [], one element. */
  public static Shape scalar() {
    return new Shape(new int[0]);
  }

  public int rank() {
    return dims.length;
  }

  /** Size of dimension {@code i}; negative {@code i} counts from the last. */
  public int dim(int i) {
    return dims[i < 0 ? dims.length + i : i];
  }

  public int[] dims() {
    return dims.clone();
  }

  /** Number of elements. */
  public long size() {
    return size;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape s && Arrays.equals(dims, s.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** As PyTorch prints it: {@code [32, 64, 84, 6]}. */
  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
