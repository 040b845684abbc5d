package bellman.rl.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** How this process can be started again. */
final class Launcher {
  private Launcher() {}

  /** The script that started it, which says so by a property. */
  static Optional<Path> script() {
    return Optional.ofNullable(System.getProperty("bellman.launcher"))
        .map(Path::of)
        .filter(Files::isExecutable);
  }

  /** The script or, without one, java with this class path. */
  static List<String> command() {
    return script()
        .map(path -> List.of(path.toString()))
        .orElseGet(
            () ->
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    Main.class.getName()));
  }
}
