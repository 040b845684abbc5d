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
 * however it ends. Never twice at the same step, but for a stop: what is saved there is more.
 *
 * <p>A save in the middle of training that fails is reported and tried again at the next occasion,
 * for the run is worth more than its checkpoint; one at the end of training or of the run is an
 * error.
 */
public final class CheckpointObserver implements Observer {
  /** The tutorial's interval. */
  public static final int EPISODES = 100;

  public static final Duration SHORTEST = Duration.ofMinutes(1);

  /** Writes the state a run is in. */
  public interface Saving {
    /**
     * @param stop whether the run stops here before its end, to be resumed
     */
    void save(boolean stop);
  }

  private final int episodes;
  private final long shortestNanos;
  private final LongSupplier nanoTime;
  private final Saving save;
  private final Consumer<String> warnings;
  private int since;
  private long firstStep = -1;
  private long savedStep = -1;
  private long savedNanos;

  /**
   * @param episodes between saves
   * @param warnings gets the message of a save that failed during training
   */
  public CheckpointObserver(int episodes, Saving save, Consumer<String> warnings) {
    this(episodes, SHORTEST, System::nanoTime, save, warnings);
  }

  CheckpointObserver(
      int episodes,
      Duration shortest,
      LongSupplier nanoTime,
      Saving save,
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
    if (firstStep < 0) {
      firstStep = step; // fresh, or just loaded
      savedStep = step;
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
    if (outcome.reason() == Outcome.Reason.COMPLETED) {
      saveAt(outcome.step());
    } else if (outcome.step() > firstStep) {
      save.save(true);
    }
  }

  private void saveAt(long step) {
    if (step == savedStep) {
      return;
    }
    save.save(false);
    savedStep = step;
    noteSave();
  }

  private void noteSave() {
    since = 0;
    savedNanos = nanoTime.getAsLong();
  }
}
