package bellman.engine.backend;

import bellman.engine.DType;

/**
 * Memory of one backend, opaque to everything else. A slice shares memory and version with its
 * whole.
 */
public abstract class Buffer {
  private final DType dtype;
  private final long count;
  private final long[] version; // shared by all slices of one allocation

  protected Buffer(DType dtype, long count) {
    this(dtype, count, new long[1]);
  }

  private Buffer(DType dtype, long count, long[] version) {
    this.dtype = dtype;
    this.count = count;
    this.version = version;
  }

  /** A slice of {@code whole}: {@code count} elements of the same memory. */
  protected Buffer(Buffer whole, long count) {
    this(whole.dtype, count, whole.version);
  }

  public final DType dtype() {
    return dtype;
  }

  /** Number of elements. */
  public final long count() {
    return count;
  }

  public final long bytes() {
    return count * dtype.bytes();
  }

  /** Raised by every write in place: the key of private packed copies. */
  public final long version() {
    return version[0];
  }

  public final void written() {
    version[0]++;
  }

  /** Elements {@code from … from + count − 1}, sharing this memory. */
  public abstract Buffer slice(long from, long count);

  protected final void checkSlice(long from, long count) {
    if (from < 0 || count < 0 || from + count > this.count) {
      throw new IndexOutOfBoundsException(
          "slice [" + from + ", " + (from + count) + ") of a buffer of " + this.count);
    }
  }
}
