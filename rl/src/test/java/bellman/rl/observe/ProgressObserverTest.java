package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.Phase;
import org.junit.jupiter.api.Test;

class ProgressObserverTest {
  @Test
  void aWarningStandsAboveTheBar() {
    Samples.Screen screen = new Samples.Screen(true, true, 80);
    screen.terminal.bar("50 %");
    screen.terminal.warning("careful");
    assertThat(screen.shown()).isEqualTo("warning: careful\n50 %");
  }

  @Test
  void aFinishedLineGoesAboveTheBar() {
    Samples.Screen screen = new Samples.Screen(true, true, 80);
    screen.terminal.bar("=>   ");
    screen.terminal.line("first");
    screen.terminal.bar("==>  ");
    screen.terminal.line("second");
    assertThat(screen.shown()).isEqualTo("first\nsecond\n==>  ");
    screen.terminal.bar("");
    screen.terminal.line("third");
    assertThat(screen.shown()).isEqualTo("first\nsecond\nthird\n");
    assertThat(screen.written()).endsWith("\r\u001b[2Kthird\n");
  }

  @Test
  void withoutATerminalNothingIsDrawn() throws InterruptedException {
    Samples.Screen screen = new Samples.Screen(false, true, 80);
    try (ProgressObserver progress = new ProgressObserver(screen.terminal)) {
      progress.phaseBegan(Phase.TRAINING, 0);
      Thread.sleep(120);
      progress.progressed(Samples.progress(Phase.TRAINING, 300));
      screen.terminal.bar("never");
    }
    assertThat(screen.written()).isEmpty();
  }

  @Test
  void drawsStepsSpeedRewardAndEpsilonAndLeavesNothingBehind() throws InterruptedException {
    Samples.Screen screen = new Samples.Screen(true, true, 120);
    ProgressObserver progress = new ProgressObserver(screen.terminal);
    progress.phaseBegan(Phase.TRAINING, 0);
    progress.summarized(Samples.learning());
    for (int step = 1; step <= 60; step++) {
      Thread.sleep(10);
      progress.progressed(Samples.progress(Phase.TRAINING, step * 10));
    }
    Thread.sleep(150);
    String drawn = screen.shown();
    assertThat(drawn).contains("/1000").contains("steps/s").contains("reward 0.50 ");
    assertThat(drawn).contains("ε 0.75").hasSizeLessThan(120);
    assertThat(screen.written().split("\r", -1)).hasSizeBetween(3, 12);
    progress.close();
    assertThat(screen.shown()).isEmpty();
  }

  @Test
  void withoutUnicodeItStaysInAscii() throws InterruptedException {
    Samples.Screen screen = new Samples.Screen(true, false, 120);
    ProgressObserver progress = new ProgressObserver(screen.terminal);
    progress.phaseBegan(Phase.TRAINING, 0);
    for (int step = 1; step <= 30; step++) {
      Thread.sleep(10);
      progress.progressed(Samples.progress(Phase.TRAINING, step * 10));
    }
    Thread.sleep(150);
    assertThat(screen.shown()).contains("epsilon 0.75").matches("\\p{ASCII}+");
    progress.close();
  }
}
