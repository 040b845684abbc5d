package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bellman.rl.Episode;
import bellman.rl.Phase;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class TallyTest {
  private static Episode episode(int goal, double sum, int length, boolean interrupted) {
    return new Episode(1, 0, Phase.TESTING, goal, sum, length, interrupted, 1);
  }

  private static Tally played(int most) {
    Tally tally = new Tally(most);
    tally.episodeEnded(new Episode(1, 0, Phase.TRAINING, 0, 99, 99, true, 1));
    tally.episodeEnded(episode(0, 0.98, 3, false));
    tally.episodeEnded(episode(0, -1.02, 3, false));
    tally.episodeEnded(episode(0, 0.94, 7, false));
    tally.episodeEnded(episode(1, -1, 100, true));
    tally.episodeEnded(episode(1, 0.5, 100, true)); // time is up, whatever was collected
    return tally;
  }

  @Test
  void figuresOfAllAndOfAGoal() {
    Tally tally = played(100);
    Tally.Figures all = tally.all();
    assertThat(all.episodes()).isEqualTo(5);
    assertThat(all.meanReturn()).isCloseTo(0.08, within(1e-12));
    // Squares around the mean: 0.81, 1.21, 0.7396, 1.1664, 0.1764
    assertThat(all.std()).isCloseTo(Math.sqrt(4.1024 / 5), within(1e-12));
    assertThat(all.standardError()).isCloseTo(Math.sqrt(4.1024 / 4 / 5), within(1e-12));
    assertThat(List.of(all.succeeded(), all.failed(), all.timedOut())).containsExactly(2, 1, 2);
    Tally.Figures zero = tally.of(0);
    assertThat(zero)
        .usingRecursiveComparison()
        .ignoringFields("meanReturn", "std", "meanLength")
        .isEqualTo(new Tally.Figures(3, 0, 0, -1.02, 0.98, 0, 3, 7, 2, 1, 0));
    assertThat(zero.meanReturn()).isCloseTo(0.3, within(1e-12));
    assertThat(zero.meanLength()).isCloseTo(13.0 / 3, within(1e-12));
    assertThat(tally.of(2).episodes()).isZero();
    assertThat(tally.of(2).meanReturn()).isNaN();
    assertThat(tally.full()).isFalse();
  }

  @Test
  void laterEpisodesDoNotCount() {
    Tally tally = played(2);
    assertThat(tally.full()).isTrue();
    assertThat(tally.all().meanReturn()).isCloseTo(-0.02, within(1e-12));
  }

  @Test
  void asText() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY);
    try {
      assertThat(played(100).line())
          .isEqualTo(
              "5 episodes: mean return 0.080 ± 0.453 (standard error), mean length 42.60, 60.0 %"
                  + " with a positive return, 40.0 % cut off by a time limit");
      assertThat(String.join("\n", played(100).table(List.of("plus", "ex", "none"))) + "\n")
          .isEqualTo(
              """
              goal  episodes      mean return  length  success  wrong goal  time-out
              plus         3   0.300 ±  0.660    4.33   66.7 %      33.3 %     0.0 %
              ex           2  -0.250 ±  0.750  100.00    0.0 %       0.0 %   100.0 %
              none         0                -       -        -           -         -
              all          5   0.080 ±  0.453   42.60   40.0 %      20.0 %    40.0 %
              """);
    } finally {
      Locale.setDefault(before);
    }
    assertThat(new Tally(3).line()).isEqualTo("no episode ended");
    assertThat(played(1).line()) // of one episode nothing says how far it lies from the mean
        .startsWith("1 episode: mean return 0.980 ± - (standard error), mean length 3.00, ");
    assertThat(played(1).table(List.of()).get(1))
        .startsWith("all          1   0.980 ±      -    3.00  ");
  }
}
