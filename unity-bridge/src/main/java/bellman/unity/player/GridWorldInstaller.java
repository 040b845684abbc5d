package bellman.unity.player;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes a small executable that starts GridWorld, so that any ML-Agents trainer, Python's too, can
 * be given it as a Unity build: {@code file_name="…/GridWorld"}.
 */
public final class GridWorldInstaller {
  /** Where the executable shall run; each looks for another file name. */
  public enum Platform {
    LINUX,
    MACOS,
    /**
     * A {@code .cmd} file. Python's trainer looks for {@code .exe} files only, so this one serves
     * Bellman's trainer.
     */
    WINDOWS;

    static Platform current() {
      String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
      return os.contains("windows") ? WINDOWS : os.contains("mac") ? MACOS : LINUX;
    }
  }

  private GridWorldInstaller() {}

  /**
   * Writes the executable for this machine.
   *
   * @param directory where to; made if it is missing
   * @param launcher the command that gets {@code gridworld} and the trainer's arguments appended:
   *     the {@code bellman} script, or java with a class path and a main class. A program with a
   *     folder in its name is made absolute, because trainers start players from anywhere.
   * @return what to give to a trainer as the environment's path
   * @throws IOException when the file cannot be written
   * @throws IllegalArgumentException when the launcher is empty, or Windows cannot quote it
   */
  public static Path install(Path directory, List<String> launcher) throws IOException {
    return install(directory, launcher, Platform.current());
  }

  /** The same for another platform. */
  public static Path install(Path directory, List<String> launcher, Platform platform)
      throws IOException {
    if (launcher.isEmpty()) {
      throw new IllegalArgumentException(
          "gridworld installer: the launcher is empty; give the path of the bellman script");
    }
    List<String> command = new ArrayList<>(launcher);
    Path program = Path.of(launcher.get(0));
    if (program.getNameCount() > 1) {
      command.set(0, program.toAbsolutePath().toString());
    }
    return switch (platform) {
      case LINUX -> write(directory.resolve("GridWorld.x86_64"), shell(command));
      case MACOS -> {
        Path bundle = directory.resolve("GridWorld.app");
        write(bundle.resolve("Contents").resolve("MacOS").resolve("GridWorld"), shell(command));
        yield bundle;
      }
      case WINDOWS -> write(directory.resolve("GridWorld.cmd"), batch(command));
    };
  }

  private static String shell(List<String> command) {
    // exec: the trainer's signals must reach the player itself
    return "#!/bin/sh\nexec "
        + command.stream()
            .map(word -> "'" + word.replace("'", "'\\''") + "'")
            .collect(Collectors.joining(" "))
        + " gridworld \"$@\"\n";
  }

  private static String batch(List<String> command) {
    for (String word : command) {
      if (word.matches("(?s).*[\"%\\n].*")) {
        throw new IllegalArgumentException(
            "gridworld installer: <%s> holds a quote, a percent sign or a line break, which a .cmd file cannot carry; install the launcher elsewhere"
                .formatted(word));
      }
    }
    return "@echo off\r\ncall "
        + command.stream().map(word -> "\"" + word + "\"").collect(Collectors.joining(" "))
        + " gridworld %*\r\nexit /b %ERRORLEVEL%\r\n";
  }

  private static Path write(Path file, String text) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    // Beside, then moved over: a player that runs from the old file keeps it.
    Path beside = file.resolveSibling(file.getFileName() + ".new");
    Files.write(beside, text.getBytes(StandardCharsets.UTF_8));
    if (Files.getFileStore(beside).supportsFileAttributeView("posix")) {
      var permissions = Files.getPosixFilePermissions(beside);
      permissions.addAll(
          Set.of(
              PosixFilePermission.OWNER_EXECUTE,
              PosixFilePermission.GROUP_EXECUTE,
              PosixFilePermission.OTHERS_EXECUTE));
      Files.setPosixFilePermissions(beside, permissions);
    }
    return Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
