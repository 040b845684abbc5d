package bellman.engine.host;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.HostArray;

/**
 * Memory that Java code reads and writes in blocks, on the heap or native: a kernel copies a block
 * into an array of its own, computes there, and copies the result back. Blocks are small enough to
 * stay in the first cache, so that the copies cost little, and arrays of its own are what HotSpot
 * can vectorise.
 *
 * <p>Float methods need a buffer of type float32, int methods int32, byte methods uint8.
 */
public abstract class HostBuffer extends Buffer implements HostArray {
  protected HostBuffer(DType dtype, long count) {
    super(dtype, count);
  }

  protected HostBuffer(HostBuffer whole, long count) {
    super(whole, count);
  }

  /** Copies {@code source[at…]} to the {@code n} bytes from {@code to} on. */
  public abstract void write(long to, byte[] source, int at, int n);

  /** Copies {@code n} ints from {@code from} on to {@code to[at…]}. */
  public abstract void read(long from, int[] to, int at, int n);

  /** Copies {@code source[at…]} to the {@code n} ints from {@code to} on. */
  public abstract void write(long to, int[] source, int at, int n);

  /** Copies the bit patterns of {@code n} float32 elements from {@code from} on to {@code to}. */
  public abstract void readBits(long from, int[] to, int n);

  /** Copies {@code n} bit patterns to the float32 elements from {@code to} on. */
  public abstract void writeBits(long to, int[] source, int n);

  /** Copies {@code n} elements of a buffer of the same kind and type. */
  public abstract void copy(long to, HostBuffer from, long at, int n);
}
