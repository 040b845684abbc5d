package bellman.rl.run;

import bellman.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The exported models of one behavior, as mlagents-learn leaves them: one for each checkpoint in
 * the behavior's folder, named by its step, and the newest in the run's. Unlike its checkpoints, a
 * run can do without them: what fails is a warning.
 */
public final class ModelFiles {
  private final StepFiles models;
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
    Path folder = run.behavior(behavior);
    this.newest = run.model(behavior);
    this.prefix = folder.getFileName() + "-";
    this.models =
        new StepFiles(folder, Pattern.compile(Pattern.quote(prefix) + "(\\d{1,18})\\.onnx"));
    this.keep = keep;
    this.warnings = warnings;
  }

  /**
   * Writes the model of a step in place of the newest, and removes those beyond the number to keep.
   * Models of later steps are set aside, as {@link CheckpointFiles#save} does with checkpoints.
   */
  public void save(long step, CheckpointFiles.Writer writer) {
    Path file = models.folder().resolve(prefix + step + ".onnx");
    try {
      Files.createDirectories(models.folder());
      models.deleteDrafts();
      writer.write(file);
      AtomicFile.write(newest, Files.readAllBytes(file));
      saved = true;
      models.prune(step, keep);
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
}
