package bellman.engine.onednn;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Bytes of the system, aligned to a cache line, freed by {@link #free} and by nothing else. */
final class NativeMemory {
  private static final int ALIGN = 64;

  private final long bytes;
  private Pointer allocation;
  private BytePointer address;
  private ByteBuffer view;
  private FloatBuffer floats;
  private IntBuffer ints;

  NativeMemory(long bytes) {
    if (bytes > Integer.MAX_VALUE - ALIGN) {
      throw new IllegalArgumentException(
          "allocate: " + bytes + " bytes in one piece; at most 2147483583, split the tensor");
    }
    this.bytes = bytes;
    allocation = Pointer.malloc(bytes + ALIGN);
    if (allocation == null || allocation.isNull()) {
      throw new OutOfMemoryError("allocate: the system has no " + bytes + " bytes to give");
    }
    long start = allocation.address();
    long skip = (start + ALIGN - 1) / ALIGN * ALIGN - start;
    address = new BytePointer(allocation).getPointer(skip).capacity(bytes);
    view = address.asByteBuffer();
    if (view == null) { // JavaCPP has no view of 0 bytes
      view = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    }
    floats = view.asFloatBuffer();
    ints = view.asIntBuffer();
  }

  long bytes() {
    return bytes;
  }

  BytePointer address() {
    return address;
  }

  ByteBuffer view() {
    return view;
  }

  FloatBuffer floats() {
    return floats;
  }

  IntBuffer ints() {
    return ints;
  }

  /** Afterwards a late access is a NullPointerException, not a crash of the process. */
  void free() {
    if (allocation == null) {
      return;
    }
    view = null;
    floats = null;
    ints = null;
    address = null;
    Pointer.free(allocation);
    allocation = null;
  }
}
