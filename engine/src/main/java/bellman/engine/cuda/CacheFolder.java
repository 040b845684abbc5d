package bellman.engine.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * Files that can be made again: native libraries and compiled kernels, in a folder of the user's
 * own. A file that a killed process left half-written, or that anybody changed, is never used: each
 * is written beside its place and moved there, and each is checked against its hash.
 */
final class CacheFolder {
  private static final int HASH = 32; // bytes of SHA-256

  private final Path root;

  private static Path temporary; // null: not needed so far

  CacheFolder(Path root) {
    this.root = root;
  }

  /** {@code ~/.cache/bellman} or what the system has for it; it may not be there yet. */
  static Path root() {
    return place(
        System.getProperty("bellman.cache"), System.getenv(), System.getProperty("user.home"));
  }

  /**
   * The same, made where it is missing, or a temporary folder of this process where that cannot be.
   */
  static synchronized CacheFolder ofUser() {
    Path root = root();
    try {
      makePrivate(root);
      return new CacheFolder(root);
    } catch (IOException e) { // no home, or a read-only one
      try {
        if (temporary == null) {
          temporary = Files.createTempDirectory("bellman");
        }
        return new CacheFolder(temporary);
      } catch (IOException f) {
        throw new IllegalStateException(
            "cache: neither " + root + " (" + e + ") nor a temporary folder can be written", f);
      }
    }
  }

  static Path place(String property, Map<String, String> environment, String home) {
    if (property != null) {
      return Path.of(property);
    }
    String xdg = environment.get("XDG_CACHE_HOME");
    String windows = environment.get("LOCALAPPDATA");
    if (xdg != null && !xdg.isEmpty()) {
      return Path.of(xdg, "bellman");
    }
    return windows != null && !windows.isEmpty()
        ? Path.of(windows, "bellman", "cache")
        : Path.of(home, ".cache", "bellman");
  }

  private static void makePrivate(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      if (!Files.isWritable(folder)) {
        throw new IOException(folder + " is not writable");
      }
      return;
    }
    Files.createDirectories(folder.toAbsolutePath().getParent());
    if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } else {
      Files.createDirectories(folder);
    }
  }

  static byte[] sha256(byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] part : parts) {
        digest.update(part);
      }
      return digest.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** A file of that name with these contents, in a folder of its own. */
  Path library(String name, byte[] contents) throws IOException {
    String hash = HexFormat.of().formatHex(sha256(contents), 0, 8);
    Path file = root.resolve("natives").resolve(hash).resolve(name);
    if (!Files.isRegularFile(file)
        || Files.size(file) != contents.length
        || !Arrays.equals(Files.readAllBytes(file), contents)) {
      write(file, contents);
    }
    return file;
  }

  /** What {@link #store} kept under the key; empty if nothing, or not the same bytes. */
  Optional<byte[]> load(String key) {
    try {
      byte[] all = Files.readAllBytes(root.resolve("kernels").resolve(key));
      if (all.length < HASH) {
        return Optional.empty();
      }
      byte[] contents = Arrays.copyOfRange(all, HASH, all.length);
      boolean sound = Arrays.equals(sha256(contents), Arrays.copyOf(all, HASH));
      return sound ? Optional.of(contents) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Keeps contents for the next start; that it cannot be written is no error. */
  void store(String key, byte[] contents) {
    byte[] all = Arrays.copyOf(sha256(contents), HASH + contents.length);
    System.arraycopy(contents, 0, all, HASH, contents.length);
    try {
      write(root.resolve("kernels").resolve(key), all);
    } catch (IOException e) {
      return; // compiled again at the next start
    }
  }

  private static void write(Path file, byte[] contents) throws IOException {
    Files.createDirectories(file.getParent());
    Path fresh = Files.createTempFile(file.getParent(), file.getFileName().toString(), ".new");
    try {
      Files.write(fresh, contents);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }
}
