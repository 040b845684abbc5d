package bellman.rl.cli;

import bellman.rl.config.Nearest;
import bellman.rl.run.CheckpointFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Finds what a user names by a run: its folder, and in it the newest weights. */
final class SavedWeights {
  private SavedWeights() {}

  /** The newest weights of a run below {@code results}, of a folder, or the file itself. */
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
    List<String> runs = new ArrayList<>();
    if (Files.isDirectory(results)) {
      try (Stream<Path> all = Files.list(results)) {
        all.filter(Files::isDirectory).forEach(p -> runs.add(p.getFileName().toString()));
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

  /** The newest checkpoint in a run's folder; a file is what it is. */
  static Path in(Path run) throws IOException {
    if (!Files.isDirectory(run)) {
      return run;
    }
    List<Path> newest = new ArrayList<>();
    try (Stream<Path> behaviors = Files.list(run)) {
      for (Path behavior : behaviors.sorted().toList()) {
        Path checkpoints = behavior.resolve("checkpoint");
        if (Files.isDirectory(checkpoints)) {
          new CheckpointFiles(checkpoints, 1, warning -> {})
              .list().stream().findFirst().ifPresent(newest::add);
        }
      }
    }
    if (newest.size() == 1) {
      return newest.get(0);
    }
    throw new Failure(
        newest.isEmpty()
            ? run + " holds no checkpoint yet; train longer, or name a file of weights"
            : run + " holds checkpoints of several behaviors; name one of " + newest);
  }
}
