package bellman.rl.cli;

import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.config.Resolved;
import bellman.rl.env.Signature;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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
      "RUN is the name of a run below --results-dir, a run's folder, a file of weights or an ONNX"
          + " model of Q-values. Settings come from the defaults, then the run's configuration.yaml,"
          + " then what a model says, then the options. Worlds with goals get a table: a success is"
          + " an episode that ended with a return above 0."
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

  @Option(
      names = "--json",
      paramLabel = "FILE",
      arity = "0..1",
      fallbackValue = EvaluateOptions.STANDARD_OUTPUT,
      description = "write the results as JSON; without FILE to standard output, and nothing else")
  private Optional<String> json;

  @Option(
      names = "--gif",
      paramLabel = "FILE",
      description =
          "film the first episodes, up to 1,000 pictures, with Q(s, a) beside what is seen")
  private Optional<Path> gif;

  @Option(
      names = "--gif-episodes",
      paramLabel = "N",
      defaultValue = "6",
      description = "how many of them [default 6]")
  private int gifEpisodes;

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
    if (gifEpisodes < 1) {
      throw new ConfigException("--gif-episodes is %d; allowed: 1 or more".formatted(gifEpisodes));
    }
    if (gif.isPresent()) {
      OutputFile.check("--gif", gif.get(), ".gif");
    }
    EvaluateOptions options = new EvaluateOptions(episodes, json, gif, gifEpisodes);
    if (options.jsonFile().isPresent()) {
      OutputFile.check("--json", options.jsonFile().get());
    }
    Path found = SavedWeights.run(results, run);
    Layers layers = new Layers();
    SavedWeights.configuration(found).ifPresent(layers::yaml);
    if (options.jsonAlone()) {
      layers.flag("quiet", List.of("true"));
    }
    // A model says itself what it sees and which actions it chooses from.
    SavedWeights.model(found).ifPresent(model -> says(layers, model.signature()));
    layers.flag("epsilonEval", List.of(Double.toString(epsilon)));
    Resolved settings = withFlags(layers).resolve();
    announce(settings);
    return Main.exitCode(
        services.evaluate(settings, SavedWeights.in(found), options, interruption));
  }

  private static void says(Layers layers, Signature model) {
    int first = model.branches().get(0).first();
    layers.flag("firstAction", List.of(Integer.toString(first)));
    layers.flag("goalConditioning", List.of(model.goal() < 0 ? "none" : "gate"));
    String seen =
        IntStream.range(0, model.observations().size())
            .filter(model::sees)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(","));
    layers.flag("observations", List.of(seen));
  }
}
