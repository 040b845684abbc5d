package bellman.benchmarks;

import java.util.ArrayList;
import java.util.HashMap;
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

  /** A parameter of a peer's: which of several ways it took, as in nchw or nhwc. */
  private static final String FORM = "form";

  private Comparison() {}

  /** Whose results of which devices, a row for each that both have, and a line that counts them. */
  static String table(Results now, Results then) {
    boolean peer = !then.engine().equals(now.engine());
    String whose = peer ? then.engine() : "earlier";
    Map<String, Result> earlier = new TreeMap<>();
    then.results().forEach(r -> earlier.merge(key(r, peer), r, Comparison::faster));
    List<Result> both =
        now.results().stream().filter(r -> earlier.containsKey(key(r, peer))).toList();
    List<Result> shown = both.stream().map(r -> compared(r, peer)).toList();
    Map<String, String> common = Report.common(shown);
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("benchmark", "parameters", now.engine(), whose, "speed", now.engine() + " is"));
    Map<String, Integer> verdicts = new HashMap<>();
    for (Result r : shown.stream().sorted(Report.order(common)).toList()) {
      Result before = earlier.get(key(r, peer));
      String verdict = verdict(r, before);
      verdicts.merge(verdict, 1, Integer::sum);
      rows.add(
          List.of(
              r.benchmark(),
              Report.text(r, common),
              Report.time(r.us()),
              (before.parameter(FORM) + " " + Report.time(before.us())).strip(),
              String.format(Locale.ROOT, "%.2f ×", before.us() / r.us()),
              verdict));
    }
    StringBuilder table = new StringBuilder();
    then.devices()
        .forEach((name, device) -> table.append("%s %s: %s%n".formatted(whose, name, device)));
    if (!both.isEmpty()) {
      table.append(Report.line(common)).append(Report.aligned(rows, 2));
    }
    long matched = both.stream().map(r -> key(r, peer)).distinct().count();
    return table
        .append(
            "%d compared with %s: %d faster, %d slower, %d equal, %d unclear (large errors);"
                .formatted(
                    both.size(),
                    peer ? whose : "earlier results",
                    verdicts.getOrDefault("faster", 0),
                    verdicts.getOrDefault("slower", 0),
                    verdicts.getOrDefault("equal", 0),
                    verdicts.getOrDefault("unclear", 0)))
        .append(
            " %d are only here, %d only there%n"
                .formatted(now.results().size() - both.size(), earlier.size() - matched))
        .toString();
  }

  private static Result faster(Result a, Result b) {
    return a.us() <= b.us() ? a : b;
  }

  /**
   * {@code faster}, {@code slower}, {@code equal}, or {@code unclear} if they differ by less than
   * their errors.
   */
  static String verdict(Result now, Result before) {
    double noise = finite(now.error()) + finite(before.error());
    double difference = now.us() - before.us();
    if (Math.abs(difference) <= EQUAL * before.us()) {
      return "equal";
    }
    if (Math.abs(difference) <= noise) {
      return "unclear";
    }
    return difference < 0 ? "faster" : "slower";
  }

  private static double finite(double error) {
    return Double.isFinite(error) ? error : 0;
  }

  /**
   * The result with those parameters that count: how many calls a step has does not, nor do the
   * CPU's threads for a GPU, nor in which form a peer was fastest.
   */
  private static Result compared(Result r, boolean peer) {
    Map<String, String> parameters = new TreeMap<>(r.parameters());
    parameters.keySet().removeAll(Set.of("calls", FORM));
    if (r.parameter("device").startsWith("cuda")) {
      parameters.remove("threads");
    }
    if (peer) {
      parameters.remove("rung", "engine"); // naive and tiled have no peer
    }
    return new Result(r.benchmark(), parameters, r.us(), r.error(), r.allocated(), r.work());
  }

  /** Equal for what is comparable: a peer's device is a CPU or a GPU, whatever computes there. */
  private static String key(Result r, boolean peer) {
    Map<String, String> parameters = new TreeMap<>(compared(r, peer).parameters());
    parameters.putIfAbsent("precision", "fp32");
    if (peer) {
      parameters.computeIfPresent(
          "device", (name, device) -> device.startsWith("cuda") ? "cuda" : "cpu");
    }
    return r.benchmark() + parameters;
  }
}
