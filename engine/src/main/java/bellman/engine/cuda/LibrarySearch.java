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
import java.util.stream.Collectors;

/**
 * Where NVIDIA's libraries may lie: a folder that the user names, the linker's path, CUDA_HOME or
 * CUDA_PATH, what the system's linker searches, the usual places of the toolkit, the wheels of
 * Python, which is where PyTorch brings its own, and what {@link CudaRedist} unpacked.
 *
 * @param named whether the first group is the user's
 * @param groups folders in the order of search; those of one group belong together
 */
record LibrarySearch(boolean named, List<List<Path>> groups) {
  /**
   * @param folder what the user names, if anything: a folder of libraries, a toolkit, Python's
   *     {@code site-packages} or {@code nvidia} in it, or the home of a virtual environment
   * @param environment the environment's variables
   * @param root {@code /}, or a folder that stands for it in a test
   * @param home the user's home
   * @param cache Bellman's own folder
   * @throws IllegalStateException if the named folder is none
   */
  static LibrarySearch of(
      Optional<Path> folder, Map<String, String> environment, Path root, Path home, Path cache) {
    List<List<Path>> groups = new ArrayList<>();
    folder.ifPresent(
        path -> {
          if (!Files.isDirectory(path)) {
            throw new IllegalStateException(
                path + ", named as the folder of NVIDIA's libraries, is not a folder");
          }
          groups.add(around(path.toAbsolutePath().normalize()));
        });
    groups.add(paths(environment.get("LD_LIBRARY_PATH")));
    if (File.pathSeparatorChar == ';') {
      groups.add(paths(environment.get("PATH"))); // where Windows looks
    }
    for (String name : List.of("CUDA_HOME", "CUDA_PATH")) {
      String value = environment.get(name);
      if (value != null && !value.isEmpty()) {
        groups.add(toolkit(Path.of(value)));
      }
    }
    groups.add(linker(root));
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
        groups.add(toolkit(Path.of(value))); // Conda's own packages
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
      packages(prefix).forEach(packages -> groups.add(wheels(packages.resolve("nvidia"))));
    }
    for (Path fetched : CudaRedist.installed(cache)) {
      groups.add(List.of(fetched));
    }
    groups.replaceAll(group -> group.stream().filter(Files::isDirectory).distinct().toList());
    groups.removeIf(List::isEmpty);
    return new LibrarySearch(folder.isPresent(), List.copyOf(groups));
  }

  /** A folder that the user names, and what belongs to it. */
  private static List<Path> around(Path folder) {
    List<Path> group = new ArrayList<>(List.of(folder));
    group.addAll(toolkit(folder));
    group.addAll(wheels(folder));
    group.addAll(wheels(folder.resolve("nvidia")));
    packages(folder).forEach(packages -> group.addAll(wheels(packages.resolve("nvidia"))));
    for (Path above = folder; above != null; above = above.getParent()) {
      if (above.endsWith("nvidia")) {
        group.addAll(wheels(above)); // cuDNN's folder beside cuBLAS's
      }
    }
    return group;
  }

  /** Where a Python below {@code prefix} keeps its packages. */
  private static List<Path> packages(Path prefix) {
    List<Path> packages = new ArrayList<>();
    for (String lib : List.of("lib", "lib64")) {
      for (Path python : list(prefix.resolve(lib), "python3*")) {
        packages.add(python.resolve("site-packages"));
        packages.add(python.resolve("dist-packages"));
      }
    }
    packages.add(prefix.resolve("Lib").resolve("site-packages")); // Windows
    return packages;
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

  private static List<Path> linker(Path root) {
    List<Path> folders = new ArrayList<>();
    List<Path> files = new ArrayList<>(list(root.resolve("etc/ld.so.conf.d"), "*.conf"));
    Collections.sort(files);
    files.add(0, root.resolve("etc/ld.so.conf"));
    for (Path file : files) {
      try {
        for (String line : Files.readAllLines(file)) {
          String folder = line.strip();
          if (folder.startsWith("/")) {
            folders.add(root.resolve(folder.substring(1)));
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

  /**
   * The file of that name where the user said, else in {@code near}'s group, else the first one.
   *
   * @param near a library that it shall match, or null
   */
  Optional<Path> find(String name, Path near) {
    Path found = null;
    for (List<Path> group : groups) {
      boolean same =
          near != null && group.contains(near.getParent()) || named && group == groups.get(0);
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

  /** Whether a file lies where the user said. */
  boolean isNamed(Path file) {
    return named && groups.get(0).contains(file.getParent());
  }

  /** Whether two files lie in one group; null lies in none. */
  boolean isTogether(Path one, Path other) {
    return one != null
        && other != null
        && groups.stream()
            .anyMatch(g -> g.contains(one.getParent()) && g.contains(other.getParent()));
  }

  /** Every folder, for errors. */
  String folders() {
    return groups.stream()
        .flatMap(List::stream)
        .distinct()
        .map(Path::toString)
        .collect(Collectors.joining(", "));
  }
}
