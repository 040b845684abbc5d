package bellman.rl.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Unmatched;

/** {@code bellman bench}: hands its arguments to the benchmarks, where they are installed. */
@Command(
    name = "bench",
    header = "Run the benchmarks: kernels, layers, the update, the bridge.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman bench [ARGUMENTS]",
    description = {"", "Arguments are those of the benchmarks; --help prints them."})
final class BenchCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(
      names = {"-h", "--help"},
      description = "print this, and what the benchmarks say about themselves")
  private boolean help;

  @Unmatched private List<String> rest = new ArrayList<>();

  BenchCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    Bench bench =
        ServiceLoader.load(Bench.class)
            .findFirst()
            .orElseThrow(
                () ->
                    new Failure(
                        "no benchmarks on the class path; they come with the module benchmarks: build"
                            + " with 'mvn package' and start ./bellman"));
    streams.flush();
    return bench.run(help ? new String[] {"--help"} : rest.toArray(String[]::new));
  }
}
