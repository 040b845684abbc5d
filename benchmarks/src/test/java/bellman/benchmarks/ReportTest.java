package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rates, shares and tables, by numbers that can be done in the head. */
class ReportTest {
  static Result result(
      String benchmark, Map<String, String> parameters, double us, double flops, double bytes) {
    return new Result(benchmark, parameters, us, Double.NaN, Double.NaN, Work.of(flops, bytes));
  }

  /** 100 GFLOP/s in FP32 and 400 in TF32; 10 GB/s. */
  static final List<Result> PEAKS =
      List.of(
          result(
              Trial.PRODUCT,
              Map.of("device", "d", "threads", "1", "precision", "fp32", "product", "a"),
              1e3,
              1e8,
              1e6),
          result(
              Trial.PRODUCT,
              Map.of("device", "d", "threads", "1", "precision", "fp32", "product", "b"),
              1e3,
              0.5e8,
              1e6),
          result(
              Trial.PRODUCT,
              Map.of("device", "d", "threads", "1", "precision", "tf32", "product", "a"),
              1e3,
              4e8,
              1e6),
          result(Trial.COPY, Map.of("device", "d", "threads", "1", "kernel", "copy"), 1e3, 0, 1e7),
          result( // within the caches: no peak
              Trial.COPY, Map.of("device", "d", "threads", "1", "kernel", "copy"), 1, 0, 1e5));

  private static String share(double flops, double bytes, String precision) {
    Map<String, String> parameters =
        Map.of("device", "d", "threads", "1", "precision", precision, "layer", "l");
    return new Peaks(PEAKS)
        .share(result("ConvolutionBenchmark.pass", parameters, 1e3, flops, bytes));
  }

  @Test
  void sharesAreOfWhatLimits() {
    assertThat(share(0.5e8, 1e6, "fp32")).isEqualTo("50 % GEMM");
    assertThat(share(0.5e8, 9e6, "fp32")).isEqualTo("90 % copy");
    assertThat(share(1e8, 0, "tf32")).isEqualTo("25 % GEMM");
    assertThat(share(0, 2e6, "tf32")).isEqualTo("20 % copy");
    assertThat(share(1e8, 0, "bf16")).isEmpty();
    assertThat(share(0, 0, "fp32")).isEmpty();
    Result elsewhere =
        result("AdamBenchmark.step", Map.of("device", "e", "threads", "1"), 1, 1e8, 1e6);
    assertThat(new Peaks(PEAKS).share(elsewhere)).isEmpty();
  }

  @Test
  void rates() {
    assertThat(Work.of(2e9, 1e9).rate(0.5)).isEqualTo("4.00 GFLOP/s");
    assertThat(Work.of(2e9, 1e9).bandwidth(0.1)).isEqualTo("10.0 GB/s");
    assertThat(Work.of(0, 1e9).rate(0.5)).isEmpty();
    assertThat(Work.of(1e9, 0).bandwidth(0.5)).isEmpty();
    assertThat(Work.items(9, "agents").rate(2e-3)).isEqualTo("4,500 agents/s");
    assertThat(Work.of(6, 24).intensity()).isEqualTo(0.25);
    assertThat(Work.of(0, 24).intensity()).isNaN();
  }

  @Test
  void times() {
    assertThat(Report.time(0.0456)).isEqualTo("0.0456 µs");
    assertThat(Report.time(12.34)).isEqualTo("12.3 µs");
    assertThat(Report.time(4560)).isEqualTo("4.56 ms");
    assertThat(Report.time(2_500_000)).isEqualTo("2.50 s");
  }

  @Test
  void whatIsCommonStandsAboveTheTable() {
    List<Result> results =
        List.of(
            new Result(
                "A.a", Map.of("batch", "256", "threads", "1"), 1, 0.5, 1234.4, Work.of(2e3, 0)),
            result("A.a", Map.of("batch", "32", "threads", "1"), 10, 2e3, 2e3),
            result("B.b", Map.of(), 10, 0, 0));
    assertThat(Report.table(results).lines())
        .containsExactly(
            "throughout: threads=1",
            "benchmark  parameters     time  ± 99.9 %          rate     memory  of peak     heap",
            "A.a        batch=32    10.0 µs         -  0.20 GFLOP/s  0.20 GB/s",
            "A.a        batch=256   1.00 µs   0.50 µs  2.00 GFLOP/s                      1,234 B",
            "B.b                    10.0 µs         -");
  }
}
