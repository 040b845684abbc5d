package bellman.engine.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where NVIDIA's libraries may lie: a folder that the user names, CUDA_HOME or CUDA_PATH, what the
 * system's linker searches, the usual places of the toolkit, and the wheels of Python, which is
 * where PyTorch brings its own.
 *
 * @param groups folders in the order of search; those of one group belong together
 */
record LibrarySearch(List<List<Path>> groups) {
  /**
   * @param explicit the folder that the user names, or null
   * @param environment the environment's variables
   * @param root {@code /}, or a folder that stands for it in a test
   * @param home the user's home
   */
  static LibrarySearch of(String explicit, Map<String, String> environment, Path root, Path home) {
    List<List<Path>> groups = new ArrayList<>();
    if (explicit != null && !explicit.isEmpty()) {
      Path folder = Path.of(explicit);
      List<Path> group = new ArrayList<>(List.of(folder));
      group.addAll(toolkit(folder));
      group.addAll(wheels(folder));
      groups.add(group);
    }
    for (String name : List.of("CUDA_HOME", "CUDA_PATH")) {
      String value = environment.get(name);
      if (value != null && !value.isEmpty()) {
        groups.add(toolkit(Path.of(value)));
      }
    }
    groups.add(linker(environment, root));
    for (String parent : List.of("usr/local", "opt")) {
      List<Path> toolkits = new ArrayList<>(list(root.resolve(parent), "cuda*"));
      toolkits.sort(Collections.reverseOrder()); // the newest first
      toolkits.forEach(toolkit -> groups.add(toolkit(toolkit)));
    }
    Set<Path> prefixes = new LinkedHashSet<>();
    for (String name : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      String value = environment.get(name);
      if (value != null && !value.isEmpty()) {
        prefixes.add(Path.of(value));
      }
    }
    for (Path entry : paths(environment.get("PATH"))) {
      if (Files.exists(entry.resolve("python3")) || Files.exists(entry.resolve("python.exe"))) {
        Path parent = entry.getParent();
        prefixes.add(Files.exists(entry.resolve("python3")) && parent != null ? parent : entry);
      }
    }
    prefixes.addAll(
        List.of(home.resolve(".local"), root.resolve("usr/local"), root.resolve("usr")));
    for (Path prefix : prefixes) {
      List<Path> packages = new ArrayList<>();
      for (Path python : list(prefix.resolve("lib"), "python3*")) {
        packages.add(python.resolve("site-packages"));
        packages.add(python.resolve("dist-packages"));
      }
      packages.add(prefix.resolve("Lib").resolve("site-packages")); // Windows
      for (Path folder : packages) {
        groups.add(wheels(folder.resolve("nvidia")));
      }
    }
    groups.replaceAll(group -> group.stream().filter(Files::isDirectory).distinct().toList());
    groups.removeIf(List::isEmpty);
    return new LibrarySearch(List.copyOf(groups));
  }

  private static List<Path> toolkit(Path home) {
    return List.of(
        home.resolve("lib64"),
        home.resolve("lib"),
        home.resolve("targets/x86_64-linux/lib"),
        home.resolve("bin"), // Windows
        home.resolve("bin/x64"));
  }

  /** {@code nvidia/cublas/lib}, {@code nvidia/cudnn/lib}, … */
  private static List<Path> wheels(Path nvidia) {
    List<Path> folders = new ArrayList<>();
    for (Path part : list(nvidia, "*")) {
      folders.add(part.resolve("lib"));
      folders.add(part.resolve("bin")); // Windows
      folders.add(part.resolve("bin/x86_64"));
    }
    return folders;
  }

  private static List<Path> linker(Map<String, String> environment, Path root) {
    List<Path> folders = new ArrayList<>(paths(environment.get("LD_LIBRARY_PATH")));
    List<Path> files = new ArrayList<>(list(root.resolve("etc/ld.so.conf.d"), "*.conf"));
    Collections.sort(files);
    files.add(0, root.resolve("etc/ld.so.conf"));
    for (Path file : files) {
      try {
        for (String line : Files.readAllLines(file)) {
          if (line.startsWith("/")) {
            folders.add(root.resolve(line.strip().substring(1)));
          }
        }
      } catch (IOException e) {
        continue; // absent, or not for us to read
      }
    }
    for (String usual :
        List.of(
            "lib/x86_64-linux-gnu",
            "usr/lib/x86_64-linux-gnu",
            "lib64",
            "usr/lib64",
            "usr/lib",
            "usr/local/nvidia/lib64",
            "usr/local/nvidia/lib",
            "usr/lib/wsl/lib")) {
      folders.add(root.resolve(usual));
    }
    if (File.pathSeparatorChar == ';') {
      folders.addAll(paths(environment.get("PATH"))); // where Windows looks
    }
    return folders;
  }

  private static List<Path> paths(String variable) {
    List<Path> paths = new ArrayList<>();
    for (String part : variable == null ? new String[0] : variable.split(File.pathSeparator)) {
      if (!part.isEmpty()) {
        paths.add(Path.of(part));
      }
    }
    return paths;
  }

  private static List<Path> list(Path folder, String pattern) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
      entries.forEach(found::add);
    } catch (IOException e) {
      return List.of(); // not there
    }
    Collections.sort(found);
    return found;
  }

  /** The first file of that name; in {@code near}'s group, if it is there too. */
  Optional<Path> find(String name, Path near) {
    Path found = null;
    for (List<Path> group : groups) {
      boolean same = near != null && group.contains(near.getParent());
      for (Path folder : group) {
        Path file = folder.resolve(name);
        if (Files.isRegularFile(file)) {
          if (same) {
            return Optional.of(file);
          }
          found = found == null ? file : found;
        }
      }
    }
    return Optional.ofNullable(found);
  }

  /** Every folder, for errors. */
  String folders() {
    return String.join(", ", groups.stream().flatMap(List::stream).map(Path::toString).toList());
  }
}
