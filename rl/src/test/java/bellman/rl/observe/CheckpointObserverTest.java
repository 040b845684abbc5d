package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.Outcome;
import bellman.rl.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CheckpointObserverTest {
  private final List<Long> saved = new ArrayList<>();
  private final List<Long> stops = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private long step;
  private long seconds = 1000;
  private boolean full;

  private final CheckpointObserver observer =
      new CheckpointObserver(
          100,
          Duration.ofMinutes(1),
          () -> Duration.ofSeconds(seconds).toNanos(),
          stop -> {
            if (full) {
              throw new IllegalStateException("disk full");
            }
            (stop ? stops : saved).add(step);
          },
          warnings::add);

  /** Episodes of ten steps and as many seconds each. */
  private void episodes(int n, int secondsEach, Phase phase) {
    for (int i = 0; i < n; i++) {
      step += 10;
      seconds += secondsEach;
      observer.episodeEnded(Samples.episode((int) (step / 10), phase, step));
      observer.progressed(Samples.progress(phase, step));
    }
  }

  private void finish(Outcome.Reason reason) {
    observer.finished(new Outcome(reason, step, 0, 0, 0, Double.NaN, 1));
  }

  @Test
  void everyHundredEpisodesBeforeTheTestAndAtTheEnd() {
    observer.phaseBegan(Phase.TRAINING, 0);
    episodes(250, 1, Phase.TRAINING);
    assertThat(saved).containsExactly(1000L, 2000L);
    observer.phaseBegan(Phase.TESTING, step);
    assertThat(saved).containsExactly(1000L, 2000L, 2500L);
    episodes(250, 1, Phase.TESTING);
    finish(Outcome.Reason.COMPLETED);
    assertThat(saved).containsExactly(1000L, 2000L, 2500L, 5000L);
  }

  @Test
  void atMostOneAMinuteAndThenAsSoonAsTheMinuteIsOver() {
    observer.phaseBegan(Phase.TRAINING, 0);
    step = 0;
    episodes(59, 0, Phase.TRAINING);
    seconds += 30;
    episodes(100, 0, Phase.TRAINING);
    assertThat(saved).isEmpty();
    seconds += 30;
    observer.progressed(Samples.progress(Phase.TRAINING, ++step));
    assertThat(saved).containsExactly(1591L);
  }

  @Test
  void neverTwiceAtOneStep() {
    observer.phaseBegan(Phase.TRAINING, 0);
    episodes(100, 1, Phase.TRAINING);
    observer.phaseBegan(Phase.TESTING, step);
    finish(Outcome.Reason.COMPLETED);
    assertThat(saved).containsExactly(1000L);
    assertThat(stops).isEmpty();
  }

  @Test
  void aRunThatStopsIsSavedWhereItStandsAndWhole() {
    observer.phaseBegan(Phase.TRAINING, 0);
    episodes(100, 1, Phase.TRAINING);
    assertThat(saved).containsExactly(1000L);
    finish(Outcome.Reason.INTERRUPTED);
    episodes(7, 1, Phase.TRAINING);
    finish(Outcome.Reason.STOPPED);
    assertThat(saved).containsExactly(1000L);
    assertThat(stops).containsExactly(1000L, 1070L);
  }

  @Test
  void aStateJustLoadedIsNotSavedAgain() {
    observer.phaseBegan(Phase.TESTING, 5000);
    step = 5000;
    finish(Outcome.Reason.STOPPED);
    assertThat(saved).isEmpty();
    assertThat(stops).isEmpty();
  }

  @Test
  void aFailureInTrainingIsAWarningAndOneAtTheEndAnError() {
    observer.phaseBegan(Phase.TRAINING, 0);
    full = true;
    episodes(150, 1, Phase.TRAINING);
    assertThat(warnings).containsExactly("disk full");
    full = false;
    episodes(50, 1, Phase.TRAINING);
    assertThat(saved).containsExactly(2000L);
    full = true;
    episodes(1, 1, Phase.TRAINING);
    assertThatThrownBy(() -> finish(Outcome.Reason.COMPLETED)).hasMessage("disk full");
  }

  @Test
  void theIntervalIsChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CheckpointObserver(0, stop -> {}, w -> {}))
        .withMessage("checkpoints: the interval is 1 episode or more, got 0");
  }
}
