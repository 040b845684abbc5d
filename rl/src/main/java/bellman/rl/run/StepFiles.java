package bellman.rl.run;

import bellman.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of a folder that a training step names.
 *
 * @param name its first group is the step
 */
record StepFiles(Path folder, Pattern name) {
  /** The step of a file, −1 if it is none of these. */
  long step(Path file) {
    return stepOf(file, name);
  }

  static long stepOf(Path file, Pattern name) {
    Matcher matcher = name.matcher(file.getFileName().toString());
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
  }

  /** Of the latest step first; none where there is no folder. */
  List<Path> list() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> step(file) >= 0)
          .sorted(Comparator.comparingLong(this::step).reversed())
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  /** Deletes what a process that died while writing has left; nobody may be writing here. */
  void deleteDrafts() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(AtomicFile::isDraft).toList()) {
        Files.delete(file);
      }
    }
  }

  /**
   * Leaves {@code keep} files up to this step. Those of later steps belong to a future that was
   * given up by resuming from an earlier step; they are set aside as {@code ….superseded}.
   */
  void prune(long step, int keep) throws IOException {
    int kept = 0;
    for (Path file : list()) {
      if (step(file) > step) {
        Files.move(
            file,
            folder.resolve(file.getFileName() + RunFolder.SUPERSEDED),
            StandardCopyOption.REPLACE_EXISTING);
      } else if (++kept > keep) {
        Files.delete(file);
      }
    }
  }
}
