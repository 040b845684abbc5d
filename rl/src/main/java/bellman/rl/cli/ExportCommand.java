package bellman.rl.cli;

import bellman.engine.io.SafetensorsWriter;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.config.RunConfig;
import bellman.rl.run.Checkpoint;
import bellman.rl.torch.TorchCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman export}: writes a run's network as other programs read it. */
@Command(
    name = "export",
    header = "Write a run's network as a file for other programs.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman export RUN --format FORMAT --output FILE [OPTIONS]",
    description = {
      "",
      "RUN is the name of a run below --results-dir, a run's folder, a checkpoint or a file of"
          + " weights; of a run the newest checkpoint is taken."
    })
final class ExportCommand extends RunCommand {
  private static final String SAFETENSORS = "safetensors";
  private static final String TORCH = "torch";

  @Parameters(paramLabel = "RUN", hidden = true)
  private String run;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      required = true,
      description =
          "safetensors: the weights alone, for safetensors.torch.load_file; torch: \"network\" and"
              + " \"optimizer\", for torch.load and load_state_dict")
  private String format;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      required = true,
      description = "FILE to write; replaced if it is there")
  private Path output;

  ExportCommand(Streams streams, Services services, Interruption interruption) {
    super(streams, services, interruption);
  }

  CommandLine commandLine() {
    return commandLine(row -> row.name().equals("resultsDir"));
  }

  @Override
  public Integer call() throws IOException {
    switch (format) {
      case SAFETENSORS -> write(this::safetensors);
      case TORCH -> write(this::torch);
      default ->
          throw new ConfigException(
              "--format is '%s'; allowed: %s, %s".formatted(format, SAFETENSORS, TORCH));
    }
    return Main.DONE;
  }

  /** Writes the file and returns what it holds of what was saved. */
  private interface Format {
    TorchCheckpoint write(TorchCheckpoint saved) throws IOException;
  }

  private void write(Format format) throws IOException {
    Path results = withFlags(new Layers()).resolve().config().folder().resultsDir();
    Path found = SavedWeights.run(results, run);
    Adam.Settings adam =
        Adam.Settings.defaults().withLearningRate(configuration(found).learning().learningRate());
    Path folder = output.toAbsolutePath().getParent();
    if (Files.isDirectory(output) || !Files.isDirectory(folder)) {
      throw new Failure(
          Files.isDirectory(output)
              ? "--output: " + output + " is a folder; name a file"
              : "--output: there is no folder " + folder + "; make it, or name another");
    }
    TorchCheckpoint saved =
        SavedWeights.read(
            SavedWeights.in(found),
            file -> Checkpoint.forOthers(file, adam),
            warning -> streams.err().println("warning: " + warning));
    try {
      streams.out().println(output + ": " + described(format.write(saved)));
    } catch (IOException e) {
      throw new Failure(output + " cannot be written: " + e.getMessage(), e);
    }
  }

  private TorchCheckpoint safetensors(TorchCheckpoint saved) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    Values.write(writer, "", saved.network());
    writer.write(output);
    return new TorchCheckpoint(saved.network(), Optional.empty());
  }

  private TorchCheckpoint torch(TorchCheckpoint saved) throws IOException {
    saved.write(output);
    return saved;
  }

  private static RunConfig configuration(Path found) {
    Path file = found.resolve("configuration.yaml");
    Layers layers = new Layers();
    return (Files.exists(file) ? layers.yaml(file) : layers).resolve().config();
  }

  /** {@code 10 tensors, 1,002,148 weights, Adam after 45,000 updates}. */
  static String described(TorchCheckpoint saved) {
    long weights = saved.network().values().stream().mapToLong(v -> v.shape().size()).sum();
    return "%d tensors, %,d weights, %s"
        .formatted(
            saved.network().size(),
            weights,
            saved
                .optimizer()
                .map(o -> "Adam after %,d updates".formatted(o.state().t()))
                .orElse("no optimizer"));
  }
}
