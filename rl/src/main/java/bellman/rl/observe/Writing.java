package bellman.rl.observe;

import java.io.Closeable;
import java.io.IOException;
import java.util.function.Consumer;

/** Files that a run can do without: once one cannot be written, all end with a single warning. */
final class Writing {
  /** What may fail. */
  interface Step {
    void run() throws IOException;
  }

  private final String files;
  private final Consumer<String> warnings;
  private boolean failed;

  /**
   * @param files what is written, for the warning: {@code CSV: files in results/…/run_logs}
   */
  Writing(String files, Consumer<String> warnings) {
    this.files = files;
    this.warnings = warnings;
  }

  /** Runs a step, or nothing after a failure. */
  void attempt(Step step) {
    if (failed) {
      return;
    }
    try {
      step.run();
    } catch (IOException e) {
      failed = true;
      warnings.accept(
          files + " cannot be written (" + e.getMessage() + "); the run goes on without them");
    }
  }

  /** Closes a file, after a failure too; null is no file. */
  void close(Closeable file) {
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      attempt(
          () -> {
            throw e;
          });
    }
  }
}
