package bellman.benchmarks;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a device can do, as it was measured itself: the fastest product of matrices in each
 * precision, and the bandwidth of its memory in copying.
 */
final class Peaks {
  private final Map<String, Result> products = new HashMap<>(); // by device, threads and precision
  private final Map<String, Result> copies = new HashMap<>(); // by device and threads

  Peaks(List<Result> results) {
    for (Result r : results) {
      if (r.benchmark().equals(Trial.PRODUCT)) {
        products.merge(product(r), r, (a, b) -> a.rate() >= b.rate() ? a : b);
      } else if (r.benchmark().equals(Trial.COPY) && r.parameter("kernel").equals("copy")) {
        // Of the largest: a small one never leaves the caches.
        copies.merge(place(r), r, (a, b) -> a.work().bytes() >= b.work().bytes() ? a : b);
      }
    }
  }

  private static String place(Result r) {
    return r.parameter("device") + " " + r.parameter("threads");
  }

  private static String product(Result r) {
    return place(r) + " " + r.parameters().getOrDefault("precision", "fp32");
  }

  /** FLOP/s of the device in the result's precision; NaN if not measured. */
  double rate(Result r) {
    Result peak = products.get(product(r));
    return peak == null ? Double.NaN : peak.rate();
  }

  /** Bytes a second of the device; NaN if not measured. */
  double bandwidth(Result r) {
    Result peak = copies.get(place(r));
    return peak == null ? Double.NaN : peak.bandwidth();
  }

  /**
   * How near a result comes to what limits it, as a roofline has it: {@code 83 % GEMM} or {@code 95
   * % copy}, whichever is more; empty if neither is known.
   */
  String share(Result r) {
    double arithmetic = r.rate() / rate(r);
    double memory = r.bandwidth() / bandwidth(r);
    if (Double.isNaN(arithmetic) && Double.isNaN(memory)) {
      return "";
    }
    boolean bound = Double.isNaN(memory) || arithmetic >= memory;
    return String.format(
        Locale.ROOT, "%.0f %% %s", 100 * (bound ? arithmetic : memory), bound ? "GEMM" : "copy");
  }
}
