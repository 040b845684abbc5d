package bellman.engine.cuda;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import jcuda.driver.CUdeviceptr;

/** Device memory, or a part of it. */
final class CudaBuffer extends Buffer {
  /** An address that can be read. */
  static final class Address extends CUdeviceptr {
    Address() {}

    private Address(CUdeviceptr from, long bytes) {
      super(from, bytes);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }

  private final Address address;
  private final boolean[] released; // shared by all slices

  CudaBuffer(DType dtype, long count, Address address) {
    super(dtype, count);
    this.address = address;
    this.released = new boolean[1];
  }

  private CudaBuffer(CudaBuffer whole, long from, long count) {
    super(whole, count);
    this.address = new Address(whole.address, from * whole.dtype().bytes());
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
