package bellman.engine.cuda;

import static bellman.engine.cuda.NvidiaLibrary.CUBLAS;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;
import jcuda.nvrtc.JNvrtc;

/**
 * The driver, cuBLAS, NVRTC and cuDNN, loaded once for the process. None of them is ours to ship:
 * they are found on the machine ({@link LibrarySearch}) and loaded by absolute path, after which
 * JCuda's natives find them by name.
 *
 * <p>JCuda is built for CUDA 12. For CUDA 13 its natives are copied and the copies ask for the
 * newer names ({@link Elf}); the functions that Bellman calls are the same in both.
 *
 * <p>The natives come out of the class path into the user's cache folder, checked against their
 * hash. JCuda's own loader would take any file of the right name in the shared temporary folder, so
 * while each of its classes initialises, java.io.tmpdir names our folder.
 */
final class CudaLibraries {
  /** How an error about the driver begins. */
  static final String NO_DRIVER = "no NVIDIA driver";

  // What failed stays so: a class of JCuda's that did not initialise never will.
  private static Driver driver;
  private static IllegalStateException driverFailure;
  private static CudaLibraries loaded;
  private static IllegalStateException failure;
  private static Optional<Path> failed; // the folder that was named then

  /**
   * The driver.
   *
   * @param file its library; on Windows a name, which the system finds
   * @param version CUDA that it knows: 13000 for 13.0
   */
  record Driver(Path file, int version) {}

  /** The files of one version of CUDA, or those of them that there are. */
  record Installation(int major, Map<NvidiaLibrary, Path> files) {
    Path file(NvidiaLibrary library) {
      return files.get(library);
    }

    List<NvidiaLibrary> missing() {
      return Stream.of(NvidiaLibrary.values()).filter(l -> !files.containsKey(l)).toList();
    }

    boolean isTogether(LibrarySearch search) {
      return search.isTogether(file(CUBLAS), file(NvidiaLibrary.CUDNN));
    }

    /** How many of them lie where the user said. */
    long named(LibrarySearch search) {
      return files.values().stream().filter(search::isNamed).count();
    }
  }

  private final Installation files;

  private CudaLibraries(Installation files) {
    this.files = files;
  }

  /**
   * Loads the driver, if it is not yet.
   *
   * @throws IllegalStateException if there is none, or no GPU
   */
  static synchronized Driver driver(Optional<Path> folder) {
    LibrarySearch search = search(folder);
    if (driverFailure != null) {
      throw driverFailure;
    }
    if (driver == null) {
      try {
        driver = loadDriver(search);
      } catch (RuntimeException | LinkageError e) {
        driverFailure = known(e);
        throw driverFailure;
      }
    }
    return driver;
  }

  /**
   * Loads everything; later calls answer the same.
   *
   * @param folder where to look first
   * @throws IllegalStateException telling what is missing, where it was looked for and how to get
   *     it; also if a process that has loaded the libraries asks for others
   */
  static synchronized CudaLibraries load(Optional<Path> folder) {
    int version = driver(folder).version;
    Optional<Path> named = named(folder);
    if (failure != null && failed.equals(named)) {
      throw failure;
    }
    if (loaded == null) {
      try {
        loaded = new CudaLibraries(loadLibraries(search(folder), version));
      } catch (RuntimeException | LinkageError e) {
        failed = named;
        failure = known(e);
        throw failure;
      }
    } else if (named.isPresent() && !best(search(folder), version).equals(loaded.files)) {
      throw new IllegalStateException(
          "CUDA's libraries of %s are loaded already; a process cannot change to those of %s"
              .formatted(loaded.files.file(CUBLAS).getParent(), named.get()));
    }
    return loaded;
  }

  private static IllegalStateException known(Throwable e) {
    return e instanceof IllegalStateException known
        ? known
        : new IllegalStateException("CUDA's libraries do not load: " + e, e);
  }

  /** What the caller names, else the property, else the environment. */
  private static Optional<Path> named(Optional<Path> folder) {
    String place = System.getProperty("bellman.cuda.lib", System.getenv("BELLMAN_CUDA_LIB"));
    return folder.or(
        () -> Optional.ofNullable(place).filter(text -> !text.isEmpty()).map(Path::of));
  }

  static LibrarySearch search(Optional<Path> folder) {
    return LibrarySearch.of(
        named(folder),
        environment(),
        Path.of("/"),
        Path.of(System.getProperty("user.home")),
        CacheFolder.root());
  }

