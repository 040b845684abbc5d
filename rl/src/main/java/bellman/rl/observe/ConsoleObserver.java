package bellman.rl.observe;

import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.Phase;
import bellman.rl.Summary;
import java.util.Locale;

/** Writes a line per window of episodes, in the tutorial's form, and one for each phase. */
public final class ConsoleObserver implements Observer {
  private final Terminal terminal;
  private long firstStep = -1;

  public ConsoleObserver(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    String at = firstStep < 0 && step > 0 ? " at step " + step : "";
    if (firstStep < 0) {
      firstStep = step;
    }
    terminal.line((phase == Phase.TRAINING ? "TRAIN" : "TEST") + " START" + at);
  }

  @Override
  public void summarized(Summary s) {
    line(
        "%d Episode / Step: %d / Score: %.2f /Loss: %s / Epsilon: %.4f",
        s.episode(),
        s.step(),
        s.meanReturn(),
        Double.isNaN(s.loss()) ? "-" : String.format(Locale.ROOT, "%.4f", s.loss()),
        s.epsilon());
  }

  @Override
  public void finished(Outcome o) {
    String end =
        switch (o.reason()) {
          case COMPLETED -> "Done";
          case STOPPED -> "Stopped";
          case INTERRUPTED -> "Interrupted";
        };
    long taken = firstStep < 0 ? 0 : o.step() - firstStep;
    line(
        "%s at step %d: %d episodes, %d updates; %d steps in %s (%.0f steps/s)",
        end,
        o.step(),
        o.episodes(),
        o.updates(),
        taken,
        clock(o.seconds()),
        o.seconds() > 0 ? taken / o.seconds() : 0);
    if (o.testEpisodes() > 0) {
      line("Test: mean return %.3f over %d episodes", o.testMeanReturn(), o.testEpisodes());
    }
  }

  private void line(String format, Object... values) {
    terminal.line(String.format(Locale.ROOT, format, values));
  }

  /** h:mm:ss, or seconds if there are few. */
  static String clock(double seconds) {
    if (seconds < 60) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long s = Math.round(seconds);
    return String.format("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
}
