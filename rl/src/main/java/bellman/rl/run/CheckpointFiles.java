package bellman.rl.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of one behavior: a file each, named by its step, and beside the one of a stop its
 * replay. A file is written under another name, forced to disk and then renamed, so one that has
 * its name is whole, whatever happens to the process or the machine; older ones go only after that.
 */
public final class CheckpointFiles {
  /** How many mlagents-learn keeps, too. */
  public static final int KEEP = 5;

  private static final Pattern NAME = Pattern.compile("step-(\\d{1,18})\\.safetensors");
  private static final Pattern REPLAY = Pattern.compile("step-(\\d{1,18})\\.replay\\.gz");
  private static final String UNFINISHED = ".tmp";

  /** Writes a checkpoint's content. */
  public interface Writer {
    void write(Path file) throws IOException;
  }

  /** Reads a checkpoint's content. */
  public interface Reader<T> {
    /**
     * @throws IOException if the file is not whole, or not a checkpoint
     */
    T read(Path file) throws IOException;
  }

  private final Path folder;
  private final StepFiles checkpoints;
  private final int keep;
  private final Consumer<String> warnings;

  /**
   * @param folder is created by the first save
   * @param keep how many stay, 1 or more
   * @param warnings gets a message for each file that had to be passed over
   */
  public CheckpointFiles(Path folder, int keep, Consumer<String> warnings) {
    if (keep < 1) {
      throw new IllegalArgumentException("checkpoints to keep: 1 or more, got " + keep);
    }
    this.folder = folder;
    this.checkpoints = new StepFiles(folder, NAME);
    this.keep = keep;
    this.warnings = warnings;
  }

  /**
   * Saves a checkpoint, then removes those beyond the number to keep, and replays whose checkpoint
   * is gone. Files of later steps belong to a future that was given up by resuming from an earlier
   * step; they are set aside as {@code ….superseded}, so that the next resume does not take them
   * for the newest.
   *
   * @return the file
   * @throws RunFolderException if it could not be written; what was there before is still there
   */
  public Path save(long step, Writer writer) {
    Path file = folder.resolve(String.format(Locale.ROOT, "step-%09d.safetensors", step));
    try {
      write(file, writer);
    } catch (IOException e) {
      throw new RunFolderException(notWritten(file, e), e);
    }
    prune(step);
    return file;
  }

  /**
   * Saves the replay of the checkpoint just saved, then removes all others: a replay may be large,
   * and only a run's newest is of use.
   *
   * @return the file
   * @throws RunFolderException if it could not be written; the checkpoint is there without it
   */
  public Path saveReplay(Path checkpoint, Writer writer) {
    Path file = replay(checkpoint);
    try {
      write(file, writer);
    } catch (IOException e) {
      throw new RunFolderException(
          "replay "
              + file
              + " could not be written ("
              + reason(e)
              + "); "
              + free()
              + " bytes are free there. "
              + checkpoint.getFileName()
              + " is whole: to resume from it fills the replay anew. Free some space, or leave"
              + " the replay out with --no-save-replay.",
          e);
    }
    pruneReplays(replay -> replay.equals(file));
    return file;
  }

  /** Where the replay of a checkpoint is, if it has one. */
  public static Path replay(Path checkpoint) {
    String name = checkpoint.getFileName().toString();
    return checkpoint.resolveSibling(name.replaceFirst("\\.safetensors$", ".replay.gz"));
  }

  private void write(Path file, Writer writer) throws IOException {
    Path unfinished = folder.resolve(file.getFileName() + UNFINISHED);
    Files.createDirectories(folder);
    deleteUnfinished();
    try {
      writer.write(unfinished);
      force(unfinished, StandardOpenOption.WRITE);
      Files.move(
          unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException | Error e) {
      Files.deleteIfExists(unfinished);
      throw e;
    }
    forceFolder();
  }

  /**
   * Reads the newest checkpoint that can be read; newer ones that cannot are reported.
   *
   * @return empty if there is no checkpoint at all
   * @throws RunFolderException if there are checkpoints, but none can be read
   */
  public <T> Optional<T> newest(Reader<T> reader) {
    List<Path> files = list();
    List<String> reasons = new ArrayList<>();
    for (Path file : files) {
      try {
        T content = reader.read(file);
        for (String reason : reasons) {
          warnings.accept("checkpoint " + reason + "; using " + file.getFileName() + " instead");
        }
        return Optional.of(content);
      } catch (IOException e) {
        reasons.add(notUsable(file, e));
      }
    }
    if (!reasons.isEmpty()) {
      throw new RunFolderException(
          "no checkpoint in "
              + folder
              + " can be used:\n  "
              + String.join("\n  ", reasons)
              + "\nBegin anew with --force, or from another run with --initialize-from.");
    }
    return Optional.empty();
  }

  /** All checkpoints, the newest first. */
  public List<Path> list() {
    try {
      return checkpoints.list();
    } catch (IOException e) {
      throw new RunFolderException("checkpoints in " + folder + " cannot be listed", e);
    }
  }

  /** The step of a checkpoint, −1 if the file is none. */
  public static long step(Path file) {
    return StepFiles.stepOf(file, NAME);
  }

  private void prune(long step) {
    try {
      checkpoints.prune(step, keep);
      List<Path> left = list();
      // One of this very step was of an earlier save.
      pruneReplays(
          replay ->
              left.stream().anyMatch(file -> step(file) < step && replay.equals(replay(file))));
    } catch (IOException e) {
      warnings.accept("old checkpoints in " + folder + " could not be removed: " + reason(e));
    }
  }

  private void pruneReplays(Predicate<Path> stays) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        if (REPLAY.matcher(file.getFileName().toString()).matches() && !stays.test(file)) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      warnings.accept("old replays in " + folder + " could not be removed: " + reason(e));
    }
  }

  /** What a process that died while saving has left, here or within a {@link Writer}. */
  private void deleteUnfinished() throws IOException {
    checkpoints.deleteDrafts();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (name.startsWith("step-") && name.endsWith(UNFINISHED)) {
          Files.delete(file);
        }
      }
    }
  }

  private void forceFolder() throws IOException {
    if (!System.getProperty("os.name").startsWith("Windows")) { // where a folder cannot be opened
      force(folder, StandardOpenOption.READ);
    }
  }

  private static void force(Path path, StandardOpenOption option) throws IOException {
    try (FileChannel channel = FileChannel.open(path, option)) {
      channel.force(true);
    }
  }

  private String free() {
    try {
      return String.format(Locale.ROOT, "%,d", Files.getFileStore(folder).getUsableSpace());
    } catch (IOException unknown) {
      return "an unknown number of";
    }
  }

  private String notWritten(Path file, IOException e) {
    List<Path> before = Files.isDirectory(folder) ? list() : List.of();
    return "checkpoint "
        + file
        + " could not be written ("
        + reason(e)
        + "); "
        + free()
        + " bytes are free there. "
        + (before.isEmpty()
            ? "There is no earlier one. "
            : "The one before, " + before.get(0).getFileName() + ", is untouched. ")
        + "Free some space, or choose another place with --results-dir.";
  }

  /** {@code …/step-000000300.safetensors cannot be used: …}, the path once. */
  public static String notUsable(Path file, IOException e) {
    String reason = reason(e);
    String prefix = file + ": ";
    return file
        + " cannot be used: "
        + (reason.startsWith(prefix) ? reason.substring(prefix.length()) : reason);
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
