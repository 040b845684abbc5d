package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.Outcome;
import bellman.rl.Phase;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class ConsoleObserverTest {
  private final Samples.Screen screen = new Samples.Screen(false, true, 80);

  @Test
  void aRunReadsLikeTheTutorials() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY); // a decimal comma would break every script that reads it
    try {
      ConsoleObserver console = new ConsoleObserver(screen.terminal);
      console.phaseBegan(Phase.TRAINING, 0);
      console.summarized(Samples.early());
      console.summarized(Samples.learning());
      console.phaseBegan(Phase.TESTING, 50_000);
      console.summarized(Samples.testing());
      console.finished(
          new Outcome(Outcome.Reason.COMPLETED, 55_000, 9876, 45_001, 1234, 0.9755, 3723.4));
    } finally {
      Locale.setDefault(before);
    }
    assertThat(screen.written())
        .isEqualTo(
            """
            TRAIN START
            10 Episode / Step: 123 / Score: 0.12 /Loss: - / Epsilon: 0.9976
            1230 Episode / Step: 6123 / Score: 0.50 /Loss: 0.0123 / Epsilon: 0.9500
            TEST START
            9000 Episode / Step: 50040 / Score: 0.98 /Loss: - / Epsilon: 0.1000
            Done at step 55000: 9876 episodes, 45001 updates; 55000 steps in 1:02:03 (15 steps/s)
            Test: mean return 0.976 over 1234 episodes
            """);
  }

  /** The rate counts the steps of this process, not those before the resume. */
  @Test
  void aResumedRunSaysWhereItBegan() {
    ConsoleObserver console = new ConsoleObserver(screen.terminal);
    console.phaseBegan(Phase.TRAINING, 20_000);
    console.finished(
        new Outcome(Outcome.Reason.INTERRUPTED, 20_500, 400, 15_500, 0, Double.NaN, 5));
    assertThat(screen.written())
        .isEqualTo(
            """
            TRAIN START at step 20000
            Interrupted at step 20500: 400 episodes, 15500 updates; 500 steps in 5.0 s (100 steps/s)
            """);
  }
}
