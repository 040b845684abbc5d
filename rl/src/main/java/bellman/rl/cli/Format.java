package bellman.rl.cli;

import bellman.engine.Devices;
import bellman.engine.io.SafetensorsWriter;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.rl.DivergedException;
import bellman.rl.config.ConfigException;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Signature;
import bellman.rl.env.Spec;
import bellman.rl.onnx.OnnxWriter;
import bellman.rl.run.Checkpoint;
import bellman.rl.run.CheckpointFiles;
import bellman.rl.torch.TorchCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** What {@code bellman export} makes of a trained network. */
enum Format {
  /** The greedy policy as a whole, for Unity. */
  ONNX(".onnx") {
    @Override
    Content read(Saved saved) {
      return saved.read(
          checkpoint -> {
            Spec spec = Checkpoint.spec(checkpoint);
            RunConfig config = saved.config();
            // Nothing is computed, so the device that opens at once serves.
            try (Devices.Opened opened = Devices.find("java", Wiring.device(config));
                DqnAgent agent = Wiring.agent(opened.device(), spec, Wiring.exporting(config))) {
              Checkpoint.loadWeights(checkpoint, agent);
              Map<String, Values> weights = agent.weights();
              QNetwork network = agent.learner().online();
              Signature signature = spec.signature();
              return new Content(
                  signature.toString(),
                  file -> OnnxWriter.write(file, signature, network, weights));
            } catch (DivergedException e) {
              throw new IOException("a weight is not finite: that training had diverged", e);
            }
          });
    }
  },
  /** The weights alone, for {@code safetensors.torch.load_file}. */
  SAFETENSORS(".safetensors") {
    @Override
    Content read(Saved saved) {
      TorchCheckpoint all = forOthers(saved);
      TorchCheckpoint weights = new TorchCheckpoint(all.network(), Optional.empty());
      SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
      Values.write(writer, "", weights.network());
      return new Content(described(weights), writer::write);
    }
  },
  /** Network and optimizer, for {@code torch.load} and {@code load_state_dict}. */
  TORCH(".pt") {
    @Override
    Content read(Saved saved) {
      TorchCheckpoint all = forOthers(saved);
      return new Content(described(all), all::write);
    }
  };

  /**
   * What a user wants exported.
   *
   * @param weights a folder of checkpoints, of which the newest is taken, or a file
   * @param config the run's
   * @param warnings gets a message for each checkpoint that had to be passed over
   */
  record Saved(Path weights, RunConfig config, Consumer<String> warnings) {
    <T> T read(CheckpointFiles.Reader<T> reader) {
      return SavedWeights.read(weights, reader, warnings);
    }
  }

  /** What a file will hold, in words, and how it is written. */
  record Content(String described, CheckpointFiles.Writer writer) {}

  private final String ending;

  Format(String ending) {
    this.ending = ending;
  }

  /**
   * Reads what is to be exported, so that nothing is written where that fails.
   *
   * @throws Failure if it is not there, or does not hold what the format needs
   */
  abstract Content read(Saved saved);

  /** Of file names, with the dot. */
  String ending() {
    return ending;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Format of(String name) {
    return Arrays.stream(values())
        .filter(f -> f.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () -> {
              String all =
                  Arrays.stream(values()).map(Format::toString).collect(Collectors.joining(", "));
              return new ConfigException("--format is '%s'; allowed: %s".formatted(name, all));
            });
  }

  private static TorchCheckpoint forOthers(Saved saved) {
    Adam.Settings adam =
        Adam.Settings.defaults().withLearningRate(saved.config().learning().learningRate());
    return saved.read(file -> Checkpoint.forOthers(file, adam));
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
