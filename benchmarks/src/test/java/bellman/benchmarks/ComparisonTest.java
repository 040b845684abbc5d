package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static Result result(
      String device, String threads, String layer, double us, double error) {
    return new Result(
        "ConvolutionBenchmark.pass",
        Map.of("device", device, "threads", threads, "layer", layer, "calls", "1"),
        us,
        error,
        Double.NaN,
        Work.of(1, 1));
  }

  private static Result inForm(Result r, String form) {
    Map<String, String> parameters = new TreeMap<>(r.parameters());
    parameters.put("form", form);
    return new Result(r.benchmark(), parameters, r.us(), r.error(), r.allocated(), r.work());
  }

  private static Results results(String engine, Result... results) {
    return new Results(engine, Map.of("cpu", "a CPU"), List.of(results));
  }

  @Test
  void verdictsLookAtErrors() {
    Result before = result("java", "1", "a", 100, 2);
    assertThat(Comparison.verdict(result("java", "1", "a", 90, 2), before)).isEqualTo("faster");
    assertThat(Comparison.verdict(result("java", "1", "a", 110, 2), before)).isEqualTo("slower");
    assertThat(Comparison.verdict(result("java", "1", "a", 110, 9), before)).isEqualTo("unclear");
    assertThat(Comparison.verdict(result("java", "1", "a", 102, 9), before)).isEqualTo("equal");
    assertThat(Comparison.verdict(result("java", "1", "a", 102, Double.NaN), before))
        .isEqualTo("equal");
  }

  @Test
  void earlierResultsAreMatchedByDeviceAndThreads() {
    Results then =
        results(
            "bellman",
            result("java", "1", "a", 100, 1),
            result("java", "2", "a", 60, 1),
            result("onednn", "1", "a", 50, 1),
            result("java", "1", "gone", 50, 1));
    Results now =
        results(
            "bellman",
            result("onednn", "1", "a", 75, 1),
            result("java", "1", "a", 50, 1),
            result("java", "1", "new", 75, 1));
    assertThat(Comparison.table(now, then).lines())
        .containsExactly(
            "earlier cpu: a CPU",
            "throughout: layer=a threads=1",
            "benchmark                  parameters     bellman  earlier   speed  bellman is",
            "ConvolutionBenchmark.pass  device=java    50.0 µs   100 µs  2.00 ×      faster",
            "ConvolutionBenchmark.pass  device=onednn  75.0 µs  50.0 µs  0.67 ×      slower",
            "2 compared with earlier results: 1 faster, 1 slower, 0 equal, 0 unclear (large"
                + " errors); 1 are only here, 2 only there");
  }

  @Test
  void aPeerIsMatchedByCpuOrGpu() {
    Results then =
        results(
            "torch",
            result("cpu", "2", "a", 100, 0),
            inForm(result("cpu", "2", "a", 80, 0), "nhwc"), // the better one counts
            result("cpu", "1", "b", 100, 0),
            result("cuda", "2", "a", 10, 0));
    Result gpu = result("cuda:0", "16", "a", 10, 0);
    Result naive =
        new Result(
            gpu.benchmark(),
            Map.of("device", "java", "threads", "2", "layer", "b", "rung", "naive"),
            1,
            0,
            0,
            gpu.work());
    Results now =
        results(
            "bellman",
            result("java", "2", "a", 160, 0),
            result("onednn", "2", "a", 40, 0),
            result("java", "2", "b", 1, 0), // of other threads
            gpu,
            naive);
    assertThat(Comparison.table(now, then).lines())
        .containsExactly(
            "torch cpu: a CPU",
            "throughout: layer=a threads=2",
            "benchmark                  parameters     bellman         torch   speed  bellman is",
            "ConvolutionBenchmark.pass  device=cuda:0  10.0 µs       10.0 µs  1.00 ×       equal",
            "ConvolutionBenchmark.pass  device=java     160 µs  nhwc 80.0 µs  0.50 ×      slower",
            "ConvolutionBenchmark.pass  device=onednn  40.0 µs  nhwc 80.0 µs  2.00 ×      faster",
            "3 compared with torch: 1 faster, 1 slower, 1 equal, 0 unclear (large errors); 2 are"
                + " only here, 1 only there");
  }

  @Test
  void nothingInCommonIsSaid() {
    assertThat(
            Comparison.table(
                results("bellman", result("java", "1", "a", 1, 0)),
                results("bellman", result("java", "1", "b", 1, 0))))
        .isEqualToIgnoringNewLines(
            """
            earlier cpu: a CPU
            0 compared with earlier results: 0 faster, 0 slower, 0 equal, 0 unclear (large \
            errors); 1 are only here, 1 only there
            """);
  }
}
