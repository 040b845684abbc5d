package bellman.rl.picture;

import bellman.rl.Observer;
import bellman.rl.Outcome;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Draws a run's learning curves when it ends, from the tables that it wrote, as {@code
 * learning_curves.png} and {@code .svg} beside them. A run that was interrupted ends at once,
 * without.
 */
public final class CurvesObserver implements Observer {
  /** The pictures' names, without their endings. */
  public static final String NAME = "learning_curves";

  public static final List<String> ENDINGS = List.of(".png", ".svg");

  private final String run;
  private final Path logs;
  private final Consumer<String> say;
  private final Consumer<String> warnings;

  /**
   * @param run its name
   * @param logs holds {@code summary.csv}, written by then
   * @param say is told where the pictures are
   */
  public CurvesObserver(String run, Path logs, Consumer<String> say, Consumer<String> warnings) {
    this.run = run;
    this.logs = logs;
    this.say = say;
    this.warnings = warnings;
  }

  @Override
  public void finished(Outcome outcome) {
    if (outcome.reason() == Outcome.Reason.INTERRUPTED) {
      return;
    }
    Drawing curves =
        () -> {
          RunLog log = RunLog.read(run, logs);
          if (log.windows().isEmpty()) {
            return; // shorter than an episode
          }
          LearningCurves page =
              new LearningCurves(run, List.of(new LearningCurves.Group(run, List.of(log))));
          for (String ending : ENDINGS) {
            page.write(logs.resolve(NAME + ending));
          }
          say.accept("learning curves: " + logs.resolve(NAME + ENDINGS.get(0)));
        };
    curves.orWarn("the page of learning curves in " + logs, warnings);
  }
}
