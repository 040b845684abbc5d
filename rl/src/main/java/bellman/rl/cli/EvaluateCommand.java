package bellman.rl.cli;

import bellman.rl.config.Layers;
import bellman.rl.config.Nearest;
import bellman.rl.config.Resolved;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bellman evaluate}: runs a trained policy without learning. */
@Command(
    name = "evaluate",
    header = "Run a trained policy for --test-steps, without learning.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman evaluate RUN [OPTIONS]",
    description = {
      "",
      "RUN is the name of a run below --results-dir, a run's folder or a file of weights. Settings"
          + " come from the defaults, then the run's configuration.yaml, then the options."
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final Set<String> GROUPS = Set.of("evaluation", "world", "compute", "reporting");

  private final Streams streams;
  private final Services services;
  private final Interruption interruption;
  private SettingFlags flags;

  @Parameters(paramLabel = "RUN", hidden = true)
  private String run;

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
    Path found = find(results);
    Layers layers = new Layers();
    Path file = found.resolve("configuration.yaml");
    if (Files.exists(file)) {
      layers.yaml(file);
    }
    Resolved settings = flags.layOnto(layers, parsed).resolve();
    Announcement.of(settings, streams);
    interruption.engage();
    return Main.exitCode(services.evaluate(settings, found, interruption, streams));
  }

  private Path find(Path results) throws IOException {
    for (Path path : List.of(results.resolve(run), Path.of(run))) {
      if (Files.exists(path)) {
        return path;
      }
    }
    List<String> runs = List.of();
    if (Files.isDirectory(results)) {
      try (Stream<Path> all = Files.list(results)) {
        runs = all.filter(Files::isDirectory).map(p -> p.getFileName().toString()).toList();
      }
    }
    String hint = Nearest.hint(run, runs);
    throw new Failure(
        "there is no run '%s' in %s%s"
            .formatted(
                run,
                results,
                runs.isEmpty()
                    ? ", which has none yet; bellman train makes one"
                    : hint.isEmpty() ? ", only " + String.join(", ", runs) : hint));
  }
}
