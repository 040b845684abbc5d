package bellman.unity.process;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Finds the file to execute when a user names a Unity build in the usual short ways. */
public final class PlayerFile {
  /** Where the player shall run: builds are laid out differently. */
  public enum System {
    LINUX,
    MAC,
    WINDOWS;

    /** The system of this JVM; anything unknown counts as Linux. */
    public static System here() {
      String name = java.lang.System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
      return name.startsWith("windows") ? WINDOWS : name.startsWith("mac") ? MAC : LINUX;
    }

    boolean isWindows() {
      return this == WINDOWS;
    }
  }

  private static final List<String> ENDINGS = List.of(".app", ".exe", ".cmd", ".x86_64", ".x86");

  private PlayerFile() {}

  /**
   * The executable of a build. {@code build/Game}, {@code build/Game.x86_64}, {@code
   * build/Game.app} and {@code build/Game.exe} all name the same build.
   *
   * @throws NoSuchFileException when none of the places holds a file; the message lists them
   * @throws AccessDeniedException when the file cannot be executed
   */
  public static Path find(Path named, System system) throws IOException {
    if (named.getFileName() == null) {
      throw new NoSuchFileException(
          named.toString(), null, "is no player. Remedy: name the file that Unity built");
    }
    Path bare = withoutEnding(named);
    List<Path> places = new ArrayList<>();
    switch (system) {
      case LINUX -> {
        places.add(withEnding(bare, ".x86_64"));
        places.add(withEnding(bare, ".x86"));
      }
      case MAC -> {
        Path folder = withEnding(bare, ".app").resolve("Contents").resolve("MacOS");
        places.add(folder.resolve(bare.getFileName().toString()));
        places.addAll(filesOf(folder, ""));
      }
      case WINDOWS -> {
        places.add(withEnding(bare, ".exe"));
        places.add(withEnding(bare, ".cmd"));
        places.addAll(filesOf(bare, ".exe"));
      }
    }
    if (system != System.WINDOWS) {
      places.add(bare);
      places.add(named);
    }
    places = places.stream().distinct().toList();
    for (Path place : places) {
      if (Files.isRegularFile(place)) {
        if (!Files.isExecutable(place)) {
          throw new AccessDeniedException(
              place.toString(), null, "is not executable. Remedy: chmod +x " + place);
        }
        return place;
      }
    }
    throw new NoSuchFileException(
        named.toString(),
        null,
        "no player there; looked for "
            + places.stream().map(Path::toString).collect(Collectors.joining(", "))
            + ". Remedy: name the file that Unity built, relative to the current folder or in full");
  }

  private static Path withoutEnding(Path named) {
    String name = named.getFileName().toString();
    for (String ending : ENDINGS) {
      if (name.endsWith(ending) && name.length() > ending.length()) {
        return named.resolveSibling(name.substring(0, name.length() - ending.length()));
      }
    }
    return named;
  }

  private static Path withEnding(Path bare, String ending) {
    return bare.resolveSibling(bare.getFileName() + ending);
  }

  private static List<Path> filesOf(Path folder, String ending) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, "*" + ending)) {
      for (Path file : all) {
        if (!file.getFileName().toString().startsWith("UnityCrashHandler")) {
          files.add(file);
        }
      }
    }
    files.sort(null);
    return files;
  }
}
