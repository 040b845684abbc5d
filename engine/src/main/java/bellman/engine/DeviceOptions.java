package bellman.engine;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How a device is opened.
 *
 * @param threads CPU threads, 1 or more
 * @param precision of matrix products and convolutions; the CPU always computes in FP32
 * @param reproducible two runs with one seed give bit-equal results, at some cost in speed; CPU
 *     backends always are, for one number of threads
 * @param cudaFolder where NVIDIA's libraries lie; empty: looked for in the usual places
 * @param memoryLimit the most bytes that tensors and workspaces may take; empty: all there are
 */
public record DeviceOptions(
    int threads,
    Precision precision,
    boolean reproducible,
    Optional<Path> cudaFolder,
    OptionalLong memoryLimit) {
  public DeviceOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: at least 1, got " + threads);
    }
    if (memoryLimit.orElse(1) < 1) {
      throw new IllegalArgumentException(
          "memory limit: at least 1 byte, got " + memoryLimit.getAsLong());
    }
  }

  /** NVIDIA's libraries from the usual places, and all the memory there is. */
  public DeviceOptions(int threads, Precision precision, boolean reproducible) {
    this(threads, precision, reproducible, Optional.empty(), OptionalLong.empty());
  }

  /** All cores, FP32. */
  public static DeviceOptions defaults() {
    return new DeviceOptions(Runtime.getRuntime().availableProcessors(), Precision.FP32, false);
  }

  public DeviceOptions withThreads(int threads) {
    return new DeviceOptions(threads, precision, reproducible, cudaFolder, memoryLimit);
  }

  public DeviceOptions withCudaFolder(Optional<Path> folder) {
    return new DeviceOptions(threads, precision, reproducible, folder, memoryLimit);
  }

  public DeviceOptions withMemoryLimit(OptionalLong bytes) {
    return new DeviceOptions(threads, precision, reproducible, cudaFolder, bytes);
  }
}
