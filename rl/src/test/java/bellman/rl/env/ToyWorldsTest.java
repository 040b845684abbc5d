package bellman.rl.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ToyWorldsTest {
  private static final double GAMMA = 0.9;

  private static int hot(Observation observation) {
    float[] vector = observation.vector();
    int index = -1;
    for (int i = 0; i < vector.length; i++) {
      if (vector[i] != 0) {
        assertThat(vector[i]).isEqualTo(1);
        assertThat(index).as("one element is hot").isEqualTo(-1);
        index = i;
      }
    }
    return index;
  }

  // ── IdentityWorld ─────────────────────────────────────────────────────────────────────────────

  @Test
  void identityWorldPaysForNamingTheState() {
    try (Environment world = new IdentityWorld(5, 1)) {
      Turn turn = world.reset();
      SplittableRandom random = new SplittableRandom(2);
      int[] shown = new int[5];
      for (int i = 0; i < 5000; i++) {
        int state = hot(turn.decisions().get(0).observation());
        shown[state]++;
        int action = random.nextInt(5);
        turn = world.step(new int[] {action});
        assertThat(turn.endings()).isEmpty();
        assertThat(turn.decisions().get(0).reward()).isEqualTo(action == state ? 1 : 0);
      }
      for (int count : shown) {
        assertThat(count).isBetween(850, 1150);
      }
    }
  }

  /** Value iteration over the dynamics that the test above has seen. */
  @Test
  void identityWorldsValuesAreTheFixedPoint() {
    int n = 5;
    double[] v = new double[n];
    for (int k = 0; k < 500; k++) {
      double mean = 0;
      for (double value : v) {
        mean += value / n;
      }
      for (int s = 0; s < n; s++) {
        v[s] = 1 + GAMMA * mean;
      }
    }
    for (int s = 0; s < n; s++) {
      for (int a = 0; a < n; a++) {
        double q = (a == s ? 1 : 0) + GAMMA * v[0];
        assertThat(IdentityWorld.q(s, a, GAMMA)).isCloseTo(q, within(1e-9));
      }
    }
  }

  // ── Corridor ──────────────────────────────────────────────────────────────────────────────────

  /** Value iteration over the world itself: each cell is reached by walking there. */
  @ParameterizedTest
  @CsvSource({"2", "3", "6"})
  void corridorsValuesAreTheFixedPoint(int n) {
    double[][] q = new double[n][2];
    for (int k = 0; k < 300; k++) {
      for (int s = 0; s < n - 1; s++) {
        for (int a = 0; a < 2; a++) {
          Corridor world = new Corridor(n);
          world.reset();
          for (int i = 0; i < s; i++) {
            world.step(new int[] {Corridor.RIGHT});
          }
          Turn turn = world.step(new int[] {a});
          if (turn.endings().isEmpty()) {
            Turn.Decision d = turn.decisions().get(0);
            double[] next = q[hot(d.observation())];
            q[s][a] = d.reward() + GAMMA * Math.max(next[0], next[1]);
          } else {
            assertThat(turn.endings().get(0).interrupted()).isFalse();
            q[s][a] = turn.endings().get(0).reward();
          }
        }
      }
    }
    for (int s = 0; s < n - 1; s++) {
      assertThat(Corridor.q(n, s, 0, GAMMA)).as("left in " + s).isCloseTo(q[s][0], within(1e-9));
      assertThat(Corridor.q(n, s, 1, GAMMA)).as("right in " + s).isCloseTo(q[s][1], within(1e-9));
    }
  }

  @Test
  void corridorShowsTheLastCellAndBeginsAnewInTheSameTurn() {
    Corridor world = new Corridor(3);
    world.reset();
    world.step(new int[] {Corridor.RIGHT});
    Turn turn = world.step(new int[] {Corridor.RIGHT});
    Turn.Ending ending = turn.endings().get(0);
    assertThat(hot(ending.observation())).isEqualTo(2);
    assertThat(ending.reward()).isEqualTo(1);
    assertThat(hot(turn.decisions().get(0).observation())).isZero();
    assertThat(turn.decisions().get(0).reward()).isZero();
  }

  @Test
  void corridorIsCutOffAtItsLimitButNotWhenItArrivesThere() {
    Corridor world = new Corridor(4, 3);
    world.reset();
    world.step(new int[] {Corridor.LEFT});
    world.step(new int[] {Corridor.RIGHT});
    Turn cut = world.step(new int[] {Corridor.RIGHT});
    assertThat(cut.endings().get(0).interrupted()).isTrue();
    assertThat(hot(cut.endings().get(0).observation())).isEqualTo(2);
    for (int i = 0; i < 2; i++) {
      assertThat(world.step(new int[] {Corridor.RIGHT}).endings()).isEmpty();
    }
    Turn arrived = world.step(new int[] {Corridor.RIGHT});
    assertThat(arrived.endings().get(0).interrupted()).isFalse();
  }

  // ── CartPole ──────────────────────────────────────────────────────────────────────────────────

  /**
   * By hand, from rest: u = 10/1.1 = 9.0909; θ̈ = −9.0909/(0.5·(4/3 − 0.1/1.1)) = −14.6341; ẍ = u +
   * 0.05·14.6341/1.1 = 9.7561. After 0.02 s: ẋ = 0.195122, θ̇ = −0.292683; positions still 0.
   * Second push to the right, θ still 0: the same accelerations, positions now move.
   */
  @Test
  void cartPolesFirstStepsAreTheEquations() {
    CartPole world = new CartPole(0);
    world.resetTo(0, 0, 0, 0);
    near(world.step(new int[] {1}), 0, 0.195122, 0, -0.292683);
    near(world.step(new int[] {1}), 0.00390244, 0.390244, -0.00585366, -0.585366);
  }

  /**
   * By hand, leaning: θ = 0.1, θ̇ = 0.5, F = −10: sin 0.0998334, cos 0.9950042; u = (−10 +
   * 0.05·0.25·0.0998334)/1.1 = −9.0897746; θ̈ = (0.9783675 + 9.0443637)/(0.5·(1.3333333 −
   * 0.0900030)) = 16.1224; ẍ = u − 0.05·16.1224·0.9950042/1.1 = −9.81895.
   */
  @Test
  void cartPoleLeaning() {
    CartPole world = new CartPole(0);
    world.resetTo(0.2, -0.3, 0.1, 0.5);
    near(world.step(new int[] {0}), 0.194, -0.496379, 0.11, 0.822448);
  }

  private static void near(Turn turn, double... expected) {
    float[] seen = turn.decisions().get(0).observation().vector();
    for (int i = 0; i < 4; i++) {
      assertThat((double) seen[i]).as("element " + i).isCloseTo(expected[i], within(2e-6));
    }
    assertThat(turn.decisions().get(0).reward()).isEqualTo(1);
  }

  @Test
  void cartPoleFallsWhenAlwaysPushedOneWay() {
    CartPole world = new CartPole(3);
    world.reset();
    int steps = 1;
    Turn turn = world.step(new int[] {1});
    while (turn.endings().isEmpty()) {
      turn = world.step(new int[] {1});
      steps++;
    }
    assertThat(steps).isBetween(8, 11);
    assertThat(turn.endings().get(0).interrupted()).isFalse();
    assertThat(turn.endings().get(0).reward()).isEqualTo(1);
    assertThat(Math.abs(turn.endings().get(0).observation().vector()[2]))
        .isGreaterThan((float) Math.toRadians(12));
    for (float value : turn.decisions().get(0).observation().vector()) {
      assertThat(Math.abs(value)).isLessThanOrEqualTo(0.05f);
    }
  }

  /** A hand-made controller holds the pole up, so the episode meets its limit. */
  @Test
  void cartPoleIsCutOffAfter500Steps() {
    CartPole world = new CartPole(4);
    Turn turn = world.reset();
    int steps = 0;
    while (turn.endings().isEmpty()) {
      float[] s = turn.decisions().get(0).observation().vector();
      double push = 0.1 * s[0] + 0.3 * s[1] + 3 * s[2] + s[3];
      turn = world.step(new int[] {push > 0 ? 1 : 0});
      steps++;
    }
    assertThat(steps).isEqualTo(CartPole.LIMIT);
    assertThat(turn.endings().get(0).interrupted()).isTrue();
  }

  // ── all ───────────────────────────────────────────────────────────────────────────────────────

  @Test
  void oneSeedGivesOneWorld() {
    List<Float> first = walked(new CartPole(7));
    assertThat(walked(new CartPole(7))).isEqualTo(first);
    assertThat(walked(new CartPole(8))).isNotEqualTo(first);
    List<Float> identity = walked(new IdentityWorld(2, 7));
    assertThat(walked(new IdentityWorld(2, 7))).isEqualTo(identity);
    assertThat(walked(new IdentityWorld(2, 8))).isNotEqualTo(identity);
  }

  private static List<Float> walked(Environment world) {
    SplittableRandom random = new SplittableRandom(1);
    List<Float> seen = new ArrayList<>();
    Turn turn = world.reset();
    for (int i = 0; i < 100; i++) {
      for (float f : turn.decisions().get(0).observation().vector()) {
        seen.add(f);
      }
      turn = world.step(new int[] {random.nextInt(2)});
    }
    return seen;
  }

  @Test
  void copiesActApart() {
    Environment world = new Copies(3, i -> new Corridor(3, i == 2 ? 1 : 9));
    Turn turn = world.reset();
    assertThat(turn.decisions()).extracting(Turn.Decision::agent).containsExactly(0, 1, 2);
    turn = world.step(new int[] {0, 1, 1});
    assertThat(turn.endings()).extracting(Turn.Ending::agent).containsExactly(2);
    assertThat(turn.decisions()).extracting(d -> hot(d.observation())).containsExactly(0, 1, 0);
    turn = world.step(new int[] {0, 1, 0});
    assertThat(turn.endings()).extracting(Turn.Ending::agent).containsExactly(1, 2);
    assertThat(turn.endings()).extracting(Turn.Ending::interrupted).containsExactly(false, true);
    world.close();
  }

  /** Its second step breaks it. */
  private static final class Fragile implements Environment {
    private final Corridor corridor = new Corridor(9);
    private int steps;

    @Override
    public Spec spec() {
      return corridor.spec();
    }

    @Override
    public Turn reset() {
      return corridor.reset();
    }

    @Override
    public Turn step(int[] actions) {
      return ++steps == 2 ? new Turn(List.of(), reset().decisions(), true) : corridor.step(actions);
    }

    @Override
    public void close() {}
  }

  @Test
  void oneBrokenCopyIsToldOfAll() {
    Environment world = new Copies(2, i -> i == 0 ? new Corridor(9) : new Fragile());
    assertThat(world.reset().restarted()).isFalse();
    assertThat(world.step(new int[2]).restarted()).isFalse();
    assertThat(world.step(new int[2]).restarted()).isTrue();
    assertThat(world.step(new int[2]).restarted()).isFalse();
  }

  @Test
  void mistakesAreNamed() {
    Corridor world = new Corridor(3);
    assertThatIllegalStateException()
        .isThrownBy(() -> world.step(new int[] {0}))
        .withMessage("Corridor: step before reset; call reset() first");
    world.reset();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> world.step(new int[] {0, 1}))
        .withMessage("Corridor: one agent waits for an action, got 2 actions");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> world.step(new int[] {2}))
        .withMessage("Corridor: actions are 0 … 1, got 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Corridor(1))
        .withMessage(
            "Corridor: 2 or more cells and a limit of 1 or more, got 1 and " + Integer.MAX_VALUE);
    Environment copies = new Copies(2, i -> new Corridor(3));
    copies.reset();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> copies.step(new int[] {0}))
        .withMessage("Corridor: 2 agents wait for an action, got 1 actions");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Copies(2, i -> new Corridor(3 + i)))
        .withMessageStartingWith("copies: all have one spec; copy 0 has Spec[name=Corridor");
  }
}
