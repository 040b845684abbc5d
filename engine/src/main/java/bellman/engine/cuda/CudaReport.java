package bellman.engine.cuda;

import bellman.engine.cuda.CudaLibraries.Installation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;

/** What of CUDA a machine has: versions and files, and what is missing. */
public final class CudaReport {
  private static final Path KERNEL_MODULE = Path.of("/proc/driver/nvidia/version");

  /**
   * One piece.
   *
   * @param present whether it serves
   * @param subject its name, as in {@code cuDNN 9}
   * @param text its version and file; or where it was looked for and how to get it
   */
  public record Row(boolean present, String subject, String text) {}

  private static final List<String> TITLES =
      Stream.of(NvidiaLibrary.values()).map(NvidiaLibrary::title).distinct().toList();

  private CudaReport() {}

  /**
   * Driver, GPUs, runtime and libraries, as far as they load.
   *
   * @param folder where NVIDIA's libraries are looked for first
   */
  public static List<Row> of(Optional<Path> folder) {
    LibrarySearch search;
    try {
      search = CudaLibraries.search(folder);
    } catch (IllegalStateException e) {
      return List.of(new Row(false, "CUDA", e.getMessage()));
    }
    List<Row> rows = new ArrayList<>();
    int version = Integer.MAX_VALUE; // unknown
    try {
      CudaLibraries.Driver driver = CudaLibraries.driver(folder);
      version = driver.version();
      rows.add(driver(driver));
      rows.addAll(devices());
      Installation files = CudaLibraries.load(folder).files();
      rows.add(runtime());
      for (NvidiaLibrary library : NvidiaLibrary.values()) {
        if (library != NvidiaLibrary.CUBLAS_LT) { // its version is cuBLAS's
          rows.add(library(library, files));
        }
      }
    } catch (IllegalStateException e) {
      rows.addAll(unloaded(search, version, e));
    }
    return rows;
  }

  // ── what did not load ─────────────────────────────────────────────────────────────────────────

  /** The reason, each library as a search finds it, and where that looked. */
  static List<Row> unloaded(LibrarySearch search, int driverVersion, IllegalStateException reason) {
    List<Row> rows = new ArrayList<>();
    Installation found;
    try {
      found = CudaLibraries.best(search, driverVersion);
    } catch (IllegalStateException e) {
      return List.of(new Row(false, "CUDA", reason.getMessage()));
    }
    for (String title : TITLES) {
      List<NvidiaLibrary> parts =
          Stream.of(NvidiaLibrary.values()).filter(l -> l.title().equals(title)).toList();
      List<NvidiaLibrary> missing = parts.stream().filter(found.missing()::contains).toList();
      rows.add(
          missing.isEmpty()
              ? new Row(true, title, files(parts, found) + ", not loaded")
              : new Row(
                  false,
                  title,
                  String.format(
                      "missing: %s. %s",
                      CudaLibraries.files(missing, found.major()),
                      CudaLibraries.remedy(missing, found.major()))));
    }
    boolean noDriver = reason.getMessage().startsWith(CudaLibraries.NO_DRIVER);
    if (noDriver || !found.missing().isEmpty()) {
      rows.add(new Row(false, "CUDA", "looked in " + search.folders()));
    }
    if (!reason.getMessage().startsWith("missing of CUDA")) { // else the rows have said it
      rows.add(0, new Row(false, "CUDA", reason.getMessage()));
    }
    return rows;
  }

  // ── what did ──────────────────────────────────────────────────────────────────────────────────

  private static Row driver(CudaLibraries.Driver driver) {
    String module = "";
    try {
      module = moduleVersion(Files.readString(KERNEL_MODULE)).map(v -> v + ", ").orElse("");
    } catch (IOException e) {
      module = ""; // Windows, or a container that does not show it
    }
    return new Row(
        true,
        "driver",
        module
            + "CUDA up to "
            + CudaLibraries.version(driver.version())
            + ", "
            + real(driver.file()));
  }

  /** 580.95.05 of {@code NVRM version: NVIDIA UNIX x86_64 Kernel Module 580.95.05 Tue …}. */
  static Optional<String> moduleVersion(String text) {
    Matcher m = Pattern.compile("Kernel Module.*?\\s(\\d+(\\.\\d+)+)").matcher(text);
    return m.find() ? Optional.of(m.group(1)) : Optional.empty();
  }

  private static Row runtime() {
    return new Row(
        true,
        "runtime",
        "CUDA %s in cuDNN; Bellman itself calls the driver, through JCuda 12.6"
            .formatted(CudaLibraries.version(JCudnn.cudnnGetCudartVersion())));
  }

  private static Row library(NvidiaLibrary library, Installation files) {
    String version =
        switch (library) {
          case NVRTC -> Modules.compilerVersion();
          case CUDNN -> {
            long number = JCudnn.cudnnGetVersion(); // 91400 for 9.14.0
            yield number / 10000 + "." + number % 10000 / 100 + "." + number % 100;
          }
          default -> cublasVersion();
        };
    List<NvidiaLibrary> parts =
        Stream.of(NvidiaLibrary.values()).filter(l -> l.title().equals(library.title())).toList();
    return new Row(true, library.title(), version + ", " + files(parts, files));
  }

  private static String files(List<NvidiaLibrary> libraries, Installation files) {
    return libraries.stream()
        .map(library -> real(files.file(library)).toString())
        .collect(Collectors.joining(", "));
  }

  /** Without a handle, which would need a GPU. */
  private static String cublasVersion() {
    List<String> parts = new ArrayList<>();
    for (int part = 0; part < 3; part++) { // major, minor, patch
      int[] value = new int[1];
      parts.add(JCublas2.cublasGetProperty(part, value) == 0 ? Integer.toString(value[0]) : "?");
    }
    return String.join(".", parts);
  }

  /** What a link stands for: files are named after their whole version. */
  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      return file;
    }
  }

  private static List<Row> devices() {
    int[] count = new int[1];
    int status = JCudaDriver.cuDeviceGetCount(count);
    if (status != 0 || count[0] == 0) {
      return List.of(
          new Row(
              false,
              "GPU",
              "none that CUDA sees; is it in this machine, and in CUDA_VISIBLE_DEVICES?"));
    }
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count[0]; i++) {
      rows.add(device(i));
    }
    return rows;
  }

  private static Row device(int ordinal) {
    CUdevice device = new CUdevice();
    byte[] name = new byte[256];
    long[] memory = new long[1];
    int[] major = new int[1];
    int[] minor = new int[1];
    int status = JCudaDriver.cuDeviceGet(device, ordinal);
    if (status == 0) {
      status =
          JCudaDriver.cuDeviceGetName(name, name.length, device)
              | JCudaDriver.cuDeviceTotalMem(memory, device)
              | JCudaDriver.cuDeviceGetAttribute(
                  major, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device)
              | JCudaDriver.cuDeviceGetAttribute(
                  minor, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
    }
    if (status != 0) {
      return new Row(false, "cuda:" + ordinal, "the driver answers with status " + status);
    }
    return new Row(
        true,
        "cuda:" + ordinal,
        String.format(
            Locale.ROOT,
            "%s, compute capability %d.%d, %.1f GiB",
            new String(name, StandardCharsets.US_ASCII).split("\0", 2)[0],
            major[0],
            minor[0],
            memory[0] / (double) (1 << 30)));
  }
}
