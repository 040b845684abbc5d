package bellman.engine;

import java.util.function.Supplier;

/**
 * A step that is the same every time: the first runs launch kernel by kernel, later runs may replay
 * a recording. On the CPU every run calls the body.
 *
 * <p>The body must not read a tensor, upload values or have any other effect on the host; whatever
 * changes between runs lies in device memory ({@link Device#state}). Its results are handles, valid
 * until the next run. So k runs are exactly k steps on every backend.
 *
 * @param <T> what the body returns: a tensor, or a record of tensors
 */
public final class CapturedStep<T> implements AutoCloseable {
  private final Device device;
  private final String name;
  private final Supplier<T> body;
  private Scope memory;

  CapturedStep(Device device, String name, Supplier<T> body) {
    this.device = device;
    this.name = name;
    this.body = body;
  }

  /** Runs the step once. */
  public T run() {
    close();
    memory = device.scope(name);
    String outer = device.recording(name);
    try {
      return body.get();
    } finally {
      device.recording(outer);
      device.detach(memory); // off the stack, yet alive until the next run
    }
  }

  /** Ends the lifetime of the last run's results. */
  @Override
  public void close() {
    if (memory != null) {
      device.end(memory);
      memory = null;
    }
  }
}