  /** On Windows a variable is found whatever the case of its letters: PATH is called Path. */
  private static Map<String, String> environment() {
    Map<String, String> any = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    any.putAll(System.getenv());
    return windows() ? any : System.getenv();
  }

  Installation files() {
    return files;
  }

  private static Driver loadDriver(LibrarySearch search) {
    Path file = driverFile(search);
    if (!windows()) {
      loadFile(file);
    }
    initialise(CacheFolder.ofUser(), "JCudaDriver", JCudaDriver.class.getName(), 12);
    JCudaDriver.setExceptionsEnabled(false);
    Status.driver(JCudaDriver.cuInit(0), "cuInit");
    int[] version = new int[1];
    Status.driver(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
    if (version[0] < 12000) {
      throw new IllegalStateException(
          "the driver knows CUDA up to %s and 12 is needed: update it to 525 or later"
              .formatted(version(version[0])));
    }
    return new Driver(file, version[0]);
  }

  private static Installation loadLibraries(LibrarySearch search, int driverVersion) {
    CacheFolder cache = CacheFolder.ofUser();
    Installation files = choose(search, driverVersion);
    for (NvidiaLibrary library : NvidiaLibrary.values()) {
      Path file = files.file(library);
      if (library == NvidiaLibrary.NVRTC) {
        nearby(file, "nvrtc-builtins").ifPresent(CudaLibraries::loadFile);
      }
      loadFile(file);
    }
    initialise(cache, "JNvrtc", JNvrtc.class.getName(), files.major);
    initialise(cache, "JCublas2", JCublas2.class.getName(), files.major);
    initialise(cache, "JCudnn", JCudnn.class.getName(), files.major);
    JNvrtc.setExceptionsEnabled(false);
    JCublas2.setExceptionsEnabled(false);
    JCudnn.setExceptionsEnabled(false);
    long cudnn = JCudnn.cudnnGetVersion();
    if (cudnn < 90000) {
      throw new IllegalStateException(
          files.file(NvidiaLibrary.CUDNN) + " is cuDNN " + cudnn + "; 9.0 or later is needed");
    }
    return files;
  }

  // ── NVIDIA's ──────────────────────────────────────────────────────────────────────────────────

  static boolean windows() {
    return System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
  }

  private static boolean platformIsKnown() {
    String arch = System.getProperty("os.arch");
    boolean linux = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux");
    return (linux || windows()) && (arch.equals("amd64") || arch.equals("x86_64"));
  }

  private static Path driverFile(LibrarySearch search) {
    if (!platformIsKnown()) {
      throw new IllegalStateException(
          "JCuda has natives for Linux and Windows on x86-64 alone; this is "
              + System.getProperty("os.name")
              + " on "
              + System.getProperty("os.arch"));
    }
    if (windows()) {
      return Path.of("nvcuda.dll"); // in the system folder, which Windows always searches
    }
    return search
        .find("libcuda.so.1", null)
        .orElseThrow(
            () ->
                new IllegalStateException(
                    NO_DRIVER
                        + ": libcuda.so.1 is in none of the folders that bellman doctor"
                        + " lists; install the driver of your GPU (in a container, start it with"
                        + " the GPU)"));
  }

  /** The best installation, if nothing is missing in it. */
  static Installation choose(LibrarySearch search, int driverVersion) {
    Installation best = best(search, driverVersion);
    List<NvidiaLibrary> missing = best.missing();
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          String.format(
              "missing of CUDA %d: %s; the driver knows CUDA up to %s. Looked in %s. %s",
              best.major,
              files(missing, best.major),
              version(driverVersion),
              search.folders(),
              remedy(missing, best.major)));
    }
    return best;
  }

  static String files(List<NvidiaLibrary> libraries, int major) {
    return libraries.stream().map(l -> l.file(major, windows())).collect(joining(", "));
  }

  /** How to get what is missing. */
  static String remedy(List<NvidiaLibrary> missing, int major) {
    return String.format(
        "Install %s or the wheels that PyTorch uses (%s), run bellman fetch-cuda, or name the folder"
            + " with --cuda-lib",
        missing.equals(List.of(NvidiaLibrary.CUDNN))
            ? "cuDNN 9 for CUDA " + major
            : missing.contains(NvidiaLibrary.CUDNN)
                ? "the CUDA toolkit " + major + " and cuDNN 9"
                : "the CUDA toolkit " + major,
        missing.stream().map(l -> l.wheel(major)).distinct().collect(joining(", ")));
  }

  /** 13.0 for 13000. */
  static String version(long number) {
    return number / 1000 + "." + number % 1000 / 10;
  }

  /**
   * CUDA 12, for which JCuda is made, or 13, if the driver knows it: of those that lie where the
   * user said, or of both, the one that lacks least, and of equals first one whose cuDNN lies
   * beside its cuBLAS, for cuDNN's name is the same for 12 and 13.
   */
  static Installation best(LibrarySearch search, int driverVersion) {
    boolean both = !windows() && driverVersion >= 13000; // DLLs have no versions of symbols
    List<Installation> found = new ArrayList<>();
    for (int major : both ? new int[] {12, 13} : new int[] {12}) {
      found.add(installation(search, major));
    }
    if (search.named()) {
      long most = found.stream().mapToLong(i -> i.named(search)).max().orElse(0);
      if (most == 0) {
        throw new IllegalStateException(
            String.format(
                "%s, named as the folder of NVIDIA's libraries, holds none of CUDA 12%s; name the"
                    + " folder of libcublas, a toolkit, or Python's site-packages",
                search.groups().get(0).get(0), both ? " or 13" : ""));
      }
      found.removeIf(i -> i.named(search) < most);
    }
    Comparator<Installation> lacks = Comparator.comparing(i -> i.missing().size());
    return Collections.min(found, lacks.thenComparing(i -> !i.isTogether(search)));
  }

  private static Installation installation(LibrarySearch search, int major) {
    Path cublas = search.find(CUBLAS.file(major, windows()), null).orElse(null);
    Map<NvidiaLibrary, Path> files = new EnumMap<>(NvidiaLibrary.class);
    for (NvidiaLibrary library : NvidiaLibrary.values()) {
      search.find(library.file(major, windows()), cublas).ifPresent(f -> files.put(library, f));
    }
    return new Installation(major, files);
  }

  /** A library beside another whose name says more than we know: libnvrtc-builtins.so.13.0. */
  private static Optional<Path> nearby(Path file, String part) {
    try (var siblings = Files.list(file.toAbsolutePath().getParent())) {
      return siblings
          .filter(f -> f.getFileName().toString().contains(part))
          .filter(f -> !f.getFileName().toString().contains(".alt."))
          .filter(f -> f.getFileName().toString().matches(".*(\\.so\\.\\d+\\.\\d+|\\.dll)"))
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static void loadFile(Path file) {
    try {
      System.load(file.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      throw new IllegalStateException(file + " does not load: " + e.getMessage(), e);
    }
  }

  // ── JCuda's ───────────────────────────────────────────────────────────────────────────────────

  private static void initialise(CacheFolder cache, String library, String type, int major) {
    String name =
        (windows() ? "" : "lib")
            + library
            + "-12.6.0-"
            + (windows() ? "windows" : "linux")
            + "-x86_64."
            + (windows() ? "dll" : "so");
    try (InputStream resource = CudaLibraries.class.getResourceAsStream("/lib/" + name)) {
      if (resource == null) {
        throw new IllegalStateException(
            name + " is not on the class path; the build adds JCuda's natives of its platform");
      }
      byte[] contents = resource.readAllBytes();
      if (!windows() && major == 13) {
        relink(contents);
      }
      Path file = cache.library(name, contents);
      String shared = System.getProperty("java.io.tmpdir");
      System.setProperty("java.io.tmpdir", file.getParent().toString());
      try {
        Class.forName(type, true, CudaLibraries.class.getClassLoader());
      } finally {
        System.setProperty("java.io.tmpdir", shared);
      }
    } catch (IOException e) {
      throw new IllegalStateException(name + " cannot be unpacked: " + e, e);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(type + " is not on the class path", e);
    } catch (LinkageError e) {
      throw new IllegalStateException(name + " does not load: " + firstLine(e), e);
    }
  }

  /** Asks for CUDA 13's cuBLAS and NVRTC instead of 12's. */
  static void relink(byte[] library) {
    Elf elf = new Elf(library);
    elf.rename("libcublas.so.12", "libcublas.so.13");
    elf.rename("libnvrtc.so.12", "libnvrtc.so.13");
  }

  private static String firstLine(Throwable e) {
    return String.valueOf(e.getMessage()).split("\n", 2)[0];
  }
}
