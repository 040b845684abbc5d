package bellman.rl.cli;

import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.config.Resolved;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bellman evaluate}: runs a trained policy without learning. */
@Command(
    name = "evaluate",
    header = "Run a trained policy for a number of episodes, without learning.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman evaluate RUN [OPTIONS]",
    description = {
      "",
      "RUN is the name of a run below --results-dir, a run's folder or a file of weights. Settings"
          + " come from the defaults, then the run's configuration.yaml, then the options."
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final Set<String> GROUPS = Set.of("world", "compute", "reporting");

  private final Streams streams;
  private final Services services;
  private final Interruption interruption;
  private SettingFlags flags;

  @Parameters(paramLabel = "RUN", hidden = true)
  private String run;

  @Option(
      names = "--episodes",
      paramLabel = "N",
      defaultValue = "1000",
      description = "how many [default 1000]")
  private int episodes;

  @Option(
      names = "--epsilon",
      paramLabel = "X",
      defaultValue = "0",
      description = "probability of a random action [default 0: greedy]")
  private double epsilon;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Spec private CommandSpec spec;

  private EvaluateCommand(Streams streams, Services services, Interruption interruption) {
    this.streams = streams;
    this.services = services;
    this.interruption = interruption;
  }

  static CommandLine commandLine(Streams streams, Services services, Interruption interruption) {
    EvaluateCommand command = new EvaluateCommand(streams, services, interruption);
    CommandLine line = new CommandLine(command);
    command.flags =
        SettingFlags.onto(
            line, row -> GROUPS.contains(row.group()) || row.name().equals("resultsDir"));
    return line;
  }

  @Override
  public Integer call() throws Exception {
    var parsed = spec.commandLine().getParseResult();
    Path results = flags.layOnto(new Layers(), parsed).resolve().config().folder().resultsDir();
    if (episodes < 1) {
      throw new ConfigException("--episodes is %d; allowed: 1 or more".formatted(episodes));
    }
    Path found = SavedWeights.run(results, run);
    Layers layers = new Layers();
    Path file = found.resolve("configuration.yaml");
    if (Files.exists(file)) {
      layers.yaml(file);
    }
    layers.flag("epsilonEval", List.of(Double.toString(epsilon)));
    Resolved settings = flags.layOnto(layers, parsed).resolve();
    Announcement.of(settings, streams);
    interruption.engage();
    return Main.exitCode(
        services.evaluate(settings, SavedWeights.in(found), episodes, interruption));
  }
}
