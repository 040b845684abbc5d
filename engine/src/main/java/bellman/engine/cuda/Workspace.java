package bellman.engine.cuda;

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
  private final List<Address> all = new ArrayList<>();
  private Address current = new Address();
  private long size;
  private long held;

  Workspace(long limit) {
    this.limit = limit;
  }

  /** The most bytes that an algorithm may ask for. */
  long limit() {
    return limit;
  }

  Address atLeast(long bytes) {
    if (bytes > size) {
      Address grown = new Address();
      Status.driver(JCudaDriver.cuMemAlloc(grown, bytes), "a workspace of " + bytes + " bytes");
      all.add(grown);
      current = grown;
      size = bytes;
      held += bytes;
    }
    return current;
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
