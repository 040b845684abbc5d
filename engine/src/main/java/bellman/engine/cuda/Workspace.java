package bellman.engine.cuda;

import bellman.engine.backend.Backend.Room;
import bellman.engine.cuda.CudaBuffer.Address;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.JCudaDriver;

/**
 * Memory that every convolution may use while it runs. It grows to the largest need; what it was
 * before stays, for recorded steps still name it.
 */
final class Workspace implements AutoCloseable {
  private final long limit;
  private final Room room;
  private final List<Address> all = new ArrayList<>();
  private Address current = new Address();
  private long size;
  private long held;

  Workspace(long limit, Room room) {
    this.limit = limit;
    this.room = room;
  }

  /** The most bytes that an algorithm may ask for. */
  long limit() {
    return limit;
  }

  /**
   * That many bytes.
   *
   * @throws bellman.engine.DeviceMemoryException if there are not as many
   */
  Address atLeast(long bytes) {
    if (bytes > size) {
      room.claim("a workspace needs", bytes, () -> grow(bytes));
    }
    return current;
  }

  private void grow(long bytes) {
    Address grown = new Address();
    int status = JCudaDriver.cuMemAlloc(grown, bytes);
    String call = "a workspace of " + bytes + " bytes";
    if (status == Status.OUT_OF_MEMORY) {
      throw new OutOfMemoryError(Status.driverText(status, call));
    }
    Status.driver(status, call);
    all.add(grown);
    current = grown;
    size = bytes;
    held += bytes;
  }

  /** All that it has taken so far. */
  long bytes() {
    return held;
  }

  @Override
  public void close() {
    all.forEach(JCudaDriver::cuMemFree);
    all.clear();
  }
}
