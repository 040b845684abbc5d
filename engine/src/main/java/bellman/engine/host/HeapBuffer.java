package bellman.engine.host;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;

/** A Java array, or a part of one. */
final class HeapBuffer extends HostBuffer {
  private final float[] floats;
  private final int[] ints;
  private final byte[] bytes;
  private final int start;

  HeapBuffer(DType dtype, long count) {
    super(dtype, count);
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "allocate: "
              + count
              + " elements do not fit a Java array (at most 2147483639); open the device onednn or"
              + " split the tensor");
    }
    int n = (int) count;
    floats = dtype == DType.FLOAT32 ? new float[n] : null;
    ints = dtype == DType.INT32 ? new int[n] : null;
    bytes = dtype == DType.UINT8 ? new byte[n] : null;
    start = 0;
  }

  private HeapBuffer(HeapBuffer whole, long from, long count) {
    super(whole, count);
    floats = whole.floats;
    ints = whole.ints;
    bytes = whole.bytes;
    start = whole.start + (int) from;
  }

  /** The array behind a float32 buffer; element 0 is at {@link #start}. */
  float[] floats() {
    return floats;
  }

  int start() {
    return start;
  }

  @Override
  public Buffer slice(long from, long count) {
    checkSlice(from, count);
    return new HeapBuffer(this, from, count);
  }

  @Override
  public double get(long i) {
    int at = start + (int) i;
    return floats != null ? floats[at] : ints != null ? ints[at] : bytes[at] & 0xff;
  }

  @Override
  public void set(long i, double value) {
    int at = start + (int) i;
    if (floats != null) {
      floats[at] = (float) value;
    } else if (ints != null) {
      ints[at] = (int) value;
    } else {
      bytes[at] = (byte) (int) value;
    }
  }

  @Override
  public void read(long from, float[] to, int at, int n) {
    System.arraycopy(floats, start + (int) from, to, at, n);
  }

  @Override
  public void write(long to, float[] source, int at, int n) {
    System.arraycopy(source, at, floats, start + (int) to, n);
  }

  @Override
  public void read(long from, byte[] to, int at, int n) {
    System.arraycopy(bytes, start + (int) from, to, at, n);
  }

  @Override
  public void write(long to, byte[] source, int at, int n) {
    System.arraycopy(source, at, bytes, start + (int) to, n);
  }

  @Override
  public void read(long from, int[] to, int at, int n) {
    System.arraycopy(ints, start + (int) from, to, at, n);
  }

  @Override
  public void write(long to, int[] source, int at, int n) {
    System.arraycopy(source, at, ints, start + (int) to, n);
  }

  @Override
  public void readBits(long from, int[] to, int n) {
    int at = start + (int) from;
    for (int j = 0; j < n; j++) {
      to[j] = Float.floatToRawIntBits(floats[at + j]);
    }
  }

  @Override
  public void writeBits(long to, int[] source, int n) {
    int at = start + (int) to;
    for (int j = 0; j < n; j++) {
      floats[at + j] = Float.intBitsToFloat(source[j]);
    }
  }

  @Override
  public void copy(long to, HostBuffer from, long at, int n) {
    HeapBuffer x = (HeapBuffer) from;
    System.arraycopy(array(x), x.start + (int) at, array(this), start + (int) to, n);
  }

  private static Object array(HeapBuffer b) {
    return b.floats != null ? b.floats : b.ints != null ? b.ints : b.bytes;
  }
}
