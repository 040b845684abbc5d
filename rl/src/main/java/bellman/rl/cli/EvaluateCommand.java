package bellman.rl.cli;

import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.config.Resolved;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

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
final class EvaluateCommand extends RunCommand {
  private static final Set<String> GROUPS = Set.of("world", "network", "compute", "reporting");

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

  EvaluateCommand(Streams streams, Services services, Interruption interruption) {
    super(streams, services, interruption);
  }

  CommandLine commandLine() {
    return commandLine(row -> GROUPS.contains(row.group()) || row.name().equals("resultsDir"));
  }

  @Override
  public Integer call() throws Exception {
    Path results = withFlags(new Layers()).resolve().config().folder().resultsDir();
    if (episodes < 1) {
      throw new ConfigException("--episodes is %d; allowed: 1 or more".formatted(episodes));
    }
    if (!(epsilon >= 0 && epsilon <= 1)) {
      throw new ConfigException("--epsilon is %s; allowed: 0 to 1".formatted(epsilon));
    }
    Path found = SavedWeights.run(results, run);
    Layers layers = new Layers();
    Path file = found.resolve("configuration.yaml");
    if (Files.exists(file)) {
      layers.yaml(file);
    }
    layers.flag("epsilonEval", List.of(Double.toString(epsilon)));
    Resolved settings = withFlags(layers).resolve();
    announce(settings);
    return Main.exitCode(
        services.evaluate(settings, SavedWeights.in(found), episodes, interruption));
  }
}
