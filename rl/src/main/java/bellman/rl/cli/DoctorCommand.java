package bellman.rl.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bellman doctor}: says what of this machine serves and what does not. */
@Command(
    name = "doctor",
    header = "Look at this machine: Java, processor, memory, backends, ports, folders.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman doctor [OPTIONS]",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Each line is ok, warn (works, but worse) or fail (does not work). Exit code 1 if any fails."
    })
final class DoctorCommand implements Callable<Integer> {
  private final Streams streams;
  private final Services services;

  @Option(
      names = "--results-dir",
      paramLabel = "PATH",
      description = "where the folders of runs shall lie [default results]")
  private Path results = Path.of("results");

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  DoctorCommand(Streams streams, Services services) {
    this.streams = streams;
    this.services = services;
  }

  @Override
  public Integer call() {
    boolean healthy = true;
    for (Finding finding : new Examination(services, results).findings()) {
      streams.out().println(finding);
      healthy &= finding.level() != Finding.Level.FAIL;
    }
    return healthy ? Main.DONE : Main.FAILED;
  }
}
