package bellman.rl.cli;

import bellman.rl.config.Layers;
import bellman.rl.config.Resolved;
import bellman.rl.config.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman train}: trains a DQN, tests it and leaves a run folder. */
@Command(
    name = "train",
    header = "Train a DQN, test it and leave a run folder.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman train [CONFIG.yaml] [OPTIONS]",
    description = {
      "",
      "Settings come from the defaults (the tutorial's), then the file, then the options. The file"
          + " has the structure of mlagents-learn; --print-config shows it. With --resume or"
          + " --inference and no file, the run's own configuration.yaml is read."
    })
final class TrainCommand extends RunCommand {
  @Parameters(arity = "0..1", paramLabel = "CONFIG.yaml", hidden = true)
  private Path file;

  @Option(
      names = "--print-config",
      description = "print the resolved configuration as YAML and do nothing else")
  private boolean print;

  TrainCommand(Streams streams, Services services, Interruption interruption) {
    super(streams, services, interruption);
  }

  CommandLine commandLine() {
    return commandLine(row -> true);
  }

  @Override
  public Integer call() throws Exception {
    Resolved settings = settings();
    if (print) {
      streams.out().print(settings.config().toYaml());
      return Main.DONE;
    }
    announce(settings);
    return Main.exitCode(services.train(settings, interruption));
  }

  private Resolved settings() throws IOException {
    if (file != null) {
      return withFlags(new Layers().yaml(file)).resolve();
    }
    Resolved settings = withFlags(new Layers()).resolve();
    var folder = settings.config().folder();
    if (!(folder.resume() || folder.inference()) || folder.runId().isEmpty()) {
      return settings;
    }
    Path run = folder.resultsDir().resolve(folder.runId().get());
    Path before = run.resolve("configuration.yaml");
    if (!Files.exists(before)
        && (!Files.isDirectory(run) || SavedWeights.ofBehaviors(run).isEmpty())) {
      return settings;
    }
    if (!Files.exists(before) || Files.readString(before).isBlank()) {
      throw new Failure(
          ("%s %s, so the settings that its weights were trained with are unknown. Give them as a"
                  + " file: bellman train CONFIG.yaml %s --run-id %s")
              .formatted(
                  before,
                  Files.exists(before) ? "is empty" : "is not there",
                  folder.resume() ? "--resume" : "--inference",
                  folder.runId().get()));
    }
    Layers layers = withFlags(new Layers().yaml(before));
    // The folder may have been moved or renamed since; the one that was asked for counts. Where the
    // run once got its first weights counts no longer.
    for (String name : List.of("runId", "resultsDir", "initializeFrom")) {
      layers.flag(name, List.of(Settings.named(name).textIn(settings.config())));
    }
    return layers.resolve();
  }
}
