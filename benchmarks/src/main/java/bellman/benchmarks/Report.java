package bellman.benchmarks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/**
 * Results as a table: name, parameters, milliseconds of one call, their error, the rate, its share
 * of the peak where that was measured in the same run, and what one call allocates.
 */
final class Report {
  private Report() {}

  /** One row for each result, in the order of name and parameters. */
  static String table(Collection<RunResult> results) {
    Map<String, Double> peaks = new HashMap<>(); // seconds of an operation, by device and threads
    for (RunResult r : results) {
      if (name(r.getParams()).equals(Work.PEAK)) {
        Work work = Work.of(Work.PEAK, parameters(r.getParams()));
        peaks.merge(
            opened(parameters(r.getParams())),
            ms(r.getParams(), r.getPrimaryResult().getScore()) / 1e3 / work.amount(),
            Math::min);
      }
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("benchmark", "parameters", "ms", "± 99.9 %", "rate", "of peak", "allocated"));
    results.stream()
        .sorted(RunResult.DEFAULT_SORT_COMPARATOR)
        .forEach(
            r -> {
              BenchmarkParams p = r.getParams();
              Result<?> time = r.getPrimaryResult();
              Double peak = peaks.get(opened(parameters(p)));
              rows.add(
                  row(
                      name(p),
                      parameters(p),
                      ms(p, time.getScore()),
                      ms(p, time.getScoreError()),
                      peak,
                      allocated(r)));
            });
    return aligned(rows);
  }

  private static double ms(BenchmarkParams p, double time) {
    return time * p.getTimeUnit().toNanos(1) / 1e6;
  }

  private static String opened(Map<String, String> parameters) {
    return parameters.get("device") + " " + parameters.get("threads");
  }

  /**
   * @param peak seconds of an operation where the device does nothing else; null if not measured
   * @param allocated bytes of the heap in one call, all threads together; null if not measured
   */
  static List<String> row(
      String name,
      Map<String, String> parameters,
      double ms,
      double error,
      Double peak,
      Double allocated) {
    StringBuilder text = new StringBuilder();
    parameters.forEach((k, v) -> text.append(text.isEmpty() ? "" : " ").append(k + "=" + v));
    Work work = Work.of(name, parameters);
    boolean comparable = peak != null && work != null && work.unit().equals(Work.OPERATIONS);
    return List.of(
        name,
        text.toString(),
        digits(ms),
        // One measurement has no error.
        Double.isNaN(error) ? "-" : digits(error),
        work == null ? "" : work.rate(ms / 1e3),
        comparable
            ? String.format(Locale.ROOT, "%.0f %%", 100 * peak * work.amount() / (ms / 1e3))
            : "",
        allocated == null ? "" : String.format(Locale.ROOT, "%,.0f B", allocated));
  }

  private static Double allocated(RunResult r) {
    Result<?> bytes = r.getSecondaryResults().get("gc.alloc.rate.norm");
    return bytes == null ? null : (Double) bytes.getScore();
  }

  /** {@code UpdateBenchmark.update}. */
  static String name(BenchmarkParams p) {
    return p.getBenchmark().substring(Benchmarks.PACKAGE.length());
  }

  static Map<String, String> parameters(BenchmarkParams p) {
    Map<String, String> parameters = new TreeMap<>();
    p.getParamsKeys().forEach(key -> parameters.put(key, p.getParam(key)));
    return parameters;
  }

  private static String digits(double ms) {
    return String.format(Locale.ROOT, ms < 1 ? "%.4f" : ms < 100 ? "%.3f" : "%.1f", ms);
  }

  private static String aligned(List<List<String>> rows) {
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
        // Words to the left, numbers to the right.
        line.append(c < 2 ? row.get(c) + pad : pad + row.get(c)).append("  ");
      }
      table.append(line.toString().stripTrailing()).append('\n');
    }
    return table.toString();
  }
}
