package bellman.engine.cuda;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** Device memory, or a part of it. */
final class CudaBuffer extends Buffer {
  /** An address that can be read. */
  static final class Address extends CUdeviceptr {
    Address() {}

    private Address(CUdeviceptr from, long bytes) {
      super(from, bytes);
    }

    /** That many bytes behind it. */
    Address plus(long bytes) {
      return new Address(this, bytes);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }

  private final Address address;
  private final Pointer pinned;
  private final ByteBuffer host;
  private final boolean[] released; // shared by all slices

  /**
   * @param pinned where the host sees it, if it is shared memory; null: the memory is the device's
   */
  CudaBuffer(DType dtype, long count, Address address, Pointer pinned) {
    super(dtype, count);
    this.address = address;
    this.pinned = pinned;
    this.host = pinned == null ? null : pinned.getByteBuffer(0, bytes());
    this.released = new boolean[1];
  }

  private CudaBuffer(CudaBuffer whole, long from, long count) {
    super(whole, count);
    int at = Math.toIntExact(whole.host == null ? 0 : from * whole.dtype().bytes());
    this.address = whole.address.plus(from * whole.dtype().bytes());
    this.pinned = whole.pinned;
    this.host = whole.host == null ? null : whole.host.slice(at, (int) bytes());
    this.released = whole.released;
  }

  /** Where element 0 lies. */
  Address address() {
    if (released[0]) {
      throw new IllegalStateException(
          "a buffer of " + count() + " elements was used after release");
    }
    return address;
  }

  /** Shared memory, of the whole allocation; null: the memory is the device's. */
  Pointer pinned() {
    return pinned;
  }

  /** n bytes of shared memory from {@code at} on, as the host sees them; null: not shared. */
  ByteBuffer host(long at, int n) {
    address(); // not after release
    return host == null ? null : host.slice((int) at, n).order(ByteOrder.nativeOrder());
  }

  /** Marks it dead, once. */
  boolean markReleased() {
    boolean first = !released[0];
    released[0] = true;
    return first;
  }

  @Override
  public Buffer slice(long from, long count) {
    checkSlice(from, count);
    return new CudaBuffer(this, from, count);
  }
}
