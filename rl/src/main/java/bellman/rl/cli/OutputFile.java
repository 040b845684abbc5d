package bellman.rl.cli;

import bellman.rl.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/** Checks a file that a user asks for before anything is done for it. */
final class OutputFile {
  private OutputFile() {}

  /**
   * @param flag that names it
   * @param endings of which its name has one; none: any
   * @throws ConfigException if it can be told that it cannot be written
   */
  static void check(String flag, Path file, String... endings) {
    Path folder = file.toAbsolutePath().getParent();
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (Files.isDirectory(file) || folder == null) {
      throw new ConfigException("%s %s is a folder; name a file in it".formatted(flag, file));
    }
    if (!Files.isDirectory(folder)) {
      throw new ConfigException(
          "%s %s: there is no folder %s; make it first".formatted(flag, file, folder));
    }
    if (endings.length > 0 && Arrays.stream(endings).noneMatch(name::endsWith)) {
      throw new ConfigException(
          "%s %s: the name must end with %s".formatted(flag, file, String.join(" or ", endings)));
    }
  }
}
