package bellman.rl.cli;

import bellman.rl.config.Layers;
import bellman.rl.config.RunConfig;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bellman doctor}: says what of this machine serves and what does not. */
@Command(
    name = "doctor",
    header = "Look at this machine: Java, processor, memory, CUDA, backends, ports, folders.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman doctor [OPTIONS]",
    footer = {
      "",
      "Each line is ok, warn (works, but worse) or fail (does not work). Exit code 1 if any fails."
    })
final class DoctorCommand implements Callable<Integer> {
  private static final Set<String> SETTINGS = Set.of("resultsDir", "cudaLib");

  private final Streams streams;
  private final Services services;
  private SettingFlags flags;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Spec private CommandSpec spec;

  private DoctorCommand(Streams streams, Services services) {
    this.streams = streams;
    this.services = services;
  }

  static CommandLine commandLine(Streams streams, Services services) {
    DoctorCommand command = new DoctorCommand(streams, services);
    CommandLine line = new CommandLine(command);
    command.flags = SettingFlags.onto(line, row -> SETTINGS.contains(row.name()));
    return line;
  }

  @Override
  public Integer call() {
    var parsed = spec.commandLine().getParseResult();
    RunConfig config = flags.layOnto(new Layers(), parsed).resolve().config();
    boolean healthy = true;
    for (Finding finding : new Examination(services, config).findings()) {
      streams.out().println(finding);
      healthy &= finding.level() != Finding.Level.FAIL;
    }
    return healthy ? Main.DONE : Main.FAILED;
  }
}
