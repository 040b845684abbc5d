package bellman.app;

import bellman.engine.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A tiny training that stopped early, made once; tests take copies. */
final class Trained {
  /** Where the training stopped; 300 steps were planned. */
  static final int STEP = 200;

  static final String CHECKPOINT = "step-000000200.safetensors";
  static final String REPLAY = "step-000000200.replay.gz";

  private static Path made;

  private Trained() {}

  /** The arguments that made it, but for the run's name. */
  static String[] arguments(String runId) {
    return Bellman.tiny("--quiet", "--stop-after", "" + STEP, "--run-id", runId);
  }

  /** Copies it into {@code folder/results} under this name, and returns its checkpoints' folder. */
  static Path into(Path folder, String runId) throws IOException {
    Path from = make().resolve("results/base");
    Path to = folder.resolve("results").resolve(runId);
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
    return checkpoints(folder, runId);
  }

  static Path checkpoints(Path folder, String runId) {
    return folder.resolve("results").resolve(runId).resolve("GridWorld/checkpoint");
  }

  static synchronized Path make() throws IOException {
    if (made == null) {
      Path folder = Bellman.HOME.resolve("benchmarks/target/trained");
      if (Files.exists(folder)) {
        try (Stream<Path> files = Files.walk(folder)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
      Files.createDirectories(folder);
      Bellman.run(folder, arguments("base")).endedWith(0, "");
      made = folder;
    }
    return made;
  }

  /** Every tensor's bytes, and every fact except the time it took and its replay's id. */
  static Map<String, Object> content(Path checkpoint) throws IOException {
    Map<String, Object> content = new LinkedHashMap<>();
    try (Safetensors file = Safetensors.open(checkpoint)) {
      for (Safetensors.Entry entry : file.entries().values()) {
        content.put(entry.name(), entry.raw());
      }
      content.putAll(file.metadata());
      content.remove("loop.seconds");
      content.remove("replay");
    }
    return content;
  }

  /** Names in a folder, sorted. */
  static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
