package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ExplorationTest {
  @Test
  void epsilonFallsLinearlyAndStays() {
    assertThat(new Epsilon(1.0, 0.1, 0, 40_000).at(0)).isEqualTo(1.0);
    assertThat(new Epsilon(1.0, 0.1, 0, 40_000).at(1)).isEqualTo(1.0 - 0.9 / 40_000);
    assertThat(new Epsilon(1.0, 0.1, 0, 40_000).at(20_000)).isEqualTo(0.55, within(1e-12));
    assertThat(new Epsilon(1.0, 0.1, 0, 40_000).at(40_000)).isEqualTo(0.1);
    assertThat(new Epsilon(1.0, 0.1, 0, 40_000).at(50_000)).isEqualTo(0.1);
    assertThat(new Epsilon(0.3, 0.3, 0, 0).at(0)).isEqualTo(0.3);
  }

  @Test
  void coinsFallWithProbabilityEpsilonAndApart() {
    Exploration exploration = new Exploration(7);
    int explored = 0;
    int both = 0;
    for (int i = 0; i < 20_000; i++) {
      exploration.next();
      boolean first = exploration.explores(0, 0.25);
      boolean second = exploration.explores(1, 0.25);
      explored += first ? 1 : 0;
      both += first && second ? 1 : 0;
    }
    assertThat(explored / 20_000.0).isEqualTo(0.25, within(0.01));
    assertThat(both / 20_000.0).isEqualTo(0.0625, within(0.006)); // each agent flips its own
    assertThat(exploration.explores(0, 0)).isFalse();
    assertThat(exploration.explores(0, 1)).isTrue();
  }

  @Test
  void choicesAreUniformAmongTheAllowed() {
    Exploration exploration = new Exploration(7);
    boolean[] forbidden = {true, false, false, true, false};
    int[] counts = new int[5];
    int[] free = new int[5];
    for (int i = 0; i < 30_000; i++) {
      exploration.next();
      counts[exploration.choose(0, 5, forbidden)]++;
      free[exploration.choose(1, 5, null)]++;
    }
    assertThat(counts[0]).isZero();
    assertThat(counts[3]).isZero();
    for (int a : new int[] {1, 2, 4}) {
      assertThat(counts[a] / 30_000.0).isEqualTo(1 / 3.0, within(0.01));
    }
    for (int count : free) {
      assertThat(count / 30_000.0).isEqualTo(0.2, within(0.01));
    }
  }

  @Test
  void aStateThatAllowsNothingIsExploredFreely() {
    Exploration exploration = new Exploration(1);
    assertThat(exploration.choose(0, 2, new boolean[] {true, true})).isBetween(0, 1);
  }

  @Test
  void restoredDrawsContinue() {
    Exploration one = new Exploration(5);
    one.next();
    one.next();
    Exploration two = new Exploration(5);
    two.restore(one.state());
    for (int place = 0; place < 50; place++) {
      assertThat(two.choose(place, 100, null)).isEqualTo(one.choose(place, 100, null));
    }
  }
}
