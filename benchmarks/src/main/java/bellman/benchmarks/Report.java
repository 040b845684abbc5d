package bellman.benchmarks;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Results as a table: name, parameters, time of one call and its error, rate, bandwidth, share of
 * the peak, and what one call allocates. A parameter that has one value everywhere stands above it.
 */
final class Report {
  private Report() {}

  /** One row for each result, by name and parameters. */
  static String table(List<Result> results) {
    Peaks peaks = new Peaks(results);
    Map<String, String> common = common(results);
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "benchmark", "parameters", "time", "± 99.9 %", "rate", "memory", "of peak", "heap"));
    results.stream().sorted(order(common)).forEach(r -> rows.add(row(r, common, peaks)));
    return line(common) + aligned(rows, 2);
  }

  /** By name, then by parameters. */
  static Comparator<Result> order(Map<String, String> common) {
    return Comparator.comparing(Result::benchmark)
        .thenComparing(r -> text(r, common), Report::natural);
  }

  /** The parameters that have one and the same value in all results that have them. */
  static Map<String, String> common(List<Result> results) {
    Map<String, String> common = new TreeMap<>();
    Set<String> differing = new HashSet<>();
    for (Result r : results) {
      r.parameters()
          .forEach(
              (name, value) -> {
                if (!common.computeIfAbsent(name, key -> value).equals(value)) {
                  differing.add(name);
                }
              });
    }
    common.keySet().removeAll(differing);
    return common;
  }

  /** What stands above a table. */
  static String line(Map<String, String> common) {
    return common.isEmpty() ? "" : "throughout: " + text(common) + "\n";
  }

  /** {@code device=onednn layer=conv2}, without what is common. */
  static String text(Result r, Map<String, String> common) {
    Map<String, String> rest = new TreeMap<>(r.parameters());
    rest.keySet().removeAll(common.keySet());
    return text(rest);
  }

  private static String text(Map<String, String> parameters) {
    return parameters.entrySet().stream()
        .map(p -> p.getKey() + "=" + p.getValue())
        .collect(Collectors.joining(" "));
  }

  static List<String> row(Result r, Map<String, String> common, Peaks peaks) {
    return List.of(
        r.benchmark(),
        text(r, common),
        time(r.us()),
        // One measurement has no error.
        Double.isNaN(r.error()) ? "-" : time(r.error()),
        r.work().rate(r.seconds()),
        r.work().bandwidth(r.seconds()),
        peaks.share(r),
        Double.isNaN(r.allocated()) ? "" : String.format(Locale.ROOT, "%,.0f B", r.allocated()));
  }

  /** {@code 12.3 µs}, {@code 4.56 ms}. */
  static String time(double us) {
    return us < 1e3
        ? Work.digits(us) + " µs"
        : us < 1e6 ? Work.digits(us / 1e3) + " ms" : Work.digits(us / 1e6) + " s";
  }

  /** Numbers within words by their value: batch=32 before batch=256. */
  private static int natural(String a, String b) {
    return numbered(a).compareTo(numbered(b));
  }

  private static String numbered(String text) {
    StringBuilder padded = new StringBuilder();
    for (String part : text.split("(?<=\\D)(?=\\d)|(?<=\\d)(?=\\D)")) {
      boolean number = !part.isEmpty() && Character.isDigit(part.charAt(0));
      padded.append(number ? "0".repeat(Math.max(0, 12 - part.length())) : "").append(part);
    }
    return padded.toString();
  }

  /** Columns of words to the left, of which there are {@code words}; numbers to the right. */
  static String aligned(List<List<String>> rows, int words) {
    int columns = rows.get(0).size();
    int[] width = new int[columns];
    rows.forEach(
        row -> {
          for (int c = 0; c < columns; c++) {
            width[c] = Math.max(width[c], row.get(c).length());
          }
        });
    StringBuilder table = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        String pad = " ".repeat(width[c] - row.get(c).length());
        line.append(c < words ? row.get(c) + pad : pad + row.get(c)).append("  ");
      }
      table.append(line.toString().stripTrailing()).append('\n');
    }
    return table.toString();
  }
}
