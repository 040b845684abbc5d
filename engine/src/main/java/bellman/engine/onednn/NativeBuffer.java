package bellman.engine.onednn;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import bellman.engine.host.HostBuffer;
import org.bytedeco.javacpp.BytePointer;

/** Native memory, or a part of it. */
final class NativeBuffer extends HostBuffer {
  private final NativeMemory memory;
  private final int start; // in elements
  private BytePointer address;

  NativeBuffer(DType dtype, long count) {
    super(dtype, count);
    memory = new NativeMemory(count * dtype.bytes());
    start = 0;
  }

  private NativeBuffer(NativeBuffer whole, long from, long count) {
    super(whole, count);
    memory = whole.memory;
    start = whole.start + (int) from;
  }

  /** Where element 0 lies. */
  BytePointer address() {
    BytePointer whole = memory.address();
    if (whole == null) {
      throw new IllegalStateException(
          "a buffer of " + count() + " elements was used after release");
    }
    if (address == null) {
      address = whole.getPointer((long) start * dtype().bytes());
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
    int at = start + (int) i;
    return switch (dtype()) {
      case FLOAT32 -> memory.floats().get(at);
      case INT32 -> memory.ints().get(at);
      case UINT8 -> memory.view().get(at) & 0xff;
    };
  }

  @Override
  public void set(long i, double value) {
    int at = start + (int) i;
    switch (dtype()) {
      case FLOAT32 -> memory.floats().put(at, (float) value);
      case INT32 -> memory.ints().put(at, (int) value);
      case UINT8 -> memory.view().put(at, (byte) (int) value);
    }
  }

  @Override
  public void read(long from, float[] to, int at, int n) {
    memory.floats().get(start + (int) from, to, at, n);
  }

  @Override
  public void write(long to, float[] source, int at, int n) {
    memory.floats().put(start + (int) to, source, at, n);
  }

  @Override
  public void read(long from, byte[] to, int at, int n) {
    memory.view().get(start + (int) from, to, at, n);
  }

  @Override
  public void write(long to, byte[] source, int at, int n) {
    memory.view().put(start + (int) to, source, at, n);
  }

  @Override
  public void read(long from, int[] to, int at, int n) {
    memory.ints().get(start + (int) from, to, at, n);
  }

  @Override
  public void write(long to, int[] source, int at, int n) {
    memory.ints().put(start + (int) to, source, at, n);
  }

  @Override
  public void readBits(long from, int[] to, int n) {
    memory.ints().get(start + (int) from, to, 0, n);
  }

  @Override
  public void writeBits(long to, int[] source, int n) {
    memory.ints().put(start + (int) to, source, 0, n);
  }

  @Override
  public void copy(long to, HostBuffer from, long at, int n) {
    NativeBuffer x = (NativeBuffer) from;
    int bytes = dtype().bytes();
    memory
        .view()
        .put((start + (int) to) * bytes, x.memory.view(), (x.start + (int) at) * bytes, n * bytes);
  }
}
