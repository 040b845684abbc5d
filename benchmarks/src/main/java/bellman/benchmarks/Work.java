package bellman.benchmarks;

import java.util.Locale;
import java.util.Map;

/**
 * How much one call does, counted from its operands, so that a time can be read as a rate.
 *
 * @param amount operations, bytes or agents in one call
 * @param unit of the rate: {@code GFLOP/s}, {@code GB/s}, or a plain number of something
 */
record Work(double amount, String unit) {
  /** The benchmark of the device's peak, and the unit of it. */
  static final String PEAK = "PeakBenchmark.product";

  static final String OPERATIONS = "GFLOP/s";

  // Multiply-adds of one picture: outputs × channels out × inputs of each.
  private static final double CONV1 = 15 * 20 * 32.0 * (8 * 8 * 6);
  private static final double CONV2 = 6 * 9 * 64.0 * (4 * 4 * 32);
  private static final double CONV3 = 4 * 7 * 64.0 * (3 * 3 * 64);
  private static final double FC1 = 4 * 7 * 64 * 512.0;
  private static final double Q = 512 * 4;
  private static final double FORWARD = CONV1 + CONV2 + CONV3 + FC1 + Q;

  /** Q(s, ·; θ) and Q(s′, ·; θ⁻), ∂L/∂w of every layer, and ∂L/∂x of every layer but the first. */
  private static final double UPDATE = 4 * FORWARD - CONV1;

  private static final double PICTURE = 64 * 84 * 3; // bytes

  /** The work of a benchmark such as {@code UpdateBenchmark.update}; null if it has no figure. */
  static Work of(String benchmark, Map<String, String> parameters) {
    double batch = Double.parseDouble(parameters.getOrDefault("batch", "1"));
    return switch (benchmark) {
      case PEAK -> {
        double n = Double.parseDouble(parameters.get("n"));
        yield new Work(2 * n * n * n, OPERATIONS);
      }
      case "UpdateBenchmark.update" -> new Work(batch * 2 * UPDATE, OPERATIONS);
      case "ActBenchmark.act" -> new Work(2 * FORWARD, OPERATIONS);
      // Bytes are read; floats of two goals are written; s and s′.
      case "ReplayBenchmark.sample" -> new Work(batch * 2 * PICTURE * (1 + 2 * 4), "GB/s");
      case "ReplayBenchmark.insert" -> new Work(2 * PICTURE, "GB/s"); // read and written
      case "BridgeBenchmark.step" ->
          new Work(Double.parseDouble(parameters.get("agents")), "agents/s");
      case "BridgeBenchmark.echo" -> new Work(1, "calls/s");
      default -> null;
    };
  }

  /** {@code 110 GFLOP/s}, {@code 5,200 agents/s}. */
  String rate(double seconds) {
    if (!unit.startsWith("G")) {
      return String.format(Locale.ROOT, "%,.0f %s", amount / seconds, unit);
    }
    double rate = amount / seconds / 1e9;
    return String.format(Locale.ROOT, rate < 10 ? "%.2f %s" : "%.0f %s", rate, unit);
  }
}
