package bellman.benchmarks;

import bellman.rl.cli.Bench;
import bellman.rl.cli.Failure;
import bellman.rl.cli.Main;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
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
 * {@code bellman bench}: runs the benchmarks that a filter matches, each in JVMs of its own with
 * this JVM's class path, options and environment (the launcher's OMP_* among it), and prints a
 * table to stdout; how it goes on stands on stderr.
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
          "one JVM, 2 + 3 iterations of 1 s, without the reference: for a look, not for figures")
  private boolean quick;

  @Option(
      names = "--threads",
      split = ",",
      paramLabel = "N",
      description = "of the device; several, as in 1,2, run one after the other; default: cores")
  private int[] threads = {Runtime.getRuntime().availableProcessors()};

  @Option(
      names = "--device",
      split = ",",
      paramLabel = "NAME",
      description = "onednn, java, reference, cuda, cuda:N; default: the first three")
  private String[] devices;

  @Option(
      names = "--cuda-lib",
      paramLabel = "DIR",
      description = "where NVIDIA's libraries lie, before all places that are searched anyway")
  private Path cudaLib;

  @Option(
      names = "-p",
      paramLabel = "NAME=VALUE",
      description = "another parameter, as in -p batch=32,256")
  private Map<String, String> parameters = new LinkedHashMap<>();

  @Option(names = "--forks", paramLabel = "N", description = "JVMs for each; 0: in this one")
  private Integer forks;

  @Option(
      names = "--time",
      paramLabel = "MS",
      description = "milliseconds of an iteration; default: the benchmark's own")
  private Integer time;

  @Option(names = "--json", paramLabel = "FILE", description = "all measurements, as JMH's JSON")
  private Path json;

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
  public int run(String[] args) throws RunnerException {
    CommandLine command = new CommandLine(this);
    try {
      command.parseArgs(args);
    } catch (ParameterException e) {
      err.println("bellman bench: " + e.getMessage());
      err.println("run 'bellman bench --help' for what there is");
      return Main.USAGE;
    }
    if (help) {
      command.usage(out);
      out.println("\nBenchmarks:");
      names().forEach(name -> out.println("  " + name));
      return Main.DONE;
    }
    Set<String> matching = names();
    matching.removeIf(name -> !pattern().matcher(PACKAGE + name).find());
    if (matching.isEmpty()) {
      err.println(
          "bellman bench: nothing matches '%s'; there are %s"
              .formatted(filter, String.join(", ", names())));
      return Main.USAGE;
    }
    Collection<RunResult> results = measure();
    out.print(Report.table(results));
    out.flush();
    if (json != null) {
      ResultFormatFactory.getInstance(ResultFormatType.JSON, json.toString()).writeOut(results);
    }
    return Main.DONE;
  }

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

  /** The filter as a regular expression, or letter by letter where it is none. */
  private Pattern pattern() {
    try {
      return Pattern.compile(filter);
    } catch (PatternSyntaxException e) {
      return Pattern.compile(Pattern.quote(filter));
    }
  }

  private Collection<RunResult> measure() throws RunnerException {
    Progress progress = new Progress(err);
    try {
      return verbose
          ? new Runner(
                  options().build(),
                  OutputFormatFactory.createFormatInstance(err, VerboseMode.NORMAL))
              .run()
          : new Runner(options().build(), progress).run();
    } catch (RunnerException e) {
      if (progress.log().isBlank()) { // nothing has begun: another JMH runs on this machine
        throw new Failure(e.getMessage(), e);
      }
      err.println();
      // A stack says where, the lines between say what.
      progress.log().lines().filter(line -> !line.startsWith("\tat ")).forEach(err::println);
      throw new Failure("a benchmark failed; what it said stands above (--verbose shows where)");
    }
  }

  private ChainedOptionsBuilder options() {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(pattern().pattern())
            .shouldFailOnError(true)
            .addProfiler(GCProfiler.class);
    if (quick) {
      options
          .forks(1)
          .warmupIterations(2)
          .warmupTime(TimeValue.seconds(1))
          .measurementIterations(3)
          .measurementTime(TimeValue.seconds(1));
    }
    if (time != null) {
      options.warmupTime(TimeValue.milliseconds(time));
      options.measurementTime(TimeValue.milliseconds(time));
    }
    if (forks != null) {
      options.forks(forks);
    }
    if (cudaLib != null) {
      System.setProperty(CUDA_LIB, cudaLib.toString()); // for --forks 0
      options.jvmArgsAppend("-D" + CUDA_LIB + "=" + cudaLib);
    }
    Map<String, String[]> values = new LinkedHashMap<>();
    values.put("threads", texts(threads));
    if (devices != null) {
      values.put("device", devices);
    } else if (quick) {
      values.put("device", new String[] {"onednn", "java"});
    }
    parameters.forEach((name, value) -> values.put(name, value.split(",")));
    values.forEach(options::param); // JMH adds up what is given twice
    return options;
  }

  private static String[] texts(int[] numbers) {
    String[] texts = new String[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      texts[i] = Integer.toString(numbers[i]);
    }
    return texts;
  }
}
