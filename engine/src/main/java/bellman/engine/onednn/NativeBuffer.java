package bellman.engine.onednn;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import bellman.engine.host.HostBuffer;
import org.bytedeco.javacpp.BytePointer;

/** Native memory, or a part of it. */
final class NativeBuffer extends HostBuffer {
  private final NativeMemory memory;
  private final long start; // in elements
  private BytePointer address;

  NativeBuffer(DType dtype, long count) {
    this(dtype, count, new NativeMemory(count * dtype.bytes()));
  }

  NativeBuffer(DType dtype, long count, NativeMemory memory) {
    super(dtype, count);
    this.memory = memory;
    this.start = 0;
  }

  private NativeBuffer(NativeBuffer whole, long from, long count) {
    super(whole, count);
    memory = whole.memory;
    start = whole.start + from;
  }

  /** Where element 0 lies. */
  BytePointer address() {
    BytePointer whole = memory.address();
    if (whole == null) {
      throw new IllegalStateException(
          "a buffer of " + count() + " elements was used after release");
    }
    if (address == null) {
      address = whole.getPointer(start * dtype().bytes());
    }
    return address;
  }

  void free() {
    memory.free();
  }

  @Override
  public Buffer slice(long from, long count) {
    checkSlice(from, count);
    return new NativeBuffer(this, from, count);
  }

  @Override
  public double get(long i) {
    return switch (dtype()) {
      case FLOAT32 -> memory.getFloat(start + i);
      case INT32 -> memory.getInt(start + i);
      case UINT8 -> memory.getByte(start + i) & 0xff;
    };
  }

  @Override
  public void set(long i, double value) {
    switch (dtype()) {
      case FLOAT32 -> memory.putFloat(start + i, (float) value);
      case INT32 -> memory.putInt(start + i, (int) value);
      case UINT8 -> memory.putByte(start + i, (byte) (int) value);
    }
  }

  @Override
  public void read(long from, float[] to, int at, int n) {
    memory.get(start + from, to, at, n);
  }

  @Override
  public void write(long to, float[] source, int at, int n) {
    memory.put(start + to, source, at, n);
  }

  @Override
  public void read(long from, byte[] to, int at, int n) {
    memory.get(start + from, to, at, n);
  }

  @Override
  public void write(long to, byte[] source, int at, int n) {
    memory.put(start + to, source, at, n);
  }

  @Override
  public void read(long from, int[] to, int at, int n) {
    memory.get(start + from, to, at, n);
  }

  @Override
  public void write(long to, int[] source, int at, int n) {
    memory.put(start + to, source, at, n);
  }

  @Override
  public void readBits(long from, int[] to, int n) {
    memory.get(start + from, to, 0, n);
  }

  @Override
  public void writeBits(long to, int[] source, int n) {
    memory.put(start + to, source, 0, n);
  }

  @Override
  public void copy(long to, HostBuffer from, long at, int n) {
    NativeBuffer x = (NativeBuffer) from;
    int bytes = dtype().bytes();
    memory.put((start + to) * bytes, x.memory, (x.start + at) * bytes, n * bytes);
  }
}
