package bellman.rl.run;

import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.rl.TrainLoop;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.Spec;
import bellman.rl.torch.TorchCheckpoint;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a checkpoint holds: the agent's tensors and counters, where the loop stands, and which
 * behavior it is for, with all that its player shows and asks. One safetensors file; the online
 * network has PyTorch's names, so that other tools read it as it is.
 */
public final class Checkpoint {
  private static final String FORMAT = "bellman.format";
  private static final String VERSION = "1";
  private static final String BEHAVIOR = "bellman.behavior";
  private static final String SPEC = "bellman.spec"; // as JSON
  private static final String STEP = "loop.step";
  private static final String EPISODES = "loop.episodes";
  private static final String SECONDS = "loop.seconds";

  private static final ObjectMapper JSON = new ObjectMapper();

  private Checkpoint() {}

  /**
   * @throws IllegalStateException if the weights are not finite
   */
  public static void save(Path file, Spec spec, DqnAgent agent, TrainLoop.State loop)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer
        .metadata(FORMAT, VERSION)
        .metadata(BEHAVIOR, spec.name())
        .metadata(SPEC, JSON.writeValueAsString(spec))
        .metadata(STEP, Long.toString(loop.step()))
        .metadata(EPISODES, Integer.toString(loop.episodes()))
        .metadata(SECONDS, Double.toString(loop.seconds()));
    agent.save(writer);
    writer.write(file);
  }

  /**
   * What the world was like that the agent was trained in.
   *
   * @throws IOException if the file is not whole, or does not say it
   */
  public static Spec spec(Path file) throws IOException {
    checkIsOurs(file);
    try (Safetensors saved = Safetensors.open(file)) {
      String spec = saved.metadata().get(SPEC);
      if (spec == null) {
        throw new IOException(
            "it does not say what the player shows (no "
                + SPEC
                + "): not a checkpoint of Bellman, or one from before it did");
      }
      return JSON.readValue(spec, Spec.class);
    } catch (JsonProcessingException e) {
      throw new IOException("its " + SPEC + " is damaged: " + e.getOriginalMessage(), e);
    }
  }

  /**
   * Restores the agent and returns where the loop stood.
   *
   * @throws IOException if the file is not whole, no checkpoint, or its network is not this one
   */
  public static TrainLoop.State load(Path file, DqnAgent agent) throws IOException {
    try (Safetensors saved = Safetensors.open(file)) {
      Map<String, String> about = saved.metadata();
      String version = about.get(FORMAT);
      if (!VERSION.equals(version)) {
        throw new IOException(
            version == null
                ? "not a checkpoint of Bellman: it names no " + FORMAT
                : "checkpoint format " + version + "; this version reads " + VERSION);
      }
      try {
        TrainLoop.State loop =
            new TrainLoop.State(
                Long.parseLong(about.get(STEP)),
                Integer.parseInt(about.get(EPISODES)),
                Double.parseDouble(about.get(SECONDS)));
        agent.load(saved);
        return loop;
      } catch (NumberFormatException | NullPointerException e) {
        throw new IOException("its counters are damaged: " + about, e);
      } catch (IllegalArgumentException e) {
        throw new IOException(e.getMessage(), e);
      }
    }
  }

  /**
   * The weights alone, from a checkpoint, any safetensors file with the network's names, or what
   * {@code torch.save} wrote.
   *
   * @throws IOException if the file is not whole, or its network is not this one
   */
  public static void loadWeights(Path file, DqnAgent agent) throws IOException {
    try {
      agent.loadWeights(weights(file));
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** The run's step at which a checkpoint was saved; empty for files of another origin. */
  public static OptionalLong step(Path file) {
    try (Safetensors saved = Safetensors.open(file)) {
      return OptionalLong.of(Long.parseLong(saved.metadata().get(STEP)));
    } catch (IOException | NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /**
   * What a checkpoint holds for other programs: the online network and Adam. The weights alone
   * where the file has no more, or does not tell their order.
   *
   * @param settings Adam's, which are the run's and in no checkpoint
   * @throws IOException if the file is not whole, or no such file
   */
  public static TorchCheckpoint forOthers(Path file, Adam.Settings settings) throws IOException {
    checkIsOurs(file);
    try (Safetensors saved = Safetensors.open(file)) {
      return new TorchCheckpoint(
          DqnAgent.weights(saved),
          saved.metadata().containsKey(DqnAgent.PARAMETERS)
              ? Optional.of(new TorchCheckpoint.Optimizer(DqnAgent.adam(saved), settings))
              : Optional.empty());
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static void checkIsOurs(Path file) throws IOException {
    if (TorchCheckpoint.looksLikeOne(file)) {
      throw new IOException("torch.save wrote it; bellman import makes a run of it");
    }
  }

  private static Map<String, Values> weights(Path file) throws IOException {
    if (TorchCheckpoint.looksLikeOne(file)) {
      return TorchCheckpoint.readNetwork(file);
    }
    try (Safetensors saved = Safetensors.open(file)) {
      return DqnAgent.weights(saved);
    }
  }
}
