package bellman.rl.observe;

import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.Phase;
import bellman.rl.Progress;
import bellman.rl.Summary;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Keeps a progress bar on the last line of a terminal: share of the run, time taken and left, steps
 * a second, mean return of the last window, ε. Where there is no terminal it does nothing.
 */
public final class ProgressObserver implements Observer {
  private static final int REFRESH_MILLIS = 100;
  private static final long REFRESH_NANOS = REFRESH_MILLIS * 1_000_000L;

  /** Speed is a running mean over about this long, so that it follows the start of learning. */
  private static final double MEMORY_SECONDS = 5;

  private final Terminal terminal;
  private ProgressBar bar;
  private Phase phase = Phase.TRAINING;
  private double meanReturn = Double.NaN;
  private long lastNanos;
  private long lastStep;
  private volatile double stepsPerSecond = Double.NaN;
  private volatile long remaining;

  public ProgressObserver(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    this.phase = phase;
    meanReturn = Double.NaN;
    stepsPerSecond = Double.NaN; // the test may run at another time scale
    lastNanos = System.nanoTime();
    lastStep = step;
  }

  @Override
  public void summarized(Summary summary) {
    meanReturn = summary.meanReturn();
  }

  @Override
  public void progressed(Progress p) {
    if (!terminal.interactive()) {
      return;
    }
    long now = System.nanoTime();
    if (now - lastNanos < REFRESH_NANOS) {
      return;
    }
    if (bar == null) {
      bar = begun(p);
    }
    double seconds = (now - lastNanos) / 1e9;
    double speed = (p.step() - lastStep) / seconds;
    double old = stepsPerSecond;
    double weight = 1 - Math.exp(-seconds / MEMORY_SECONDS);
    stepsPerSecond = Double.isNaN(old) ? speed : old + weight * (speed - old);
    remaining = p.totalSteps() - p.step();
    lastNanos = now;
    lastStep = p.step();
    bar.setExtraMessage(message(p));
    bar.stepTo(p.step());
  }

  private String message(Progress p) {
    String reward =
        Double.isNaN(meanReturn) ? "" : String.format(Locale.ROOT, " reward %.2f", meanReturn);
    String explore =
        phase == Phase.TRAINING
            ? String.format(
                Locale.ROOT, " %s %.2f", terminal.unicode() ? "ε" : "epsilon", p.epsilon())
            : " test";
    return String.format(Locale.ROOT, "%.0f steps/s", stepsPerSecond) + reward + explore;
  }

  private ProgressBar begun(Progress p) {
    return new ProgressBarBuilder()
        .setInitialMax(p.totalSteps())
        .startsFrom(lastStep, Duration.ZERO)
        .setStyle(terminal.unicode() ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(REFRESH_MILLIS)
        .setEtaFunction(state -> left())
        .clearDisplayOnFinish()
        .setConsumer(new LastLine(terminal))
        .build();
  }

  private Optional<Duration> left() {
    double speed = stepsPerSecond;
    return speed > 0
        ? Optional.of(Duration.ofSeconds(Math.round(remaining / speed)))
        : Optional.empty();
  }

  @Override
  public void finished(Outcome outcome) {
    close();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  /** Where the library draws. With a consumer of our own it loads no native terminal code. */
  private record LastLine(Terminal terminal) implements ProgressBarConsumer {
    @Override
    public int getMaxRenderedLength() {
      return terminal.width() - 1;
    }

    @Override
    public void accept(String rendered) {
      terminal.bar(rendered);
    }

    @Override
    public void clear() {
      terminal.bar("");
    }

    @Override
    public void close() {
      terminal.bar("");
    }
  }
}
