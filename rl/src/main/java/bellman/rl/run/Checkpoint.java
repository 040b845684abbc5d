package bellman.rl.run;

import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.rl.Phase;
import bellman.rl.TrainLoop;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.Spec;
import bellman.rl.torch.TorchCheckpoint;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * What a checkpoint holds: the agent's tensors and counters, where the loop stands, the state of a
 * player of this process, and which behavior it is for, with all that its player shows and asks.
 * One safetensors file; the online network has PyTorch's names, so that other tools read it as it
 * is.
 *
 * <p>The replay is a file of its own, which the checkpoint names by an id: a gzip file of the
 * format's name and version, that id, and what {@link DqnAgent#saveReplay} writes, big-endian. With
 * both, a run on the embedded player goes on as if it had never stopped. A Unity player's state is
 * out of reach: there the run goes on with all it has learned and remembers, but the player is
 * reset, and the episodes that were open are dropped.
 */
public final class Checkpoint {
  private static final String FORMAT = "bellman.format";
  private static final String VERSION = "2";
  private static final String FIRST_VERSION = "1"; // no test episodes, windows, player, replay
  private static final String BEHAVIOR = "bellman.behavior";
  private static final String SPEC = "bellman.spec"; // as JSON
  private static final String STEP = "loop.step";
  private static final String EPISODES = "loop.episodes";
  private static final String SECONDS = "loop.seconds";
  private static final String TEST_EPISODES = "loop.test_episodes";
  private static final String TEST_SUM = "loop.test_sum";
  private static final String WINDOW = "loop.window";
  private static final String PHASE = "loop.phase";
  private static final String RUNNING = "loop.running";
  private static final String WORLD = "world";
  private static final String REPLAY = "replay";
  private static final String REPLAY_FORMAT = "bellman.replay";
  private static final int REPLAY_VERSION = 1;

  /**
   * What was loaded beside the agent.
   *
   * @param replay the id of the replay that belongs to it
   */
  public record Loaded(Path file, TrainLoop.State loop, Optional<String> replay) {}

  private static final ObjectMapper JSON = new ObjectMapper();

  private Checkpoint() {}

  /**
   * @param replay the id of a replay that is saved with it, by {@link #saveReplay}
   * @throws bellman.rl.DivergedException if the weights are not finite
   */
  public static void save(
      Path file, Spec spec, DqnAgent agent, TrainLoop.State loop, Optional<String> replay)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().checked();
    writer
        .metadata(FORMAT, VERSION)
        .metadata(BEHAVIOR, spec.name())
        .metadata(SPEC, JSON.writeValueAsString(spec))
        .metadata(STEP, Long.toString(loop.step()))
        .metadata(EPISODES, Integer.toString(loop.episodes()))
        .metadata(SECONDS, Double.toString(loop.seconds()))
        .metadata(TEST_EPISODES, Integer.toString(loop.testEpisodes()))
        .metadata(TEST_SUM, Double.toString(loop.testSum()))
        .metadata(WINDOW, words(loop.window()))
        .metadata(PHASE, loop.phase().map(Phase::name).orElse(""))
        .metadata(RUNNING, words(loop.running()));
    loop.world()
        .ifPresent(world -> writer.metadata(WORLD, Base64.getEncoder().encodeToString(world)));
    replay.ifPresent(id -> writer.metadata(REPLAY, id));
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
   * Restores the agent, but for its replay, and returns where the loop stood.
   *
   * @throws IOException if the file is not whole, no checkpoint, or its network is not this one
   */
  public static Loaded load(Path file, DqnAgent agent) throws IOException {
    try (Safetensors saved = Safetensors.open(file)) {
      saved.verify();
      Map<String, String> about = saved.metadata();
      String version = about.get(FORMAT);
      if (version == null || !List.of(FIRST_VERSION, VERSION).contains(version)) {
        throw new IOException(
            version == null
                ? "not a checkpoint of Bellman: it names no " + FORMAT
                : "checkpoint format "
                    + version
                    + "; this version reads "
                    + FIRST_VERSION
                    + " and "
                    + VERSION);
      }
      try {
        TrainLoop.State loop = loop(about, version.equals(FIRST_VERSION));
        agent.load(saved);
        return new Loaded(file, loop, Optional.ofNullable(about.get(REPLAY)));
      } catch (NumberFormatException | NullPointerException e) {
        throw new IOException("its counters are damaged: " + about, e);
      } catch (IllegalArgumentException e) {
        throw new IOException(e.getMessage(), e);
      }
    }
  }

