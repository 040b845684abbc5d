package bellman.engine.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * Pinned memory between Java's arrays and the device: a ring of segments for what goes there, one
 * segment for what comes back. A segment is written again only after the copies out of it are done.
 */
final class Staging implements AutoCloseable {
  private static final int SEGMENT = 1 << 20;
  private static final int SEGMENTS = 4;

  private final CUstream stream;
  private final Pointer pinned = new Pointer();
  private final ByteBuffer bytes;
  private final CUevent[] done = new CUevent[SEGMENTS];
  private final boolean[] used = new boolean[SEGMENTS];
  private int segment;
  private int at; // within the segment

  Staging(CUstream stream) {
    this.stream = stream;
    int size = SEGMENT * (SEGMENTS + 1);
    Status.driver(
        JCudaDriver.cuMemHostAlloc(pinned, size, 0), "cuMemHostAlloc of " + size + " bytes");
    bytes = pinned.getByteBuffer(0, size).order(ByteOrder.nativeOrder());
    for (int i = 0; i < SEGMENTS; i++) {
      done[i] = new CUevent();
      Status.driver(
          JCudaDriver.cuEventCreate(done[i], CUevent_flags.CU_EVENT_DISABLE_TIMING),
          "cuEventCreate");
    }
  }

  /** The most bytes of one copy. */
  static int most() {
    return SEGMENT;
  }

  /** Copies {@code n ≤ most()} bytes, which {@code fill} puts, to the device; does not wait. */
  void write(CUdeviceptr to, int n, Consumer<ByteBuffer> fill) {
    if (at + n > SEGMENT) {
      Status.driver(JCudaDriver.cuEventRecord(done[segment], stream), "cuEventRecord");
      used[segment] = true;
      segment = (segment + 1) % SEGMENTS;
      at = 0;
      if (used[segment]) {
        Status.driver(JCudaDriver.cuEventSynchronize(done[segment]), "cuEventSynchronize");
      }
    }
    int start = segment * SEGMENT + at;
    fill.accept(view(start, n));
    int status = JCudaDriver.cuMemcpyHtoDAsync(to, pinned.withByteOffset(start), n, stream);
    if (status != 0) {
      Status.driver(status, "write of " + n + " bytes");
    }
    at += (n + 63) / 64 * 64;
  }

  /** Copies {@code n ≤ most()} bytes from the device, waits, and hands them to {@code take}. */
  void read(CUdeviceptr from, int n, Consumer<ByteBuffer> take) {
    int start = SEGMENT * SEGMENTS;
    int status = JCudaDriver.cuMemcpyDtoHAsync(pinned.withByteOffset(start), from, n, stream);
    if (status == 0) {
      status = JCudaDriver.cuStreamSynchronize(stream);
    }
    if (status != 0) {
      Status.driver(status, "read of " + n + " bytes");
    }
    take.accept(view(start, n));
  }

  private ByteBuffer view(int start, int n) {
    return bytes.slice(start, n).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    for (CUevent event : done) {
      JCudaDriver.cuEventDestroy(event);
    }
    JCudaDriver.cuMemFreeHost(pinned);
  }
}
