package bellman.benchmarks;

import java.util.Locale;

/**
 * How much one call does, so that a time can be read as a rate.
 *
 * @param flops multiplications and additions, each counted as one; 0: not counted
 * @param bytes of all operands, each read or written once, which is the least that memory must
 *     move; 0: not counted
 * @param items of {@code unit}; 0: none
 * @param unit {@code agents}; empty: none
 */
record Work(double flops, double bytes, double items, String unit) {
  static Work of(double flops, double bytes) {
    return new Work(flops, bytes, 0, "");
  }

  static Work items(double items, String unit) {
    return new Work(0, 0, items, unit);
  }

  /** FLOP per byte: where a roofline has the kernel; NaN if either is not counted. */
  double intensity() {
    return flops > 0 && bytes > 0 ? flops / bytes : Double.NaN;
  }

  /** {@code 110 GFLOP/s}, {@code 5,200 agents/s}; empty if there is neither. */
  String rate(double seconds) {
    if (items > 0) {
      return String.format(Locale.ROOT, "%,.0f %s/s", items / seconds, unit);
    }
    return flops > 0 ? digits(flops / seconds / 1e9) + " GFLOP/s" : "";
  }

  /** {@code 9.50 GB/s}; empty if bytes are not counted. */
  String bandwidth(double seconds) {
    return bytes > 0 ? digits(bytes / seconds / 1e9) + " GB/s" : "";
  }

  /** Three digits at least. */
  static String digits(double value) {
    return String.format(
        Locale.ROOT,
        value < 0.1 ? "%.4f" : value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%,.0f",
        value);
  }
}
