package bellman.engine.cuda;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * cuBLAS, cuDNN and NVRTC for those who have a driver and nothing else: taken out of the jar in
 * which JavaCPP's presets redistribute CUDA, into the user's cache folder, where {@link
 * LibrarySearch} looks last. It is NVIDIA's software under NVIDIA's licence; Bellman brings none.
 */
public final class CudaRedist {
  /** The newest with cuBLAS, and with cuDNN 9. */
  private static final String VERSION = "12.6-9.5-1.5.11";

  /** Of the artifact; its classifier is the platform. */
  public static final String NAME = "org.bytedeco:cuda:" + VERSION;

  private static final String UNFINISHED = ".new";
  private static final Pattern WANTED =
      Pattern.compile("(lib)?(cublas|cublasLt|cudnn|nvrtc)([-_0-9.].*)?(\\.so(\\.[0-9]+)*|\\.dll)");

  private CudaRedist() {}

  /** The artifact for this platform, as Maven calls it. */
  public static String coordinates() {
    return NAME + ":jar:" + platform() + "-redist";
  }

  private static String platform() {
    return CudaLibraries.windows() ? "windows-x86_64" : "linux-x86_64";
  }

  /** Where the jar lies in a local Maven repository. */
  public static Path in(Path repository) {
    return repository.resolve(
        "org/bytedeco/cuda/%1$s/cuda-%1$s-%2$s-redist.jar".formatted(VERSION, platform()));
  }

  private static Path folder(Path cache) {
    return cache.resolve("cuda");
  }

  /** What was unpacked so far, the newest version first. */
  static List<Path> installed(Path cache) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder(cache), "[!.]*")) {
      entries.forEach(found::add);
    } catch (IOException e) {
      return List.of(); // nothing yet
    }
    found.sort(Collections.reverseOrder());
    return found;
  }

  /** Where it was unpacked to, if it was. */
  public static Optional<Path> unpacked() {
    return Optional.of(folder(CacheFolder.root()).resolve(VERSION)).filter(Files::isDirectory);
  }

  /** Unpacks into the user's cache folder, and returns where to. */
  public static Path unpack(Path jar) throws IOException {
    return unpack(jar, CacheFolder.root());
  }

  /**
   * The same into another cache folder. The folder of libraries appears at the end, all at once;
   * where it is there already, nothing is done.
   *
   * @throws IOException if the jar is none or damaged, or holds no such libraries, or they do not
   *     fit on the disk; nothing is left of them then
   */
  static Path unpack(Path jar, Path cache) throws IOException {
    Path target = folder(cache).resolve(VERSION);
    if (Files.isDirectory(target)) {
      return target;
    }
    Path parent = Files.createDirectories(folder(cache));
    try (DirectoryStream<Path> left = Files.newDirectoryStream(parent, UNFINISHED + "*")) {
      for (Path interrupted : left) {
        delete(interrupted);
      }
    }
    Path fresh = Files.createTempDirectory(parent, UNFINISHED);
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      List<? extends ZipEntry> wanted = zip.stream().filter(CudaRedist::isWanted).toList();
      for (NvidiaLibrary library : NvidiaLibrary.values()) {
        String name = library.file(12, CudaLibraries.windows());
        if (wanted.stream().noneMatch(entry -> name(entry).equals(name))) {
          throw new IOException(
              "%s holds no %s; it should be %s".formatted(jar, name, coordinates()));
        }
      }
      long bytes = wanted.stream().mapToLong(ZipEntry::getSize).sum();
      long usable = Files.getFileStore(parent).getUsableSpace();
      if (bytes > usable) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s needs %,d MB and has %,d MB free; set XDG_CACHE_HOME to a larger disk",
                parent,
                bytes >> 20,
                usable >> 20));
      }
      for (ZipEntry entry : wanted) {
        extract(zip, entry, fresh.resolve(name(entry)));
      }
      return Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(fresh);
    }
  }

  private static boolean isWanted(ZipEntry entry) {
    return !entry.isDirectory()
        && entry.getName().startsWith("org/bytedeco/cuda/")
        && !entry.getName().contains(".alt.")
        && WANTED.matcher(name(entry)).matches();
  }

  private static String name(ZipEntry entry) {
    return entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
  }

  private static void extract(ZipFile zip, ZipEntry entry, Path to) throws IOException {
    CheckedInputStream in = new CheckedInputStream(zip.getInputStream(entry), new CRC32());
    try (in) {
      Files.copy(in, to);
    }
    if (in.getChecksum().getValue() != entry.getCrc()) {
      throw new IOException(
          "%s: %s in it is damaged; get it again".formatted(zip.getName(), entry.getName()));
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }
}
