package bellman.rl.observe;

import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.Phase;
import bellman.rl.Progress;
import java.util.DoubleSummaryStatistics;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Writes the line that mlagents-learn writes every {@code summary_freq} steps, for people and tools
 * that read it. Its figures are of the episodes that ended since the last one; the time is that of
 * this process.
 */
public final class MlagentsLine implements Observer {
  private final String behavior;
  private final long steps;
  private final Consumer<String> say;
  private final LongSupplier nanoTime;
  private final long began;
  private DoubleSummaryStatistics returns = new DoubleSummaryStatistics();
  private double squares;
  private long crossed = -1;

  /**
   * @param behavior the name of what is trained
   * @param steps agent steps between lines; several agents may step over a multiple of it
   */
  public MlagentsLine(String behavior, long steps, Consumer<String> say) {
    this(behavior, steps, say, System::nanoTime);
  }

  MlagentsLine(String behavior, long steps, Consumer<String> say, LongSupplier nanoTime) {
    this.behavior = behavior;
    this.steps = steps;
    this.say = say;
    this.nanoTime = nanoTime;
    began = nanoTime.getAsLong();
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    crossed = step / steps;
    clear();
  }

  @Override
  public void episodeEnded(Episode e) {
    returns.accept(e.agentReturn());
    squares += e.agentReturn() * e.agentReturn();
  }

  @Override
  public void progressed(Progress p) {
    if (p.step() / steps == crossed) {
      return;
    }
    crossed = p.step() / steps;
    double mean = returns.getAverage();
    String episodes =
        returns.getCount() == 0
            ? "No episode was completed since last summary"
            : String.format(
                Locale.ROOT,
                "Mean Reward: %.3f. Std of Reward: %.3f",
                mean,
                Math.sqrt(Math.max(0, squares / returns.getCount() - mean * mean)));
    say.accept(
        String.format(
            Locale.ROOT,
            "[INFO] %s. Step: %d. Time Elapsed: %.3f s. %s. %s.",
            behavior,
            p.step(),
            (nanoTime.getAsLong() - began) / 1e9,
            episodes,
            p.phase() == Phase.TRAINING ? "Training" : "Not Training"));
    clear();
  }

  private void clear() {
    returns = new DoubleSummaryStatistics();
    squares = 0;
  }
}
