package bellman.rl.run;

import bellman.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The exported models of one behavior, as mlagents-learn leaves them: one for each checkpoint in
 * the behavior's folder, named by its step, and the newest in the run's. Unlike its checkpoints, a
 * run can do without them: what fails is a warning.
 */
public final class ModelFiles {
  private final Path folder;
  private final Path newest;
  private final String prefix;
  private final int keep;
  private final Consumer<String> warnings;
  private boolean saved;

  /**
   * @param keep how many stay, 1 or more
   * @param warnings gets a message for each model that could not be written
   */
  public ModelFiles(RunFolder run, String behavior, int keep, Consumer<String> warnings) {
    this.folder = run.behavior(behavior);
    this.newest = run.model(behavior);
    this.prefix = folder.getFileName() + "-";
    this.keep = keep;
    this.warnings = warnings;
  }

  /**
   * Writes the model of a step in place of the newest, and removes those beyond the number to keep.
   * Models of later steps are set aside, as {@link CheckpointFiles#save} does with checkpoints.
   */
  public void save(long step, CheckpointFiles.Writer writer) {
    Path file = folder.resolve(prefix + step + ".onnx");
    try {
      Files.createDirectories(folder);
      writer.write(file);
      AtomicFile.write(newest, Files.readAllBytes(file));
      saved = true;
      prune(step);
    } catch (IOException | RuntimeException e) {
      warnings.accept(
          "the model "
              + file
              + " could not be exported ("
              + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
              + "); the run goes on, and bellman export can do it later");
    }
  }

  /** The newest model that this has written. */
  public Optional<Path> newest() {
    return saved ? Optional.of(newest) : Optional.empty();
  }

  private void prune(long step) throws IOException {
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

  /** Of the latest step first. */
  private List<Path> list() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(f -> step(f) >= 0)
          .sorted(Comparator.comparingLong(this::step).reversed())
          .toList();
    }
  }

  private long step(Path file) {
    Matcher matcher =
        Pattern.compile(Pattern.quote(prefix) + "(\\d{1,18})\\.onnx")
            .matcher(file.getFileName().toString());
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
  }
}
