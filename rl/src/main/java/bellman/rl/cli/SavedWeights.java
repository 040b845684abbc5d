package bellman.rl.cli;

import bellman.rl.config.Nearest;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.onnx.OnnxPolicy;
import bellman.rl.onnx.OnnxReader;
import bellman.rl.run.Checkpoint;
import bellman.rl.run.CheckpointFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Finds what a user names by a run: its folder, and in it the newest good weights. */
final class SavedWeights {
  /** From a run's folder over the behavior's and the checkpoints' to a file. */
  private static final int CHECKPOINT_DEPTH = 3;

  private SavedWeights() {}

  /** The weights of a run below {@code results}, of a folder, or the file itself. */
  static Path of(Path results, String name) throws IOException {
    return in(run(results, name));
  }

  /** A run below {@code results}, or any path. */
  static Path run(Path results, String name) throws IOException {
    for (Path path : List.of(results.resolve(name), Path.of(name))) {
      if (Files.exists(path)) {
        return path;
      }
    }
    if (Files.exists(results) && !Files.isDirectory(results)) {
      throw new Failure(
          "there is no run '%s': %s is a file; name the folder of the runs with --results-dir"
              .formatted(name, results));
    }
    List<String> runs = new ArrayList<>();
    if (Files.isDirectory(results)) {
      try (Stream<Path> all = Files.list(results)) {
        all.filter(Files::isDirectory).sorted().forEach(p -> runs.add(p.getFileName().toString()));
      }
    }
    String hint = Nearest.hint(name, runs);
    throw new Failure(
        "there is no run '%s' in %s%s"
            .formatted(
                name,
                results,
                runs.isEmpty()
                    ? ", which has none yet; bellman train makes one"
                    : hint.isEmpty() ? ", only " + String.join(", ", runs) : hint));
  }

  /** The folder of checkpoints in a run's folder or a behavior's; a file is what it is. */
  static Path in(Path run) throws IOException {
    if (!Files.isDirectory(run) || holdsCheckpoints(run)) {
      return run;
    }
    List<Path> found = ofBehaviors(run);
    if (found.size() == 1) {
      return found.get(0);
    }
    throw new Failure(
        found.isEmpty()
            ? run + " holds no checkpoint yet; train longer, or name a file of weights"
            : run + " holds checkpoints of several behaviors; name one of " + found);
  }

  /** The folders of checkpoints in a run's folder or a behavior's, one for each that has some. */
  static List<Path> ofBehaviors(Path run) throws IOException {
    try (Stream<Path> inside = Files.list(run)) {
      return Stream.concat(Stream.of(run), inside.sorted())
          .map(behavior -> behavior.resolve("checkpoint"))
          .filter(SavedWeights::holdsCheckpoints)
          .toList();
    }
  }

  /**
   * The settings of the run that a path leads into: its folder, a checkpoint or a folder of them.
   */
  static Optional<Path> configuration(Path path) {
    Path folder = path.toAbsolutePath().normalize();
    for (int up = 0; up <= CHECKPOINT_DEPTH && folder != null; up++) {
      Path file = folder.resolve("configuration.yaml");
      if (Files.exists(file)) {
        return Optional.of(file);
      }
      folder = folder.getParent();
    }
    return Optional.empty();
  }

  /**
   * Where the logs of a player go that saved weights play with: in their run's, apart from those of
   * its training, which may be going on; of weights without a run, in {@code results}.
   */
  static Path logs(Path weights, Path results) {
    return configuration(weights)
        .map(file -> nearby(file.resolveSibling("run_logs").resolve("evaluation")))
        .orElse(results);
  }

  /** As a user would write it: from the folder that the command was given in. */
  private static Path nearby(Path path) {
    Path here = Path.of("").toAbsolutePath();
    return path.startsWith(here) ? here.relativize(path) : path;
  }

  private static boolean holdsCheckpoints(Path folder) {
    return Files.isDirectory(folder)
        && !new CheckpointFiles(folder, 1, warning -> {}).list().isEmpty();
  }

  /**
   * Loads a file of weights or, of a folder of checkpoints, the newest that can be read.
   *
   * @param warnings gets a message for each newer one that cannot
   * @return the file
   */
  static Path load(Path weights, DqnAgent agent, Consumer<String> warnings) {
    return read(
        weights,
        file -> {
          loadWeights(file, agent);
          return file;
        },
        warnings);
  }

  /** The same with any reader, and returns what that read. */
  static <T> T read(Path weights, CheckpointFiles.Reader<T> reader, Consumer<String> warnings) {
    if (Files.isDirectory(weights)) {
      return new CheckpointFiles(weights, 1, warnings)
          .newest(reader)
          .orElseThrow(() -> new Failure(weights + " holds no checkpoint; train longer"));
    }
    try {
      return reader.read(weights);
    } catch (IOException e) {
      throw new Failure(
          CheckpointFiles.notUsable(weights, e) + ". Name a run, or another file of weights.", e);
    }
  }

  private static void loadWeights(Path file, DqnAgent agent) throws IOException {
    Optional<OnnxPolicy> model = model(file);
    if (model.isEmpty()) {
      Checkpoint.loadWeights(file, agent);
      return;
    }
    try {
      agent.loadWeights(model.get().weights());
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** The policy in an ONNX file; none in other files and folders. */
  static Optional<OnnxPolicy> model(Path weights) {
    if (!weights.toString().toLowerCase(Locale.ROOT).endsWith(".onnx")
        || Files.isDirectory(weights)) {
      return Optional.empty();
    }
    try {
      return Optional.of(OnnxReader.read(weights));
    } catch (IOException e) {
      throw new Failure(
          CheckpointFiles.notUsable(weights, e)
              + ". bellman export --check says what such a file holds.",
          e);
    }
  }
}
