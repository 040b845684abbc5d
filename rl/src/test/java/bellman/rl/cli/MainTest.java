package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.Outcome;
import bellman.rl.config.Resolved;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnSettings;
import bellman.rl.dqn.Encoder;
import bellman.rl.dqn.NetworkSettings;
import bellman.unity.RestartLimits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  /** Runs nothing and notes what it was asked. */
  private static class Stub implements Services {
    private final List<Object> asked = new ArrayList<>();
    private Outcome.Reason reason = Outcome.Reason.COMPLETED;
    private RuntimeException failure;
    private Finding backend = Finding.ok("cpu", "opens");

    private Outcome outcome() {
      if (failure != null) {
        throw failure;
      }
      return new Outcome(reason, 1, 1, 1, 1, 1, 1);
    }

    @Override
    public Outcome train(Resolved settings, Interruption interruption) {
      asked.add(settings.config());
      return outcome();
    }

    @Override
    public Outcome evaluate(
        Resolved settings, Path run, EvaluateOptions options, Interruption stop) {
      asked.add(settings.config());
      asked.add(run);
      asked.add(options);
      return outcome();
    }

    @Override
    public int gridWorld(String[] args) {
      asked.addAll(List.of(args));
      return 7;
    }

    @Override
    public Path installGridWorld(Path directory, List<String> launcher) {
      asked.add(launcher);
      return directory.resolve("GridWorld");
    }

    @Override
    public List<Finding> backends(RunConfig config) {
      asked.add(config);
      return List.of(backend);
    }
  }

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Stub stub = new Stub();

  private int run(String... args) {
    Streams streams = new Streams(new PrintWriter(out), new PrintWriter(err));
    return new Main(streams, stub, new Interruption()).run(args);
  }

  private RunConfig config() {
    return (RunConfig) stub.asked.get(0);
  }

  @Test
  void trainPrintsItsSettingsAndEndsWithZero() {
    assertThat(run("train", "--steps", "100", "--seed=3")).isZero();
    assertThat(config().learning().steps()).isEqualTo(100);
    assertThat(out.toString()).contains("steps 100 (--steps)", "seed 3 (--seed)");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void quietSaysNothing() {
    assertThat(run("train", "--quiet")).isZero();
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void everyFlagReachesItsSetting() {
    assertThat(
            run(
                "train",
                "--seed",
                "-1",
                "--no-graphics",
                "--reproducible",
                "--environment-parameters",
                "gridSize=6",
                "--environment-parameters=a=1,b=2",
                "--env",
                "Grid",
                "--env-args",
                "--steps",
                "3",
                "-x"))
        .isZero();
    assertThat(config().compute().seed()).isNotNegative();
    assertThat(config().compute().reproducible()).isTrue();
    assertThat(config().world().noGraphics()).isTrue();
    assertThat(config().world().environmentParameters()).containsOnlyKeys("gridSize", "a", "b");
    assertThat(config().world().envArgs()).containsExactly("--steps", "3", "-x");
    assertThat(config().learning().steps()).isEqualTo(50_000);
  }

  @Test
  void aFlagCanSwitchOffWhatTheFileSwitchedOn() throws IOException {
    Path file = Files.writeString(folder.resolve("a.yaml"), "torch_settings: {reproducible: true}");
    assertThat(run("train", file.toString(), "--no-reproducible")).isZero();
    assertThat(config().compute().reproducible()).isFalse();
  }

  @Test
  void warningsOfAFileAreShown() throws IOException {
    Path file = Files.writeString(folder.resolve("a.yaml"), "debug: true\n");
    assertThat(run("train", file.toString())).isZero();
    assertThat(err.toString())
        .startsWith("warning: a.yaml:1: debug: 'true': has no effect: give the flag --verbose");
  }

  @Test
  void exitCodes() {
    stub.reason = Outcome.Reason.STOPPED;
    assertThat(run("train")).isEqualTo(Main.DONE);
    stub.reason = Outcome.Reason.INTERRUPTED;
    assertThat(run("train")).isEqualTo(Main.INTERRUPTED);
    stub.failure = new Failure("the player died; look at its log");
    assertThat(run("train")).isEqualTo(Main.FAILED);
    assertThat(err.toString().lines())
        .containsExactly("bellman train: the player died; look at its log");
  }

  @Test
  void aStackTraceIsForTheVerbose() {
    stub.failure = new IllegalStateException("odd");
    assertThat(run("train")).isEqualTo(Main.FAILED);
    assertThat(err.toString().lines())
        .containsExactly(
            "bellman train: java.lang.IllegalStateException: odd", "(--verbose shows where)");
    assertThat(run("train", "--verbose")).isEqualTo(Main.FAILED);
    assertThat(err.toString()).contains("\tat bellman.rl.cli.MainTest");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "train --batchsize 3 | unknown option '--batchsize'; did you mean --batch-size?",
        "train --lerning-rate=3 | unknown option '--lerning-rate'; did you mean --learning-rate?",
        "train --torch-device cpu | unknown option '--torch-device'; here it is --device",
        "train --batch-size 0 | batchSize (--batch-size) is 0; allowed: 1 to 65,536",
        "train --steps | Missing required parameter for option '--steps' (N)",
        "train a.yaml b.yaml | unexpected 'b.yaml'",
        "train --inference | inference needs the name of a run whose policy plays: give --run-id ID or"
            + " --initialize-from RUN",
        "train --inference --force --run-id x | inference and force exclude each other: --force would"
            + " overwrite the run whose policy plays",
        "train --vis-encode-type resnet | visEncodeType (--vis-encode-type): 'resnet' is not known;"
            + " allowed: nature_cnn, simple, match3, fully_connected",
        "train nowhere.yaml | there is no file 'nowhere.yaml'",
        "train --resume | resume needs the name of a run: give --run-id ID",
        "tran | unknown command 'tran'; did you mean train?",
        "evaluate | Missing required parameter: 'RUN'",
        "evaluate x --epsilon 2 | --epsilon is 2.0; allowed: 0 to 1",
        "evaluate x --epsilon NaN | --epsilon is NaN; allowed: 0 to 1",
        "evaluate x --episode 3 | unknown option '--episode'; did you mean --episodes?"
      })
  void badUsage(String line, String message) {
    assertThat(run(line.split(" "))).isEqualTo(Main.USAGE);
    assertThat(err.toString().lines().findFirst().orElse("")).contains(message);
    assertThat(stub.asked).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "train",
        "evaluate",
        "import",
        "export",
        "plot",
        "gridworld",
        "record",
        "replay",
        "doctor",
        "fetch-cuda"
      })
  void helpEverywhere(String command) {
    assertThat(run((command + " --help").strip().split(" "))).isZero();
    assertThat(out.toString()).contains("Usage: bellman " + command);
    assertThat(out.toString().lines()).allMatch(line -> line.length() <= 100);
  }

  @Test
  void helpComesFromTheTable() {
    run("train", "--help");
    assertThat(out.toString())
        .contains(
            """
            Learning
              --steps N                       agent steps of training; fixes every schedule [default 50000; 1 or
                                              more]
              --batch-size N                  transitions in an update [default 32; 1 to 65,536]
            """,
            """
              --goal-conditioning gate|none   gate: what is seen times each element of the goal signal; none:
                                              the goal signal is a vector like others [default gate]
            """,
            """
              --no-graphics                   start the build without a window
            """,
            """
              --[no-]reproducible             equal seeds give equal bits, at some cost in speed
            """,
            """
            Other
            """);
  }

  @Test
  void aPrintedConfigurationCanBeTrained() throws IOException {
    assertThat(run("train", "--print-config", "--gamma", "0.5")).isZero();
    assertThat(stub.asked).isEmpty();
    Path file = Files.writeString(folder.resolve("c.yaml"), out.toString());
    assertThat(run("train", file.toString())).isZero();
    assertThat(config().learning().gamma()).isEqualTo(0.5);
  }

  @Test
  void resumeReadsTheRunsOwnConfiguration() throws IOException {
    Path run = Files.createDirectories(folder.resolve("r1"));
    RunConfig before = RunConfig.defaults().with("gamma", "0.5").with("runId", "old");
    Files.writeString(run.resolve("configuration.yaml"), before.toYaml());
    String results = "--results-dir=" + folder;
    assertThat(run("train", "--resume", "--run-id", "r1", results, "--batch-size", "8")).isZero();
    assertThat(config().learning().gamma()).isEqualTo(0.5);
    assertThat(config().learning().batchSize()).isEqualTo(8);
    assertThat(config().compute().seed()).isEqualTo(before.compute().seed());
    assertThat(config().folder().runId()).contains("r1");
    assertThat(config().folder().resultsDir()).isEqualTo(folder);
  }

  /** Defaults and another seed would go on with another run. */
  @Test
  void aRunWithoutItsConfigurationIsGoneOnWithOnlyWithAnother() throws IOException {
    Path checkpoints = Files.createDirectories(folder.resolve("r1/GridWorld/checkpoint"));
    Files.createFile(checkpoints.resolve("step-000000010.safetensors"));
    Path lost = folder.resolve("r1/configuration.yaml");
    String[] resume = {"train", "--resume", "--run-id", "r1", "--results-dir=" + folder};
    assertThat(run(resume)).isEqualTo(Main.FAILED);
    Files.createFile(lost);
    assertThat(run(resume)).isEqualTo(Main.FAILED);
    String why =
        ", so the settings that its weights were trained with are unknown. Give them as a file:"
            + " bellman train CONFIG.yaml --resume --run-id r1";
    assertThat(err.toString().lines())
        .containsExactly(
            "bellman train: " + lost + " is not there" + why,
            "bellman train: " + lost + " is empty" + why);
    assertThat(stub.asked).isEmpty();
    Path other = Files.writeString(folder.resolve("a.yaml"), "seed: 5\n");
    assertThat(
            run("train", other.toString(), "--resume", "--run-id", "r1", "--results-dir=" + folder))
        .isZero();
    assertThat(config().compute().seed()).isEqualTo(5);
  }

  @Test
  void inferenceReadsTheRunsOwnConfiguration() throws IOException {
    Path run = Files.createDirectories(folder.resolve("r1"));
    RunConfig before = RunConfig.defaults().with("visEncodeType", "simple").with("runId", "r1");
    Files.writeString(run.resolve("configuration.yaml"), before.toYaml());
    String results = "--results-dir=" + folder;
    assertThat(run("train", "--inference", "--run-id", "r1", results)).isZero();
    assertThat(config().folder().inference()).isTrue();
    assertThat(config().network().visEncodeType()).isEqualTo(RunConfig.VisEncodeType.SIMPLE);
    assertThat(run("train", "--inference", "--resume", "--run-id", "r1", results)).isZero();
  }

  @Test
  void aRunThatBeganWithOthersWeightsIsResumedFromItsOwn() throws IOException {
    Path run = Files.createDirectories(folder.resolve("r2"));
    RunConfig before = RunConfig.defaults().with("initializeFrom", "r1").with("runId", "r2");
    Files.writeString(run.resolve("configuration.yaml"), before.toYaml());
    String results = "--results-dir=" + folder;
    assertThat(run("train", "--resume", "--run-id", "r2", results)).isZero();
    assertThat(config().folder().initializeFrom()).isEmpty();
    assertThat(run("train", "--resume", "--run-id", "r2", results, "--initialize-from", "r1"))
        .isEqualTo(Main.USAGE);
    assertThat(err.toString()).contains("resume and initializeFrom exclude each other");
  }

  @Test
  void evaluateReadsTheRunsConfiguration() throws IOException {
    Path run = Files.createDirectories(folder.resolve("r1"));
    Files.writeString(
        run.resolve("configuration.yaml"), RunConfig.defaults().with("gamma", "0.5").toYaml());
    String results = "--results-dir=" + folder;
    assertThat(run("evaluate", "r1", results)).isEqualTo(Main.FAILED);
    assertThat(err.toString()).contains("r1 holds no checkpoint yet");
    Path weights =
        Files.createDirectories(run.resolve("GridWorld/checkpoint"))
            .resolve("step-000000010.safetensors");
    Files.createFile(weights);
    assertThat(run("evaluate", "r1", results, "--episodes", "9", "--epsilon", "0.05")).isZero();
    assertThat(stub.asked.subList(1, 3))
        .containsExactly(
            weights.getParent(), new EvaluateOptions(9, Optional.empty(), Optional.empty(), 6));
    assertThat(config().learning().gamma()).isEqualTo(0.5);
    assertThat(config().evaluation().epsilonEval()).isEqualTo(0.05);
    assertThat(run("evaluate", "r1", results, "--episodes", "0")).isEqualTo(Main.USAGE);
    assertThat(run("evaluate", "r2", results)).isEqualTo(Main.FAILED);
    assertThat(err.toString()).contains("there is no run 'r2' in", "did you mean r1?");
  }

  /** A checkpoint of a run is played with that run's settings. */
  @Test
  void evaluateFindsTheConfigurationOfACheckpoint() throws IOException {
    Path run = Files.createDirectories(folder.resolve("r1"));
    Files.writeString(
        run.resolve("configuration.yaml"), RunConfig.defaults().with("gamma", "0.5").toYaml());
    Path checkpoints = Files.createDirectories(run.resolve("GridWorld/checkpoint"));
    Path weights = Files.createFile(checkpoints.resolve("step-000000010.safetensors"));
    assertThat(run("evaluate", weights.toString(), "--json")).isZero();
    assertThat(config().learning().gamma()).isEqualTo(0.5);
    assertThat(stub.asked.get(1)).isEqualTo(weights);
    assertThat(stub.asked.get(2))
        .isEqualTo(new EvaluateOptions(1000, Optional.of("-"), Optional.empty(), 6));
    assertThat(out.toString()).as("JSON alone").isEmpty();
    stub.asked.clear();
    assertThat(run("evaluate", run.resolve("GridWorld").toString(), "--json")).isZero();
    assertThat(config().learning().gamma()).isEqualTo(0.5);
    assertThat(stub.asked.get(1)).isEqualTo(checkpoints);
    stub.asked.clear();
    Path json = folder.resolve("e.json");
    Path gif = folder.resolve("e.gif");
    assertThat(
            run(
                "evaluate",
                weights.toString(),
                "--json=" + json,
                "--gif=" + gif,
                "--gif-episodes=2"))
        .isZero();
    assertThat(stub.asked.get(2))
        .isEqualTo(new EvaluateOptions(1000, Optional.of(json.toString()), Optional.of(gif), 2));
    assertThat(out.toString()).contains("gamma 0.5");
  }

  @Test
  void filesThatCannotBeWrittenAreRefusedFirst() throws IOException {
    Path weights = Files.createFile(folder.resolve("w.safetensors"));
    String there = folder.toString();
    for (String[] bad :
        new String[][] {
          {"--gif", there + "/a.png", "--gif " + there + "/a.png: the name must end with .gif"},
          {"--gif", there + "/no/a.gif", ": there is no folder " + there + "/no; make it first"},
          {"--json", there, "--json " + there + " is a folder; name a file in it"},
          {"--gif-episodes", "0", "--gif-episodes is 0; allowed: 1 or more"}
        }) {
      assertThat(run("evaluate", weights.toString(), bad[0], bad[1])).isEqualTo(Main.USAGE);
      assertThat(err.toString()).contains(bad[2]);
    }
    assertThat(stub.asked).isEmpty();
  }

  private Path plotted(String name, RunConfig config, String rows) throws IOException {
    Path run = Files.createDirectories(folder.resolve(name).resolve("run_logs")).getParent();
    Files.writeString(run.resolve("configuration.yaml"), config.toYaml());
    Files.writeString(
        run.resolve("run_logs/summary.csv"), "step,phase,mean_return,loss,mean_q,epsilon\n" + rows);
    return run;
  }

  @Test
  void plotDrawsOneRunBesideItsTables() throws IOException {
    Path run = plotted("r1", RunConfig.defaults(), "10,training,1,,,0.9\n20,testing,1,,,0.1\n");
    assertThat(run("plot", "r1", "--results-dir=" + folder)).isZero();
    Path logs = run.toRealPath().resolve("run_logs");
    assertThat(out.toString().lines())
        .containsExactly(logs + "/learning_curves.png", logs + "/learning_curves.svg");
    assertThat(logs.resolve("learning_curves.png")).isNotEmptyFile();
  }

  @Test
  void plotDrawsSeveralRunsWhereItIsTold() throws IOException {
    RunConfig config = RunConfig.defaults();
    plotted("r1", config, "10,training,1,,,0.9\n");
    Path r2 = plotted("r2", config.with("seed", "7"), "10,training,2,,,0.9\n");
    plotted("r3", config.with("gamma", "0.5"), "10,training,2,,,0.9\n");
    String results = "--results-dir=" + folder;
    Path svg = folder.resolve("c.svg");
    assertThat(run("plot", "r1", r2.toString(), "r3", "r1", results, "-o", svg.toString()))
        .isZero();
    assertThat(out.toString().strip()).isEqualTo(svg.toString());
    assertThat(svg).isNotEmptyFile();
    assertThat(run("plot", "r1", "r2", results, "--each")).isZero();
    assertThat(folder.resolve("learning_curves.png")).isNotEmptyFile();
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void plotOfPathsNeedsAFolderToDrawIn() throws IOException {
    Path r1 = plotted("r1", RunConfig.defaults(), "10,training,1,,,0.9\n");
    Path r2 = plotted("r2", RunConfig.defaults(), "10,training,2,,,0.9\n");
    Path none = folder.resolve("none");
    assertThat(run("plot", "" + r1, "" + r2, "--results-dir=" + none)).isEqualTo(Main.USAGE);
    assertThat(err.toString().strip())
        .isEqualTo(
            "bellman plot: --output %s/learning_curves.png: there is no folder %s; make it first"
                .formatted(none, none));
  }

  @Test
  void plotSaysWhatItCannotDraw() throws IOException {
    String results = "--results-dir=" + folder;
    plotted("r1", RunConfig.defaults(), "");
    Files.createDirectories(folder.resolve("empty"));
    Files.writeString(
        plotted("r2", RunConfig.defaults(), "10,training,1,,,1\n").resolve("configuration.yaml"),
        "behaviour: {}\n");
    assertThat(run("plot", "r1", results)).isEqualTo(Main.FAILED);
    assertThat(run("plot", "empty", results)).isEqualTo(Main.FAILED);
    assertThat(run("plot", "r9", results)).isEqualTo(Main.FAILED);
    assertThat(run("plot", "/", results)).isEqualTo(Main.FAILED);
    assertThat(run("plot", "r2", results, "-o", "c.jpg")).isEqualTo(Main.USAGE);
    assertThat(run("plot", results)).isEqualTo(Main.USAGE);
    assertThat(run("plot", "r2", results)).isZero();
    assertThat(err.toString())
        .contains(
            "r1 has nothing to draw yet: no window of episodes has ended; train longer",
            "there is no " + folder.toRealPath().resolve("empty/run_logs/summary.csv"),
            "there is no run 'r9' in",
            "there is no /run_logs/summary.csv",
            "--output c.jpg: the name must end with .png or .svg",
            "Missing required parameter: 'RUN'",
            "it is drawn as a curve of its own");
  }

  @Test
  void gridWorldGetsItsArgumentsAsTheyAre() {
    String[] args = {"-nographics", "-batchmode", "--mlagents-port", "5005", "-logFile", "x y"};
    String[] line = new String[args.length + 1];
    line[0] = "gridworld";
    System.arraycopy(args, 0, line, 1, args.length);
    assertThat(run(line)).isEqualTo(7);
    assertThat(stub.asked).containsExactly((Object[]) args);
  }

  @Test
  void gridWorldInstalls() {
    assertThat(run("gridworld", "--install", "there")).isZero();
    assertThat(out.toString().strip()).isEqualTo(Path.of("there", "GridWorld").toString());
    assertThat(run("gridworld", "--install", "there", "--mlagents-port", "1"))
        .isEqualTo(Main.FAILED);
  }

  @Test
  void gridWorldIsInstalledInAFolder() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(run("gridworld", "--install", file.toString())).isEqualTo(Main.FAILED);
    assertThat(err.toString().strip())
        .isEqualTo("bellman gridworld: --install " + file + " is a file; name a folder");
    assertThat(stub.asked).isEmpty();
  }

  @Test
  void doctorFailsIfOneThingFails() {
    String results = "--results-dir=" + folder.resolve("new");
    assertThat(run("doctor", results, "--cuda-lib", "some/lib")).isZero();
    assertThat(out.toString()).contains("ok    java ", "ok    cpu  ", "ok    results ");
    assertThat(config().compute().cudaLib()).contains(Path.of("some/lib"));
    stub.backend = Finding.warn("cuda", "no driver");
    assertThat(run("doctor", results)).isZero();
    stub.backend = Finding.fail("cpu", "nothing opens");
    assertThat(run("doctor", results)).isEqualTo(Main.FAILED);
    assertThat(out.toString()).contains("warn  cuda ", "fail  cpu ");
    assertThat(folder.resolve("new")).doesNotExist();
  }

  @Test
  void doctorSeesTakenPortsAndOldProcessors() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThat(Examination.port(taken.getLocalPort(), "why").level())
          .isEqualTo(Finding.Level.WARN);
    }
    assertThat(
            Examination.processor(
                    "4 cores", List.of("model name\t: X 1", "flags\t\t: sse2 avx avx2 fma"))
                .toString())
        .isEqualTo("ok    processor         4 cores, X 1: avx avx2 fma");
    assertThat(Examination.processor("4 cores", List.of("flags : sse2 avx")).level())
        .isEqualTo(Finding.Level.WARN);
  }

  @Test
  void fetchCudaWithoutItsFile() {
    String absent = folder.resolve("absent.jar").toString();
    assertThat(run("fetch-cuda", "--jar", absent)).isEqualTo(Main.FAILED);
    assertThat(err.toString())
        .startsWith("bellman fetch-cuda: " + absent + " does not exist; give the file of org.");
  }

  @Test
  void version() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString()).startsWith("bellman ").contains("Java ");
    assertThat(run()).isEqualTo(Main.USAGE);
    assertThat(err.toString()).contains("Usage: bellman", "Exit codes: 0 done");
  }

  @Test
  void theLearnersPartOfADefaultConfigurationIsTheTutorials() {
    RunConfig config = RunConfig.defaults().with("seed", "5");
    assertThat(Wiring.dqn(config)).isEqualTo(DqnSettings.tutorial(50_000, 5));
    assertThat(Wiring.plan(config).stopAfter()).isEqualTo(Long.MAX_VALUE);
    assertThat(Wiring.plan(config).timeScale()).isEqualTo(12);
  }

  @Test
  void theNetworkReachesTheLearner() {
    for (RunConfig.VisEncodeType type : RunConfig.VisEncodeType.values()) {
      RunConfig config =
          RunConfig.defaults()
              .with("visEncodeType", type.name())
              .with("hiddenUnits", "33")
              .with("numLayers", "3");
      assertThat(Wiring.dqn(config).network())
          .isEqualTo(
              new NetworkSettings(
                  Encoder.valueOf(type.name()), OptionalInt.of(33), OptionalInt.of(3)));
      assertThat(Encoder.valueOf(type.name())).hasToString(config.texts().get("visEncodeType"));
    }
    assertThat(Encoder.values()).hasSameSizeAs(RunConfig.VisEncodeType.values());
  }

  @Test
  void onlyABuildThatWeStartedIsStartedAgain() {
    RunConfig config = RunConfig.defaults();
    assertThat(Worlds.restarts(config.world())).isEqualTo(RestartLimits.NONE);
    for (String elsewhere : List.of("editor=true", "listen=5005")) {
      String[] sides = elsewhere.split("=");
      assertThat(Worlds.restarts(config.with(sides[0], sides[1]).world()))
          .isEqualTo(RestartLimits.NONE);
    }
    RunConfig build = config.with("env", "Ball");
    assertThat(Worlds.restarts(build.world())).isEqualTo(RestartLimits.DEFAULT);
    RunConfig others =
        build
            .with("maxLifetimeRestarts", "-1")
            .with("restartsRateLimitN", "3")
            .with("restartsRateLimitPeriodS", "90");
    assertThat(Worlds.restarts(others.world()))
        .isEqualTo(new RestartLimits(-1, 3, Duration.ofSeconds(90)));
  }

  @Test
  void evaluatingNeedsNoRoomForBatches() {
    RunConfig config = RunConfig.defaults().with("bufferSize", "20000").with("batchSize", "8000");
    assertThat(Wiring.evaluation(config).batchSize()).isEqualTo(1);
    assertThat(Wiring.evaluation(config).bufferSize()).isEqualTo(4096);
    assertThat(Wiring.evaluation(config.with("agents", "4096")).bufferSize()).isEqualTo(4096);
    assertThat(Wiring.exporting(config.with("agents", "9")).bufferSize()).isEqualTo(1);
  }

  /** A process that trains until it is told to stop, and then takes a moment to save. */
  public static final class Endless {
    public static void main(String[] args) {
      Stub stub =
          new Stub() {
            @Override
            public Outcome train(Resolved settings, Interruption stop) {
              stop.begun();
              System.out.println("running");
              try {
                while (!stop.getAsBoolean()) {
                  TimeUnit.MILLISECONDS.sleep(5);
                }
                TimeUnit.MILLISECONDS.sleep(200);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              System.out.println("saved");
              return new Outcome(Outcome.Reason.INTERRUPTED, 1, 1, 1, 0, 0, 1);
            }
          };
      Main.process(stub, args);
    }
  }

  /** A process that waits for a player that does not come. */
  public static final class Waiting {
    public static void main(String[] args) {
      Stub stub =
          new Stub() {
            @Override
            public Outcome train(Resolved settings, Interruption stop) {
              System.out.println("running");
              try {
                TimeUnit.MINUTES.sleep(1);
                return super.outcome();
              } catch (InterruptedException e) {
                throw new Failure("nobody came", e);
              }
            }
          };
      Main.process(stub, args);
    }
  }

  @Test
  void aSignalLetsTheRunSaveAndEndsWith130() throws Exception {
    assertThat(signalled(Endless.class))
        .containsExactly("", "Interrupted: saving, please wait ...", "saved");
  }

  @Test
  void aSignalEndsAtOnceWhatHasNothingToSave() throws Exception {
    assertThat(signalled(Waiting.class))
        .containsExactly("", "Interrupted", "bellman train: nobody came");
  }

  /** What a process says from its SIGTERM on. */
  private static List<String> signalled(Class<?> main) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                main.getName(),
                "train",
                "--quiet")
            .redirectErrorStream(true)
            .start();
    try (var lines = process.inputReader()) {
      assertThat(lines.readLine()).isEqualTo("running");
      process.toHandle().destroy();
      List<String> said = lines.lines().toList();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(Main.INTERRUPTED);
      return said;
    } finally {
      process.destroyForcibly();
    }
  }
}
