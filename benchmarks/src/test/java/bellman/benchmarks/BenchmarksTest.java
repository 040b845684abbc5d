package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.cli.Bench;
import bellman.rl.cli.Failure;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every benchmark's checks and one call of it, on toy sizes; times mean nothing here. */
class BenchmarksTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int bench(String... args) throws Exception {
    return new Benchmarks(new PrintStream(out, true, "UTF-8"), new PrintStream(err, true, "UTF-8"))
        .run(args);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static UpdateBenchmark update(String device) {
    UpdateBenchmark b = new UpdateBenchmark();
    b.device = device;
    b.threads = 1;
    b.batch = 2;
    b.transitions = 8;
    return b;
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "java", "reference"})
  void updates(String device) {
    UpdateBenchmark b = update(device);
    b.setUp();
    b.update();
    b.tearDown();
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "java"})
  void acts(String device) {
    ActBenchmark b = new ActBenchmark();
    b.device = device;
    b.threads = 1;
    b.setUp();
    assertThat(b.act()).isBetween(0, 3);
    b.tearDown();
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "java", "reference"})
  void insertsAndSamples(String device) {
    ReplayBenchmark b = new ReplayBenchmark();
    b.device = device;
    b.threads = 1;
    b.batch = 3;
    b.transitions = 8;
    b.setUp();
    for (int i = 0; i < 20; i++) {
      assertThat(b.insert()).isEqualTo(8);
    }
    assertThat(b.sample().r().shape().dim(0)).isEqualTo(3);
    b.tearDown();
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "java"})
  void multiplies(String device) {
    PeakBenchmark b = new PeakBenchmark();
    b.device = device;
    b.threads = 1;
    b.n = 8;
    b.setUp();
    assertThat(b.product().shape().dim(1)).isEqualTo(8);
    b.tearDown();
  }

  @ParameterizedTest
  @CsvSource({
    "tcp, 1, png",
    "tcp, 9, float",
    "in-process, 9, png",
    "in-process, 1, float",
    "tcp, 1, vector",
    "in-process, 64, vector"
  })
  void stepsAndEchoes(String transport, int agents, String observation) throws Exception {
    BridgeBenchmark b = new BridgeBenchmark();
    b.transport = transport;
    b.agents = agents;
    b.observation = observation;
    b.setUp();
    assertThat(b.step().decisions().size()).isEqualTo(agents);
    assertThat(
            b.echo()
                .getUnityInput()
                .getRlInput()
                .getAgentActionsOrThrow("Bench?team=0")
                .getValueCount())
        .isEqualTo(agents);
    b.tearDown();
  }

  @Test
  void ratesStandBesideThePeak() {
    Map<String, String> act = Map.of("device", "onednn");
    double flop = Work.of("ActBenchmark.act", act).amount();
    assertThat(Report.row("ActBenchmark.act", act, 1, Double.NaN, 1e-3 / flop / 4, 1234.4))
        .containsExactly(
            "ActBenchmark.act", "device=onednn", "1.000", "-", "15 GFLOP/s", "25 %", "1,234 B");
    assertThat(Report.row("ActBenchmark.act", act, 1, 0.5, null, null))
        .endsWith("15 GFLOP/s", "", "");
    assertThat(Report.row("ReplayBenchmark.insert", act, 1, 0.5, 1e-9, null).get(5)).isEmpty();
    Map<String, String> nine = Map.of("agents", "9");
    assertThat(Report.row("BridgeBenchmark.step", nine, 2, 0.5, null, null).get(4))
        .isEqualTo("4,500 agents/s");
    assertThat(Report.row("BridgeBenchmark.echo", nine, 2, 0.5, null, null).get(4))
        .isEqualTo("500 calls/s");
    assertThat(Work.of(Work.PEAK, Map.of("n", "10")).amount()).isEqualTo(2000);
  }

  @Test
  void theCommandPrintsWhatWasMeasured(@TempDir Path folder) throws Exception {
    Path json = folder.resolve("all.json");
    int code =
        bench(
            "Replay.*sample",
            "--quick",
            "--forks",
            "0",
            "--time",
            "10",
            "--threads",
            "1",
            "--device",
            "java",
            "-p",
            "batch=2,3",
            "-p",
            "transitions=8",
            "--json",
            json.toString());
    assertThat(code).isZero();
    assertThat(out().lines())
        .hasSize(3)
        .anyMatch(
            line ->
                line.matches(
                    "ReplayBenchmark\\.sample +batch=2 device=java threads=1 transitions=8"
                        + " +[0-9.]+ +[0-9.]+ +[0-9.]+ GB/s +[0-9,]+ B"))
        .anyMatch(line -> line.contains(" batch=3 device=java threads=1 transitions=8 "));
    assertThat(json).content().contains("\"batch\" : \"3\"", "rawData");
    assertThat(err()).contains("ReplayBenchmark.sample {batch=2, device=java, threads=1");
  }

  @Test
  void theCommandIsFoundAndHelps() throws Exception {
    assertThat(ServiceLoader.load(Bench.class).findFirst()).containsInstanceOf(Benchmarks.class);
    assertThat(bench("--help")).isZero();
    assertThat(out())
        .contains("--quick", "ActBenchmark.act", "UpdateBenchmark.update")
        .contains("ReplayBenchmark.insert", "ReplayBenchmark.sample");
  }

  @Test
  void aBenchmarkThatFailsSaysWhy() {
    assertThatThrownBy(() -> bench("Act", "--forks", "0", "--time", "1", "--device", "abacus"))
        .isInstanceOf(Failure.class)
        .hasMessage("a benchmark failed; what it said stands above (--verbose shows where)");
    assertThat(err()).contains("device: 'abacus' is unknown").doesNotContain("\tat ");
  }

  @Test
  void misuseIsTold() throws Exception {
    assertThat(bench("Nothing")).isEqualTo(2);
    assertThat(err()).contains("nothing matches 'Nothing'; there are ActBenchmark.act, ");
    assertThat(bench("--qick")).isEqualTo(2);
    assertThat(err()).contains("Unknown option: '--qick'", "bellman bench --help");
  }

  @Test
  void aDeviceThatIsNotTheOneAskedForIsRefused() {
    Workload.checkOpened("onednn", 2, "oneDNN 3.11, threads: 2", null);
    Workload.checkOpened("onednn", 2, "oneDNN 3.11, threads: as OMP_NUM_THREADS says", "2");
    Workload.checkOpened("java", 1, "Java 17, threads: 1", null);
    Workload.checkOpened("reference", 4, "reference", null);
    String gpu = "NVIDIA H100 80GB HBM3 (compute capability 9.0), CUDA 13.0, FP32";
    Workload.checkOpened("cuda:1", 4, gpu, null);
    assertThatThrownBy(() -> Workload.checkOpened("java", 4, gpu, null))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Workload.checkOpened("cuda", 2, "Java 17, threads: 2", null))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Workload.checkOpened("onednn", 2, "Java 17, threads: 2", null))
        .hasMessage(
            "benchmark: device=onednn threads=2 was asked for, 'Java 17, threads: 2' (threads: 2)"
                + " was opened");
    assertThatThrownBy(() -> Workload.checkOpened("java", 2, "Java 17, threads: 12", null))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(
            () ->
                Workload.checkOpened(
                    "onednn", 2, "oneDNN 3.11, threads: as OMP_NUM_THREADS says", null))
        .hasMessageContaining("(threads: null)");
  }

  @Test
  void wrongResultsAreRefused() {
    Workload.checkEqual("x", 2, 2.0001, 1e-4);
    assertThatThrownBy(() -> Workload.checkEqual("the loss", 2, 2.001, 1e-4))
        .hasMessage("benchmark: the loss is 2.00100000, expected 2.00000000 within 1e-04 of it");
    assertThatThrownBy(() -> Workload.checkEqual("the loss", 2, Double.NaN, 1e-4))
        .isInstanceOf(IllegalStateException.class);
    ActBenchmark.check(new float[] {1, 2}, new float[] {1, 2}, 1);
    assertThatThrownBy(() -> ActBenchmark.check(new float[] {1, 2}, new float[] {1, 2}, 0))
        .hasMessageContaining("action 0");
    assertThatThrownBy(() -> ActBenchmark.check(new float[] {1, 2}, new float[] {1, 2.1f}, 1))
        .hasMessageContaining("Q(s, 1)");
  }

  @Test
  void workIsCountedFromTheOperands() {
    Work update = Work.of("UpdateBenchmark.update", Map.of("batch", "32"));
    assertThat(update.amount()).isBetween(1.65e9, 1.67e9);
    assertThat(update.rate(0.0166)).isEqualTo("100 GFLOP/s");
    Work sample = Work.of("ReplayBenchmark.sample", Map.of("batch", "32"));
    assertThat(sample.amount()).isEqualTo(64 * 16128 * 9.0);
    assertThat(Work.of("Other.thing", Map.of())).isNull();
  }

  @Test
  void medianOfUpdates() {
    assertThat(UpdateTimes.measure(update("java"), 0, 3))
        .matches(
            "\\{\"engine\": \"bellman\", \"device\": \"java\", \"threads\": 1, \"batch\": 2,"
                + " \"updates\": 3, \"median_ms\": \\{\"sampled\": [0-9.]+}, \"p90_ms\": [0-9.]+}");
  }
}
