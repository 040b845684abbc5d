package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.Episode;
import bellman.rl.Phase;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MlagentsLineTest {
  private final List<String> said = new ArrayList<>();
  private long nanos = 5_000_000_000L;
  private final MlagentsLine line = new MlagentsLine("GridWorld", 100, said::add, () -> nanos);

  private void ended(Phase phase, double sum) {
    line.episodeEnded(new Episode(1, 0, phase, 0, sum, 3, false, 1));
  }

  private void at(Phase phase, long step) {
    line.progressed(Samples.progress(phase, step));
  }

  @Test
  void aLineAtEveryCrossing() {
    line.phaseBegan(Phase.TRAINING, 0);
    ended(Phase.TRAINING, 1);
    at(Phase.TRAINING, 96);
    ended(Phase.TRAINING, -0.5);
    nanos += 12_345_600_000L;
    at(Phase.TRAINING, 105); // nine agents step over 100
    at(Phase.TRAINING, 114);
    at(Phase.TRAINING, 200);
    line.phaseBegan(Phase.TESTING, 250);
    ended(Phase.TESTING, 0.97);
    at(Phase.TESTING, 290);
    at(Phase.TESTING, 301);
    assertThat(said)
        .containsExactly(
            "[INFO] GridWorld. Step: 105. Time Elapsed: 12.346 s. Mean Reward: 0.250. Std of"
                + " Reward: 0.750. Training.",
            "[INFO] GridWorld. Step: 200. Time Elapsed: 12.346 s. No episode was completed since"
                + " last summary. Training.",
            "[INFO] GridWorld. Step: 301. Time Elapsed: 12.346 s. Mean Reward: 0.970. Std of"
                + " Reward: 0.000. Not Training.");
  }

  @Test
  void aResumedRunDoesNotRepeatALine() {
    line.phaseBegan(Phase.TRAINING, 530);
    at(Phase.TRAINING, 531);
    assertThat(said).isEmpty();
    at(Phase.TRAINING, 600);
    assertThat(said).hasSize(1);
  }
}
