package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.cli.Bench;
import bellman.rl.cli.Failure;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  private static String[] tiny(String... more) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "--quick", "--forks", "0", "--time", "10", "--threads", "1", "--device", "java"));
    all.addAll(List.of("-p", "product=16x16x16", "-p", "shape=16x16"));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  @Test
  void theCommandPrintsWhatWasMeasured(@TempDir Path folder) throws Exception {
    Path json = folder.resolve("all.json");
    int code =
        bench(
            tiny(
                "Replay.*sample",
                "-p",
                "batch=2,3",
                "-p",
                "transitions=8",
                "--json",
                json.toString()));
    assertThat(code).isZero();
    assertThat(out().lines())
        .anyMatch(line -> line.matches("java: Java \\d+, threads: 1"))
        .contains(
            "throughout: calls=1 device=java kernel=copy precision=fp32"
                + " product=1024x1024x1024 rung=engine shape=65536x256 threads=1 transitions=8")
        .anyMatch(
            line ->
                line.matches(
                    "ReplayBenchmark\\.sample +batch=2 +[0-9.]+ .s +[0-9.]+ .s +[0-9.]+ GB/s"
                        + " +[0-9]+ % copy +[0-9,]+ B"))
        .anyMatch(line -> line.matches("ReplayBenchmark\\.sample +batch=3 .*"))
        .anyMatch(line -> line.matches("GemmBenchmark\\.gemm .* GFLOP/s .* 100 % GEMM .*"));
    assertThat(Results.read(json).results()).hasSize(4);
    assertThat(err())
        .contains(
            "[3/4] ReplayBenchmark.sample batch=2 device=java threads=1 transitions=8 ......");
  }

  @Test
  void resultsAreReportedComparedAndDrawnWithoutMeasuring(@TempDir Path folder) throws Exception {
    Path json = folder.resolve("all.json");
    assertThat(bench(tiny("Gemm", "--json", json.toString()))).isZero();
    out.reset();
    Path chart = folder.resolve("roof.svg");
    assertThatThrownBy(() -> bench("Adam", "--from", json.toString()))
        .isInstanceOf(Failure.class)
        .hasMessage(json + ": no result matches 'Adam'");
    assertThat(
            bench(
                "--from",
                json.toString(),
                "--compare",
                json.toString(),
                "--chart",
                chart.toString()))
        .isZero();
    assertThat(out())
        .contains(
            "5 compared with earlier results: 0 faster, 0 slower, 5 equal, 0 unclear (large errors);"
                + " 0 are only here, 0 only there");
    assertThat(Files.readString(chart).contains("rgb(86,180,233)")).as("tiled").isTrue();
  }

  @Test
  void aChartThatCannotBeDrawnIsNoFailure(@TempDir Path folder) throws Exception {
    Path chart = folder.resolve("roof.png");
    assertThat(bench(tiny("Bridge.*echo", "-p", "agents=1", "--chart", chart.toString()))).isZero();
    assertThat(err()).contains(chart + " was not drawn; --from draws it elsewhere: no chart: ");
    assertThat(out()).contains("BridgeBenchmark.echo");
  }

  @Test
  void devicesThatDoNotOpenAreLeftOut(@TempDir Path folder) throws Exception {
    System.setProperty("bellman.cuda.lib", folder.toString());
    assertThat(bench(tiny("Act", "--device", "java,cuda:99"))).isZero();
    assertThat(err()).contains("left out: device cuda:99: not opened: ");
    assertThat(out()).contains("ActBenchmark.act").doesNotContain("cuda");
    assertThatThrownBy(() -> bench("Act", "--device", "cuda:99"))
        .isInstanceOf(Failure.class)
        .hasMessage("nothing is left to measure; why stands above");
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
  void aBenchmarkThatFailsSaysWhyAndTheOthersGoOn() throws Exception {
    String[] arguments =
        tiny("Bridge.*echo", "-p", "transport=pigeon,in-process", "-p", "agents=1");
    assertThatThrownBy(() -> bench(arguments))
        .isInstanceOf(Failure.class)
        .hasMessage("a benchmark failed; what it said stands above (--verbose shows where)");
    assertThat(err()).contains("transport=pigeon is unknown").doesNotContain("\tat ");
    assertThat(out()).contains("BridgeBenchmark.echo", " calls/s");
  }

  @Test
  void misuseIsTold() throws Exception {
    assertThat(bench("Nothing")).isEqualTo(2);
    assertThat(err()).contains("nothing matches 'Nothing'; there are ActBenchmark.act, ");
    assertThat(bench("--qick")).isEqualTo(2);
    assertThat(err()).contains("Unknown option: '--qick'", "bellman bench --help");
    assertThat(bench("Act", "--device", "abacus")).isEqualTo(2);
    assertThat(err()).contains("bellman bench: device: 'abacus' is unknown; the names are ");
    assertThat(bench("Act", "--device", "java", "-p", "batsh=3")).isEqualTo(2);
    assertThat(err()).contains("-p batsh: no benchmark here has that parameter; there are calls, ");
    assertThat(bench("Update", "--device", "java", "-p", "batch=0")).isEqualTo(2);
    assertThat(err()).contains("batch: '0' is not a number of 1 or more");
    assertThat(bench("Update", "--chart", "roof.pdf")).isEqualTo(2);
    assertThat(err())
        .contains("roof.pdf: pictures are written as .png or .svg; give it one of these endings");
    assertThat(bench("Update", "--threads", "many")).isEqualTo(2);
    assertThat(err()).contains("threads: 'many' is not a number of 1 or more");
  }

  @Test
  void aDeviceThatIsNotTheOneAskedForIsRefused() {
    Workload.checkOpened("onednn", 2, "fp32", "oneDNN 3.11, threads: 2", null);
    Workload.checkOpened("onednn", 2, "fp32", "oneDNN 3.11, threads: as OMP_NUM_THREADS says", "2");
    Workload.checkOpened("java", 1, "fp32", "Java 17, threads: 1", null);
    Workload.checkOpened("reference", 4, "fp32", "reference", null);
    String gpu = "NVIDIA H100 80GB HBM3 (compute capability 9.0), CUDA 13.0, FP32";
    Workload.checkOpened("cuda:1", 4, "fp32", gpu, null);
    assertThatThrownBy(() -> Workload.checkOpened("java", 4, "fp32", gpu, null))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Workload.checkOpened("cuda", 2, "fp32", "Java 17, threads: 2", null))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Workload.checkOpened("onednn", 2, "fp32", "Java 17, threads: 2", null))
        .hasMessage(
            "benchmark: device=onednn threads=2 was asked for, 'Java 17, threads: 2' (threads: 2)"
                + " was opened");
    assertThatThrownBy(() -> Workload.checkOpened("java", 2, "fp32", "Java 17, threads: 12", null))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(
            () ->
                Workload.checkOpened(
                    "onednn", 2, "fp32", "oneDNN 3.11, threads: as OMP_NUM_THREADS says", null))
        .hasMessageContaining("(threads: null)");
    assertThatThrownBy(() -> Workload.checkOpened("cuda", 1, "tf32", gpu, null))
        .hasMessage("benchmark: precision=tf32 was asked for, '" + gpu + "' was opened");
    assertThatThrownBy(() -> Workload.checkOpened("java", 1, "tf32", "Java 17, threads: 1", null))
        .hasMessage("benchmark: a CPU computes in fp32, precision=tf32 was asked for");
  }

  @Test
  void wrongResultsAreRefused() {
    Workload.checkEqual("x", 2, 2.0001, 1e-4);
    assertThatThrownBy(() -> Workload.checkEqual("the loss", 2, 2.001, 1e-4))
        .hasMessage("benchmark: the loss is 2.00100000, expected 2.00000000 within 1e-04 of it");
    assertThatThrownBy(() -> Workload.checkEqual("the loss", 2, Double.NaN, 1e-4))
        .isInstanceOf(IllegalStateException.class);
    ActBenchmark.check(new float[] {1, 2}, new float[] {1, 2}, 1, 1e-4);
    assertThatThrownBy(() -> ActBenchmark.check(new float[] {1, 2}, new float[] {1, 2}, 0, 1e-4))
        .hasMessageContaining("action 0");
    assertThatThrownBy(() -> ActBenchmark.check(new float[] {1, 2}, new float[] {1, 2.1f}, 1, 1e-4))
        .hasMessageContaining("Q(s, 1)");
  }

  @Test
  void workIsCountedFromTheOperands() {
    UpdateBenchmark update = update("java");
    update.batch = 32;
    assertThat(update.work("update").flops()).isBetween(1.65e9, 1.67e9);
    ReplayBenchmark replay = new ReplayBenchmark();
    replay.batch = 32;
    assertThat(replay.work("sample").bytes()).isEqualTo(64 * 16128 * 9.0);
    assertThat(replay.work("insert").bytes()).isEqualTo(2 * 16128);
    BridgeBenchmark bridge = new BridgeBenchmark();
    bridge.agents = 9;
    assertThat(bridge.work("step")).isEqualTo(Work.items(9, "agents"));
    assertThat(bridge.work("echo")).isEqualTo(Work.items(1, "calls"));
  }

  @Test
  void medianOfUpdates() {
    assertThat(UpdateTimes.measure(update("java"), 0, 3))
        .matches(
            "\\{\"engine\": \"bellman\", \"device\": \"java\", \"threads\": 1, \"batch\": 2,"
                + " \"updates\": 3, \"median_ms\": \\{\"sampled\": [0-9.]+}, \"p90_ms\": [0-9.]+}");
  }
}
