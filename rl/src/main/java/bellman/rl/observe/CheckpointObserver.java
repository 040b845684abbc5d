package bellman.rl.observe;

import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.Phase;
import bellman.rl.Progress;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Says when to save: every so many episodes of training, but not more often than a shortest time
 * apart; at the end of training, so that the test starts from a saved state; and when the run ends,
 * however it ends. Never twice at the same step.
 *
 * <p>A save in the middle of training that fails is reported and tried again at the next occasion,
 * for the run is worth more than its checkpoint; one at the end of training or of the run is an
 * error.
 */
public final class CheckpointObserver implements Observer {
  /** The tutorial's interval. */
  public static final int EPISODES = 100;

  public static final Duration SHORTEST = Duration.ofMinutes(1);

  private final int episodes;
  private final long shortestNanos;
  private final LongSupplier nanoTime;
  private final Runnable save;
  private final Consumer<String> warnings;
  private int since;
  private long savedStep = -1;
  private long savedNanos;

  /**
   * @param episodes between saves
   * @param save writes the state the run is in
   * @param warnings gets the message of a save that failed during training
   */
  public CheckpointObserver(int episodes, Runnable save, Consumer<String> warnings) {
    this(episodes, SHORTEST, System::nanoTime, save, warnings);
  }

  CheckpointObserver(
      int episodes,
      Duration shortest,
      LongSupplier nanoTime,
      Runnable save,
      Consumer<String> warnings) {
    if (episodes < 1) {
      throw new IllegalArgumentException(
          "checkpoints: the interval is 1 episode or more, got " + episodes);
    }
    this.episodes = episodes;
    this.shortestNanos = shortest.toNanos();
    this.nanoTime = nanoTime;
    this.save = save;
    this.warnings = warnings;
    this.savedNanos = nanoTime.getAsLong();
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    if (savedStep < 0) {
      savedStep = step; // fresh, or just loaded
    }
    if (phase == Phase.TESTING) {
      saveAt(step);
    }
  }

  @Override
  public void episodeEnded(Episode episode) {
    if (episode.phase() == Phase.TRAINING) {
      since++;
    }
  }

  /** Saves after the whole turn, not inside it, when some of its episodes are still uncounted. */
  @Override
  public void progressed(Progress progress) {
    if (since < episodes || progress.phase() != Phase.TRAINING) {
      return;
    }
    if (nanoTime.getAsLong() - savedNanos < shortestNanos) {
      return;
    }
    try {
      saveAt(progress.step());
    } catch (RuntimeException e) {
      warnings.accept(e.getMessage());
      noteSave();
    }
  }

  @Override
  public void finished(Outcome outcome) {
    saveAt(outcome.step());
  }

  private void saveAt(long step) {
    if (step == savedStep) {
      return;
    }
    save.run();
    savedStep = step;
    noteSave();
  }

  private void noteSave() {
    since = 0;
    savedNanos = nanoTime.getAsLong();
  }
}
