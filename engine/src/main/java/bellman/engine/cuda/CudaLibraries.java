package bellman.engine.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
  private static final String REMEDY =
      "install the CUDA toolkit 12 or 13, or the wheels that PyTorch uses"
          + " (nvidia-cublas, nvidia-cuda-nvrtc, nvidia-cudnn-cu13 or -cu12), or name the folder"
          + " with -Dbellman.cuda.lib or BELLMAN_CUDA_LIB";

  private static CudaLibraries loaded;
  private static RuntimeException failure;

  /** The files of one version of CUDA. */
  record Installation(int major, Path cublasLt, Path cublas, Path nvrtc, Path cudnn) {}

  private final int driverVersion;
  private final Installation files;

  private CudaLibraries(int driverVersion, Installation files) {
    this.driverVersion = driverVersion;
    this.files = files;
  }

  /** Loads everything; later calls answer as the first did. */
  static synchronized CudaLibraries load() {
    if (failure != null) {
      throw failure;
    }
    if (loaded == null) {
      try {
        loaded = find();
      } catch (RuntimeException | LinkageError e) {
        failure =
            e instanceof IllegalStateException known
                ? known
                : new IllegalStateException("CUDA's libraries do not load: " + e, e);
        throw failure;
      }
    }
    return loaded;
  }

  /** CUDA of the driver: 13000 for 13.0. */
  int driverVersion() {
    return driverVersion;
  }

  Installation files() {
    return files;
  }

  private static CudaLibraries find() {
    if (!platformIsKnown()) {
      throw new IllegalStateException(
          "JCuda has natives for Linux and Windows on x86-64 alone; this is "
              + System.getProperty("os.name")
              + " on "
              + System.getProperty("os.arch"));
    }
    String explicit = System.getProperty("bellman.cuda.lib", System.getenv("BELLMAN_CUDA_LIB"));
    LibrarySearch search =
        LibrarySearch.of(
            explicit, System.getenv(), Path.of("/"), Path.of(System.getProperty("user.home")));
    CacheFolder cache = CacheFolder.ofUser();
    loadDriver(search);
    initialise(cache, "JCudaDriver", JCudaDriver.class.getName(), 12);
    JCudaDriver.setExceptionsEnabled(false);
    Status.driver(JCudaDriver.cuInit(0), "cuInit");
    int[] version = new int[1];
    Status.driver(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
    Installation files = choose(search, version[0]);
    loadFile(files.cublasLt);
    loadFile(files.cublas);
    nearby(files.nvrtc, "nvrtc-builtins").ifPresent(CudaLibraries::loadFile);
    loadFile(files.nvrtc);
    loadFile(files.cudnn);
    initialise(cache, "JNvrtc", JNvrtc.class.getName(), files.major);
    initialise(cache, "JCublas2", JCublas2.class.getName(), files.major);
    initialise(cache, "JCudnn", JCudnn.class.getName(), files.major);
    JNvrtc.setExceptionsEnabled(false);
    JCublas2.setExceptionsEnabled(false);
    JCudnn.setExceptionsEnabled(false);
    long cudnn = JCudnn.cudnnGetVersion();
    if (cudnn < 90000) {
      throw new IllegalStateException(
          files.cudnn + " is cuDNN " + cudnn + "; 9.0 or later is needed");
    }
    return new CudaLibraries(version[0], files);
  }

  // ── names ─────────────────────────────────────────────────────────────────────────────────────

  private static boolean windows() {
    return System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
  }

  private static boolean platformIsKnown() {
    String arch = System.getProperty("os.arch");
    boolean linux = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux");
    return (linux || windows()) && (arch.equals("amd64") || arch.equals("x86_64"));
  }

  /** What the system calls a library of CUDA: cublas of 12 is libcublas.so.12. */
  static String fileName(String library, int major, boolean windows) {
    return switch (library) {
      case "cuda" -> windows ? "nvcuda.dll" : "libcuda.so.1";
      case "cudnn" -> windows ? "cudnn64_9.dll" : "libcudnn.so.9";
      case "nvrtc" -> windows ? "nvrtc64_" + major + "0_0.dll" : "libnvrtc.so." + major;
      default -> windows ? library + "64_" + major + ".dll" : "lib" + library + ".so." + major;
    };
  }

  // ── NVIDIA's ──────────────────────────────────────────────────────────────────────────────────

  private static void loadDriver(LibrarySearch search) {
    String name = fileName("cuda", 0, windows());
    if (windows()) {
      return; // the system folder, which Windows always searches
    }
    Optional<Path> file = search.find(name, null);
    if (file.isEmpty()) {
      throw new IllegalStateException(
          "no NVIDIA driver: "
              + name
              + " is in none of the folders that the system's linker searches; install the driver"
              + " of your GPU (in a container, start it with the GPU)");
    }
    loadFile(file.get());
  }

  /** CUDA 12, for which JCuda is made, if it is complete; else 13, if the driver knows it. */
  static Installation choose(LibrarySearch search, int driverVersion) {
    List<String> missing = new ArrayList<>();
    for (int major : new int[] {12, 13}) {
      if (major == 13 && (windows() || driverVersion < 13000)) {
        continue; // DLLs have no versions of symbols to rename
      }
      Optional<Path> cublas = search.find(fileName("cublas", major, windows()), null);
      Path near = cublas.orElse(null);
      Optional<Path> lt = search.find(fileName("cublasLt", major, windows()), near);
      Optional<Path> nvrtc = search.find(fileName("nvrtc", major, windows()), near);
      Optional<Path> cudnn = search.find(fileName("cudnn", major, windows()), near);
      if (cublas.isPresent() && lt.isPresent() && nvrtc.isPresent() && cudnn.isPresent()) {
        return new Installation(major, lt.get(), cublas.get(), nvrtc.get(), cudnn.get());
      }
      List<String> lacks = new ArrayList<>();
      if (cublas.isEmpty()) {
        lacks.add(fileName("cublas", major, windows()));
      }
      if (lt.isEmpty()) {
        lacks.add(fileName("cublasLt", major, windows()));
      }
      if (nvrtc.isEmpty()) {
        lacks.add(fileName("nvrtc", major, windows()));
      }
      if (cudnn.isEmpty()) {
        lacks.add(fileName("cudnn", major, windows()));
      }
      missing.add("of CUDA " + major + ": " + String.join(", ", lacks));
    }
    throw new IllegalStateException(
        "missing "
            + String.join("; ", missing)
            + " (the driver knows CUDA up to "
            + driverVersion / 1000
            + "."
            + driverVersion % 1000 / 10
            + "). Looked in "
            + search.folders()
            + ". "
            + REMEDY);
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
