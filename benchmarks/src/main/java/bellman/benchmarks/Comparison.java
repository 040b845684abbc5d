package bellman.benchmarks;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Results beside earlier ones, or beside a peer's: what is faster and what slower, in both cases
 * beyond what the two errors explain.
 */
final class Comparison {
  /** Times that differ by less are equal. */
  private static final double EQUAL = 0.03;

  private Comparison() {}

  /** A row for each result that both have, and a line that counts them. */
  static String table(Results now, Results then) {
    boolean peer = !then.engine().equals(now.engine());
    Map<String, Result> earlier = new TreeMap<>();
    then.results().forEach(r -> earlier.merge(key(r, peer), r, Comparison::faster));
    Map<String, String> common = Report.common(now.results());
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "benchmark",
            "parameters",
            now.engine(),
            peer ? then.engine() : "earlier",
            "speed",
            ""));
    int slower = 0;
    int faster = 0;
    Set<String> matched = new HashSet<>();
    for (Result r : now.results()) {
      Result before = earlier.get(key(r, peer));
      if (before == null) {
        continue;
      }
      matched.add(key(r, peer));
      String verdict = verdict(r, before);
      slower += verdict.equals("slower") ? 1 : 0;
      faster += verdict.equals("faster") ? 1 : 0;
      rows.add(
          List.of(
              r.benchmark(),
              Report.text(r, common),
              Report.time(r.us()),
              Report.time(before.us()),
              String.format(Locale.ROOT, "%.2f ×", before.us() / r.us()),
              verdict));
    }
    int compared = rows.size() - 1;
    return (compared == 0 ? "" : Report.line(common) + Report.aligned(rows, 2))
        + String.format(
            Locale.ROOT,
            "%d compared with %s: %d faster, %d slower, %d equal; %d are only here, %d only there%n",
            compared,
            peer ? then.engine() : "earlier results",
            faster,
            slower,
            compared - faster - slower,
            now.results().size() - compared,
            earlier.size() - matched.size());
  }

  private static Result faster(Result a, Result b) {
    return a.us() <= b.us() ? a : b;
  }

  /** {@code faster}, {@code slower} or {@code equal}. */
  static String verdict(Result now, Result before) {
    double noise = finite(now.error()) + finite(before.error());
    double difference = now.us() - before.us();
    if (Math.abs(difference) <= Math.max(noise, EQUAL * before.us())) {
      return "equal";
    }
    return difference < 0 ? "faster" : "slower";
  }

  private static double finite(double error) {
    return Double.isFinite(error) ? error : 0;
  }

  /**
   * What makes two results comparable. How many calls a step has does not matter; a peer's device
   * is a CPU or a GPU, whatever library computes there.
   */
  private static String key(Result r, boolean peer) {
    Map<String, String> parameters = new TreeMap<>(r.parameters());
    parameters.remove("calls");
    parameters.putIfAbsent("precision", "fp32");
    String device = parameters.getOrDefault("device", "");
    boolean gpu = device.startsWith("cuda");
    if (gpu) {
      parameters.remove("threads");
    }
    if (peer && !device.isEmpty()) {
      parameters.put("device", gpu ? "cuda" : "cpu");
    }
    if (peer) {
      parameters.remove("rung", "library"); // naive and tiled have no peer
    }
    return r.benchmark() + parameters;
  }
}
