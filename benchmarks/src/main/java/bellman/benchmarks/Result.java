package bellman.benchmarks;

import java.util.Map;
import java.util.TreeMap;

/**
 * What was measured.
 *
 * @param benchmark {@code GemmBenchmark.gemm}
 * @param us microseconds of one call
 * @param error half of the 99.9 % confidence interval in µs; NaN if unknown
 * @param allocated bytes of the heap in one call; NaN if unknown
 */
record Result(
    String benchmark,
    Map<String, String> parameters,
    double us,
    double error,
    double allocated,
    Work work) {
  Result {
    parameters = new TreeMap<>(parameters);
  }

  String parameter(String name) {
    return parameters.getOrDefault(name, "");
  }

  double seconds() {
    return us / 1e6;
  }

  /** FLOP/s; NaN if they are not counted. */
  double rate() {
    return work.flops() > 0 ? work.flops() / seconds() : Double.NaN;
  }

  /** Bytes a second; NaN if they are not counted. */
  double bandwidth() {
    return work.bytes() > 0 ? work.bytes() / seconds() : Double.NaN;
  }
}
