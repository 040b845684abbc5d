package bellman.engine;

/**
 * How a device is opened.
 *
 * @param threads CPU threads, 1 or more
 * @param precision of matrix products and convolutions; the CPU always computes in FP32
 * @param reproducible two runs with one seed give bit-equal results, at some cost in speed; CPU
 *     backends always are, for one number of threads
 */
public record DeviceOptions(int threads, Precision precision, boolean reproducible) {
  public DeviceOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: at least 1, got " + threads);
    }
  }

  /** All cores, FP32. */
  public static DeviceOptions defaults() {
    return new DeviceOptions(Runtime.getRuntime().availableProcessors(), Precision.FP32, false);
  }

  public DeviceOptions withThreads(int threads) {
    return new DeviceOptions(threads, precision, reproducible);
  }
}
