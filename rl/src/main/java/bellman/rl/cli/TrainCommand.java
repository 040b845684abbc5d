package bellman.rl.cli;

import bellman.rl.config.Layers;
import bellman.rl.config.Resolved;
import bellman.rl.config.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bellman train}: trains a DQN, tests it and leaves a run folder. */
@Command(
    name = "train",
    header = "Train a DQN, test it and leave a run folder.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman train [CONFIG.yaml] [OPTIONS]",
    description = {
      "",
      "Settings come from the defaults (the tutorial's), then the file, then the options. The file"
          + " has the structure of mlagents-learn; --print-config shows it. With --resume and no"
          + " file, the run's own configuration.yaml is read."
    })
final class TrainCommand implements Callable<Integer> {
  private final Streams streams;
  private final Services services;
  private final Interruption interruption;
  private SettingFlags flags;

  @Parameters(arity = "0..1", paramLabel = "CONFIG.yaml", hidden = true)
  private Path file;

  @Option(
      names = "--print-config",
      description = "print the resolved configuration as YAML and do nothing else")
  private boolean print;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Spec private CommandSpec spec;

  private TrainCommand(Streams streams, Services services, Interruption interruption) {
    this.streams = streams;
    this.services = services;
    this.interruption = interruption;
  }

  static CommandLine commandLine(Streams streams, Services services, Interruption interruption) {
    TrainCommand command = new TrainCommand(streams, services, interruption);
    CommandLine line = new CommandLine(command);
    command.flags = SettingFlags.onto(line, row -> true);
    return line;
  }

  @Override
  public Integer call() throws Exception {
    Resolved settings = settings();
    if (print) {
      streams.out().print(settings.config().toYaml());
      return Main.DONE;
    }
    Announcement.of(settings, streams);
    interruption.engage();
    return Main.exitCode(services.train(settings, interruption));
  }

  private Resolved settings() {
    var parsed = spec.commandLine().getParseResult();
    if (file != null) {
      return flags.layOnto(new Layers().yaml(file), parsed).resolve();
    }
    Resolved settings = flags.layOnto(new Layers(), parsed).resolve();
    var folder = settings.config().folder();
    if (!folder.resume()) {
      return settings;
    }
    Path before =
        folder.resultsDir().resolve(folder.runId().orElseThrow()).resolve("configuration.yaml");
    if (!Files.exists(before)) {
      return settings;
    }
    Layers layers = flags.layOnto(new Layers().yaml(before), parsed);
    // The folder may have been moved or renamed since; the one that was asked for counts.
    for (String name : List.of("runId", "resultsDir")) {
      layers.flag(name, List.of(Settings.named(name).textIn(settings.config())));
    }
    return layers.resolve();
  }
}
