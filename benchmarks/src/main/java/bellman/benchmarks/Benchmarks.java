package bellman.benchmarks;

import bellman.engine.Devices;
import bellman.rl.cli.Bench;
import bellman.rl.cli.Failure;
import bellman.rl.cli.Main;
import bellman.rl.picture.Page;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/**
 * {@code bellman bench}: runs the benchmarks that a filter matches on every device that opens, each
 * in a JVM of its own with this JVM's class path, options and environment (the launcher's OMP_*
 * among it), and prints a table to stdout; how it goes on stands on stderr. What the devices can do
 * at most is measured along with them.
 */
@Command(
    name = "bellman bench",
    header = "Run the benchmarks. Each one checks its results before it is timed.",
    synopsisHeading = "%nUsage: ",
    optionListHeading = "%nOptions:%n",
    usageHelpWidth = 100)
public final class Benchmarks implements Bench {
  static final String PACKAGE = "bellman.benchmarks.";
  private static final String CUDA_LIB = "bellman.cuda.lib";

  private final PrintStream out;
  private final PrintStream err;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILTER",
      description = "a part of the name, or a regular expression, as in Update; default: all")
  private String filter = "";

  @Option(
      names = "--quick",
      description =
          "few sizes, only Update on a CPU beside a GPU, 5 iterations of 0.15 s in this JVM: for a"
              + " look, not for figures")
  private boolean quick;

  @Option(
      names = "--threads",
      split = ",",
      paramLabel = "N",
      description = "of the device; several, as in 1,2, run one after the other; default: cores")
  private List<String> threads =
      List.of(Integer.toString(Runtime.getRuntime().availableProcessors()));

  @Option(
      names = "--device",
      split = ",",
      paramLabel = "NAME",
      description =
          "cuda, cuda:N, cpu (the faster of the next two), onednn, java, reference; default: cuda,"
              + " onednn and java, as far as they open")
  private List<String> devices = List.of("cuda", "onednn", "java");

  @Option(
      names = "--cuda-lib",
      paramLabel = "DIR",
      description = "where NVIDIA's libraries lie, before all places that are searched anyway")
  private Path cudaLib;

  @Option(
      names = "-p",
      paramLabel = "NAME=VALUE",
      description = "a parameter, as in -p batch=32,256 or -p device=cpu,cuda")
  private Map<String, String> parameters = new LinkedHashMap<>();

  @Option(names = "--forks", paramLabel = "N", description = "JVMs for each; 0: in this one")
  private Integer forks;

  @Option(
      names = "--time",
      paramLabel = "MS",
      description = "milliseconds of an iteration; default: the benchmark's own")
  private Integer time;

  @Option(names = "--json", paramLabel = "FILE", description = "write results as JSON, after each")
  private Path json;

  @Option(
      names = "--chart",
      paramLabel = "FILE",
      description = "draw a roofline of each device, as .png or .svg; may be given twice")
  private List<Path> charts = new ArrayList<>();

  @Option(
      names = "--compare",
      paramLabel = "FILE",
      description = "set the results beside those of an earlier --json, or of a peer's")
  private Path compare;

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description = "measure nothing; report what an earlier --json holds")
  private Path from;

  @Option(names = "--verbose", description = "what JMH says, as it says it")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  /** As {@link java.util.ServiceLoader} makes it. */
  public Benchmarks() {
    this(System.out, System.err);
  }

  Benchmarks(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public int run(String[] args) throws IOException {
    CommandLine command = new CommandLine(this);
    try {
      command.parseArgs(args);
    } catch (ParameterException e) {
      return misused(e.getMessage());
    }
    if (help) {
      command.usage(out);
      out.println("\nBenchmarks and their parameters:");
      names()
          .forEach(
              name ->
                  out.println(
                      "  " + name + " " + String.join(", ", Trial.parameters(name).keySet())));
      return Main.DONE;
    }
    try {
      charts.forEach(Page::requireKnown);
    } catch (IllegalArgumentException e) {
      return misused(e.getMessage());
    }
    Results earlier = compare == null ? null : Results.read(compare);
    int failed = 0;
    Results results;
    if (from != null) {
      results = matching(Results.read(from));
    } else {
      Set<String> matching = names();
      matching.removeIf(name -> !matches(name));
      if (matching.isEmpty()) {
        return misused(
            "nothing matches '%s'; there are %s".formatted(filter, String.join(", ", names())));
      }
      Map<String, String> opened;
      List<Trial> trials;
      try {
        opened = open();
        trials = trials(matching, opened);
      } catch (IllegalArgumentException e) {
        return misused(e.getMessage());
      }
      if (trials.isEmpty()) {
        throw new Failure("nothing is left to measure; why stands above");
      }
      results = new Results(Results.BELLMAN, opened, measure(trials, opened));
      failed = trials.size() - results.results().size();
    }
    if (!results.results().isEmpty()) {
      if (json != null) {
        results.write(json); // with --from, too
      }
      results.devices().forEach((name, device) -> out.println(name + ": " + device));
      out.print(Report.table(results.results()));
      if (earlier != null) {
        out.println();
        out.print(Comparison.table(results, earlier));
      }
      out.flush();
      charts.forEach(chart -> draw(results, chart));
    }
    if (failed > 0) {
      throw new Failure(
          failed == 1
              ? "a benchmark failed; what it said stands above (--verbose shows where)"
              : failed + " benchmarks failed; what they said stands above (--verbose shows where)");
    }
    return Main.DONE;
  }

  /** A picture is worth having, but no reason to fail after all that measuring. */
  private void draw(Results results, Path chart) {
    try {
      new Roofline(results).write(chart);
    } catch (Failure | IOException e) {
      err.println(chart + " was not drawn; --from draws it elsewhere: " + e.getMessage());
    }
  }

  private int misused(String message) {
    err.println("bellman bench: " + message);
    err.println("run 'bellman bench --help' for what there is");
    return Main.USAGE;
  }

  // ── what to measure ───────────────────────────────────────────────────────────────────────────

  private static Set<String> names() {
    Set<String> names = new TreeSet<>();
    for (BenchmarkListEntry entry :
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT),
                List.of())) {
      names.add(entry.getUsername().substring(PACKAGE.length()));
    }
    return names;
  }

  /** The filter is a regular expression, or counts letter by letter where it is none. */
  private boolean matches(String name) {
    Pattern pattern;
    try {
      pattern = Pattern.compile(filter);
    } catch (PatternSyntaxException e) {
      pattern = Pattern.compile(Pattern.quote(filter));
    }
    return pattern.matcher(PACKAGE + name).find();
  }

  private Results matching(Results all) {
    List<Result> matching = all.results().stream().filter(r -> matches(r.benchmark())).toList();
    if (matching.isEmpty()) {
      throw new Failure(from + ": no result matches '" + filter + "'");
    }
    return new Results(all.engine(), all.devices(), matching);
  }

  /**
   * The devices that open, and what they call themselves; the others are told.
   *
   * @throws IllegalArgumentException if a name is none of a device's
   */
  private Map<String, String> open() {
    if (cudaLib != null) {
      System.setProperty(CUDA_LIB, cudaLib.toString());
    }
    devices = List.of(parameters.getOrDefault("device", String.join(",", devices)).split(","));
    threads = List.of(parameters.getOrDefault("threads", String.join(",", threads)).split(","));
    int first = Trial.number("threads", threads.get(0));
    Map<String, String> opened = new LinkedHashMap<>();
    for (String name : devices) {
      try (Devices.Opened found = Devices.find(name, Workload.options(first, "fp32"))) {
        List<Devices.Attempt> attempts = found.attempts();
        opened.put(
            attempts.get(attempts.size() - 1).name(),
            found.device().name().replaceFirst(", FP32$", "")); // what each result says itself
      } catch (IllegalStateException e) {
        err.println("left out: " + e.getMessage());
      }
    }
    return opened;
  }

  private List<Trial> trials(Set<String> benchmarks, Map<String, String> opened) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    parameters.forEach((name, value) -> values.put(name, List.of(value.split(","))));
    values.keySet().removeAll(Set.of("device", "threads"));
    Trial.Choice choice = new Trial.Choice(List.copyOf(opened.keySet()), threads, values, quick);
    Map<String, Integer> leftOut = new TreeMap<>();
    List<Trial> chosen = new ArrayList<>();
    Set<String> known = new TreeSet<>(Trial.parameters(Trial.PRODUCT).keySet());
    known.addAll(Trial.parameters(Trial.COPY).keySet());
    for (String benchmark : benchmarks) {
      known.addAll(Trial.parameters(benchmark).keySet());
      chosen.addAll(Trial.of(benchmark, choice, reason -> leftOut.merge(reason, 1, Integer::sum)));
    }
    for (String name : values.keySet()) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "-p %s: no benchmark here has that parameter; there are %s"
                .formatted(name, String.join(", ", known)));
      }
    }
    leftOut.forEach((reason, n) -> err.println("left out: " + n + " because " + reason));
    Set<Trial> all = new LinkedHashSet<>(Trial.peaks(chosen, choice));
    all.addAll(chosen);
    return List.copyOf(all);
  }

  // ── measuring ─────────────────────────────────────────────────────────────────────────────────

  /** Results of those that did not fail; what the others said is told at once. */
  private List<Result> measure(List<Trial> trials, Map<String, String> opened) throws IOException {
    List<Result> results = new ArrayList<>();
    int number = 0;
    for (Trial trial : trials) {
      number++;
      err.printf("[%d/%d] ", number, trials.size());
      Progress progress = new Progress(err);
      OutputFormat format =
          verbose ? OutputFormatFactory.createFormatInstance(err, VerboseMode.NORMAL) : progress;
      try {
        for (RunResult result : new Runner(options(trial).build(), format).run()) {
          results.add(result(trial, result));
        }
        if (json != null) { // whoever loses patience keeps these
          new Results(Results.BELLMAN, opened, results).write(json);
        }
      } catch (RunnerException e) {
        if (!verbose && progress.log().isBlank()) { // another JMH runs on this machine
          throw new Failure(e.getMessage(), e);
        }
        err.println();
        // A stack says where, the lines between say what.
        progress.log().lines().filter(line -> !line.startsWith("\tat ")).forEach(err::println);
      }
    }
    return results;
  }

  /** Times of one call. */
  private static Result result(Trial trial, RunResult result) {
    BenchmarkParams p = result.getParams();
    double calls = Double.parseDouble(trial.parameters().getOrDefault("calls", "1"));
    double us = p.getTimeUnit().toNanos(1) / 1e3 / calls;
    var allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
    return new Result(
        trial.benchmark(),
        trial.parameters(),
        result.getPrimaryResult().getScore() * us,
        result.getPrimaryResult().getScoreError() * us,
        allocated == null ? Double.NaN : allocated.getScore() / calls,
        trial.work());
  }

  private ChainedOptionsBuilder options(Trial trial) {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + Pattern.quote(PACKAGE + trial.benchmark()) + "$")
            .shouldFailOnError(true)
            .addProfiler(GCProfiler.class);
    trial.parameters().forEach(options::param);
    if (quick) {
      options
          .forks(0)
          .warmupIterations(1)
          .warmupTime(TimeValue.milliseconds(250))
          .measurementIterations(5)
          .measurementTime(TimeValue.milliseconds(150));
    }
    if (time != null) {
      options.warmupTime(TimeValue.milliseconds(time));
      options.measurementTime(TimeValue.milliseconds(time));
    }
    if (forks != null) {
      options.forks(forks);
    }
    if (cudaLib != null) {
      options.jvmArgsAppend("-D" + CUDA_LIB + "=" + cudaLib);
    }
    return options;
  }
}
