package bellman.rl.run;

import bellman.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folder of one run, laid out as mlagents-learn does it:
 *
 * <pre>
 *   results/run-id/configuration.yaml
 *   results/run-id/Behavior.onnx
 *   results/run-id/Behavior/Behavior-12345.onnx
 *   results/run-id/Behavior/checkpoint/step-000012345.safetensors
 *   results/run-id/Behavior/events.out.tfevents.…
 *   results/run-id/run_logs/summary.csv, episodes.csv, Player-0.log, …
 * </pre>
 *
 * A lock on {@code .lock} keeps a second run out for as long as this object is open; the operating
 * system releases it even if the process dies.
 */
public final class RunFolder implements AutoCloseable {
  /** What to do about a folder that is there, or is not. */
  public enum Mode {
    /** Begin a run; earlier data is an error. */
    CREATE,
    /** Go on with a run; none is an error. */
    RESUME,
    /** Begin a run in place of an earlier one, whose files go with {@link #discardEarlier}. */
    FORCE
  }

  private static final String CONFIGURATION = "configuration.yaml";
  private static final String LOGS = "run_logs";
  private static final String CHECKPOINT = "checkpoint";
  private static final String EVENTS = "events.out.tfevents.";
  private static final String LOCK = ".lock";

  /** Marks what belongs to a future that was given up. */
  static final String SUPERSEDED = ".superseded";

  private final Path path;
  private final FileChannel channel;
  private final boolean made;
  private boolean replaces;

  private RunFolder(Path path, FileChannel channel, boolean made, boolean replaces) {
    this.path = path;
    this.channel = channel;
    this.made = made;
    this.replaces = replaces;
  }