  private static TrainLoop.State loop(Map<String, String> about, boolean first) {
    long step = Long.parseLong(about.get(STEP));
    int episodes = Integer.parseInt(about.get(EPISODES));
    double seconds = Double.parseDouble(about.get(SECONDS));
    if (first) {
      return TrainLoop.State.at(step, episodes, seconds);
    }
    String phase = about.get(PHASE);
    return new TrainLoop.State(
        step,
        episodes,
        seconds,
        Integer.parseInt(about.get(TEST_EPISODES)),
        Double.parseDouble(about.get(TEST_SUM)),
        window(about.get(WINDOW)),
        phase.isEmpty() ? Optional.empty() : Optional.of(Phase.valueOf(phase)),
        running(about.get(RUNNING)),
        Optional.ofNullable(about.get(WORLD)).map(Base64.getDecoder()::decode));
  }

  private static String words(TrainLoop.Window w) {
    return w.episodes() + " " + w.sum() + " " + w.squares() + " " + w.length();
  }

  private static TrainLoop.Window window(String text) {
    String[] words = split(text, 4);
    return new TrainLoop.Window(
        Integer.parseInt(words[0]),
        Double.parseDouble(words[1]),
        Double.parseDouble(words[2]),
        Long.parseLong(words[3]));
  }

  private static String words(Map<Integer, TrainLoop.Running> running) {
    return new TreeMap<>(running)
        .entrySet().stream()
            .map(e -> e.getKey() + " " + e.getValue().sum() + " " + e.getValue().length())
            .collect(Collectors.joining(";"));
  }

  private static Map<Integer, TrainLoop.Running> running(String text) {
    return Arrays.stream(text.split(";"))
        .filter(words -> !words.isEmpty())
        .map(words -> split(words, 3))
        .collect(
            Collectors.toMap(
                words -> Integer.valueOf(words[0]),
                words ->
                    new TrainLoop.Running(
                        Double.parseDouble(words[1]), Integer.parseInt(words[2]))));
  }

  private static String[] split(String text, int n) {
    String[] words = text.split(" ");
    if (words.length != n) {
      throw new IllegalArgumentException("its counters are damaged: '" + text + "'");
    }
    return words;
  }

  /**
   * Writes the replay that belongs to a checkpoint.
   *
   * @param id the checkpoint's
   */
  public static void saveReplay(Path file, String id, DqnAgent agent) throws IOException {
    try (DataOutputStream out = new DataOutputStream(new GzipBlocks(Files.newOutputStream(file)))) {
      out.writeUTF(REPLAY_FORMAT);
      out.writeInt(REPLAY_VERSION);
      out.writeUTF(id);
      agent.saveReplay(out);
    }
  }

  /**
   * Restores the replay, after {@link #load}.
   *
   * @param id the checkpoint's
   * @throws IOException if the file is not whole, of another checkpoint, or does not fit; the
   *     replay is then empty
   */
  public static void loadReplay(Path file, String id, DqnAgent agent) throws IOException {
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(
                new GZIPInputStream(Files.newInputStream(file), 1 << 16), 1 << 16))) {
      if (!in.readUTF().equals(REPLAY_FORMAT)) {
        throw new IOException("not a replay of Bellman");
      }
      int version = in.readInt();
      if (version != REPLAY_VERSION) {
        throw new IOException(
            "replay format " + version + "; this version reads " + REPLAY_VERSION);
      }
      if (!in.readUTF().equals(id)) {
        throw new IOException("it belongs to another checkpoint");
      }
      agent.loadReplay(in);
    } catch (EOFException e) {
      throw new IOException("it is truncated", e);
    } catch (ZipException e) {
      throw new IOException("it is damaged: " + e.getMessage(), e);
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
      saved.verify();
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
      saved.verify();
      return DqnAgent.weights(saved);
    }
  }
}