  /**
   * Opens the folder of a run and locks it.
   *
   * @param results holds the folders of all runs
   * @throws RunFolderException if the folder is not as the mode asks, in use, or not writable
   */
  public static RunFolder open(Path results, String runId, Mode mode) {
    if (!runId.matches("[\\p{L}\\p{N}_][\\p{L}\\p{N} ._+=@-]*")) {
      throw new RunFolderException(
          "run id '"
              + runId
              + "' cannot name a folder; use letters, digits, '_', '-' and '.', such as --run-id"
              + " GridWorld-1");
    }
    Path path = results.resolve(runId);
    try {
      boolean earlier = holdsData(path);
      if (mode == Mode.CREATE && earlier) {
        if (Files.exists(path.resolve(LOCK))) {
          locked(path).close(); // to go on with or replace a run that is going on is no way out
        }
        throw new RunFolderException(
            path
                + " holds an earlier run. Go on with it with --resume, replace it with --force, or"
                + " choose another --run-id.");
      }
      if (mode == Mode.RESUME && Files.exists(results) && !Files.isDirectory(results)) {
        throw new RunFolderException(
            results + " is a file; name the folder of the runs with --results-dir.");
      }
      if (mode == Mode.RESUME && !earlier) {
        throw new RunFolderException(
            path
                + " holds no run to resume"
                + others(results)
                + " Check --run-id and --results-dir, or leave --resume out to begin one.");
      }
      if (mode != Mode.CREATE && earlier) {
        checkLooksLikeRun(path, mode);
      }
      boolean made = !Files.exists(path);
      Files.createDirectories(path);
      FileChannel channel = locked(path);
      try {
        Files.createDirectories(path.resolve(LOGS));
        return new RunFolder(path, channel, made, mode == Mode.FORCE && earlier);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw notWritable(path, e);
    }
  }

  private static RunFolderException notWritable(Path path, IOException e) {
    return new RunFolderException(
        path
            + ": cannot write here ("
            + reason(path, e)
            + "). Make it writable, or choose another place with --results-dir.",
        e);
  }

  /**
   * Deletes the run that {@link Mode#FORCE} replaces, once; in the other modes nothing. For when
   * everything that may fail at a run's start has gone well. The logs of players stay: the new
   * run's player may be writing one already.
   */
  public void discardEarlier() {
    if (!replaces) {
      return;
    }
    try {
      deleteRun(path);
      Files.createDirectories(path.resolve(LOGS));
      replaces = false;
    } catch (IOException e) {
      throw notWritable(path, e);
    }
  }

  public Path path() {
    return path;
  }

  /** The run's settings, all resolved. */
  public Path configuration() {
    return path.resolve(CONFIGURATION);
  }

  /** Writes the settings in one step: a run that lost them could not go on as it began. */
  public void configure(String yaml) throws IOException {
    AtomicFile.write(configuration(), yaml.getBytes(StandardCharsets.UTF_8));
  }

  /** Logs, tables, the player's output. */
  public Path logs() {
    return path.resolve(LOGS);
  }

  /** The folder of a behavior; what a file name cannot hold becomes '_'. */
  public Path behavior(String name) {
    return path.resolve(fileName(name));
  }

  /** Where a behavior's checkpoints are; see {@link CheckpointFiles}. */
  public Path checkpoints(String behavior) {
    return behavior(behavior).resolve(CHECKPOINT);
  }

  /** A behavior's exported network. */
  public Path model(String behavior) {
    return path.resolve(fileName(behavior) + ".onnx");
  }

  /** Where another run's checkpoints of a behavior are, to begin from; that run may be going on. */
  public static Path checkpoints(Path results, String runId, String behavior) {
    return results.resolve(runId).resolve(fileName(behavior)).resolve(CHECKPOINT);
  }

  /** Lets other runs in. A folder that was made for a run that did not begin goes again. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new RunFolderException(path + ": the lock could not be released", e);
    }
    try {
      if (made
          && entries(path).equals(List.of(path.resolve(LOCK), logs()))
          && entries(logs()).isEmpty()) {
        Files.delete(logs());
        Files.delete(path.resolve(LOCK));
        Files.delete(path);
      }
    } catch (IOException e) {
      // it stays, empty as it is; the next run of this name takes it
    }
  }

  /**
   * What a run that is called after something may be named; what its id cannot hold becomes '_'.
   */
  public static String runId(String name) {
    return fileName(name).replaceFirst("^[^\\p{L}\\p{N}]", "_");
  }

  static String fileName(String name) {
    String safe = name.replaceAll("[^\\p{L}\\p{N} ._+=@-]", "_");
    return safe.isBlank() || safe.startsWith(".") ? "_" + safe : safe;
  }

  private static String reason(Path path, IOException e) {
    for (Path p = path; p != null; p = p.getParent()) {
      if (Files.exists(p) && !Files.isDirectory(p)) {
        return p + " is a file";
      }
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return String.valueOf(e.getMessage());
  }

  // ── what is there ─────────────────────────────────────────────────────────────────────────────

  private static boolean holdsData(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    for (Path entry : entries(path)) {
      String name = entry.getFileName().toString();
      // A start that failed early leaves these behind.
      boolean trace =
          name.equals(LOCK)
              || isFolder(entry)
                  && entries(entry).stream()
                      .allMatch(log -> name.equals(LOGS) && isPlayersLog(log));
      if (!trace) {
        return true;
      }
    }
    return false;
  }

  private static void checkLooksLikeRun(Path path, Mode mode) throws IOException {
    if (mode == Mode.FORCE && Files.isSymbolicLink(path)) {
      throw new RunFolderException(
          path
              + " is a link; --force deletes nothing behind a link. Delete what it leads to"
              + " yourself, or choose another --run-id.");
    }
    for (Path entry : entries(path)) {
      String name = entry.getFileName().toString();
      if (name.equals(CONFIGURATION) || name.equals(LOGS) && isFolder(entry) || isBehavior(entry)) {
        return;
      }
    }
    throw new RunFolderException(
        path
            + " does not look like a run: it has neither "
            + CONFIGURATION
            + " nor "
            + LOGS
            + " nor checkpoints. "
            + (mode == Mode.FORCE ? "Nothing was deleted. " : "")
            + "Choose another --run-id.");
  }

  private static String others(Path results) throws IOException {
    if (!Files.isDirectory(results)) {
      return ".";
    }
    List<String> names =
        entries(results).stream()
            .filter(RunFolder::isFolder)
            .map(p -> p.getFileName().toString())
            .toList();
    if (names.isEmpty()) {
      return ".";
    }
    return "; runs there: "
        + String.join(", ", names.subList(0, Math.min(5, names.size())))
        + (names.size() > 5 ? ", …." : ".");
  }

  private static List<Path> entries(Path folder) throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.sorted().toList();
    }
  }

  /** Links do not count. */
  private static boolean isFolder(Path path) {
    return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
  }

  // ── lock ──────────────────────────────────────────────────────────────────────────────────────

  private static FileChannel locked(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path.resolve(LOCK),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw inUse(path, channel);
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
      return channel;
    } catch (OverlappingFileLockException e) {
      RunFolderException inUse = inUse(path, channel);
      channel.close();
      throw inUse;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static RunFolderException inUse(Path path, FileChannel channel) {
    String by = "";
    try {
      ByteBuffer pid = ByteBuffer.allocate(20);
      channel.read(pid, 0);
      by =
          " (process "
              + new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII)
              + ")";
    } catch (IOException e) {
      by = ""; // Windows lets nobody read what is locked
    }
    return new RunFolderException(
        path
            + " is in use by another run"
            + by
            + ". Wait for it, end it, or choose another --run-id.");
  }

  // ── --force ───────────────────────────────────────────────────────────────────────────────────

  /** Deletes what runs write, theirs and mlagents-learn's; what somebody else put there stays. */
  private static void deleteRun(Path path) throws IOException {
    for (Path entry : entries(path)) {
      String name = entry.getFileName().toString();
      if (name.equals(CONFIGURATION) || AtomicFile.isDraft(entry)) {
        deleteFile(entry);
      } else if (name.equals(LOGS)) {
        deleteLogs(entry);
      } else if (isBehavior(entry)) {
        deleteBehavior(entry);
        deleteFile(path.resolve(name + ".onnx"));
      }
    }
  }

  private static void deleteLogs(Path folder) throws IOException {
    for (Path entry : entries(folder)) {
      if (isFolder(entry)) {
        deleteTree(entry);
      } else if (!isPlayersLog(entry)) {
        Files.delete(entry);
      }
    }
  }

  private static boolean isPlayersLog(Path file) {
    return file.getFileName().toString().matches("Player-\\d+(\\.out)?\\.log");
  }

  private static boolean isBehavior(Path entry) throws IOException {
    return isFolder(entry)
        && entries(entry).stream()
            .map(p -> p.getFileName().toString())
            .anyMatch(
                name ->
                    name.equals(CHECKPOINT)
                        || name.equals(CHECKPOINT + ".pt")
                        || name.startsWith(EVENTS));
  }

  private static void deleteBehavior(Path folder) throws IOException {
    for (Path entry : entries(folder)) {
      String name = entry.getFileName().toString();
      if (name.equals(CHECKPOINT)) {
        deleteTree(entry);
      } else if (name.startsWith(EVENTS)
          || AtomicFile.isDraft(entry)
          || name.endsWith(".onnx")
          || name.endsWith(".onnx" + SUPERSEDED)
          || name.endsWith(".pt")
          || name.equals("last_replay_buffer.hdf5")) {
        deleteFile(entry);
      }
    }
    if (entries(folder).isEmpty()) {
      Files.delete(folder);
    }
  }

  private static void deleteFile(Path file) throws IOException {
    if (!isFolder(file)) {
      Files.deleteIfExists(file);
    }
  }

  /** A link is deleted itself; what it leads to is not touched. */
  private static void deleteTree(Path root) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException e) throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
