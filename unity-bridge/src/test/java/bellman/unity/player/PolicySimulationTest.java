package bellman.unity.player;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bellman.unity.player.GridAreaState.Goal;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;

/** Known means of known policies: random walks and shortest paths. */
class PolicySimulationTest {
  private record Result(double meanReward, double meanLength, double timeouts) {}

  private final SplitMix random = SplitMix.of(99, 0);

  @Test
  void aMaskedRandomWalk() {
    Result result = play(20_000, this::allowed);
    assertThat(result.meanReward()).isCloseTo(-0.25, within(0.02));
    assertThat(result.timeouts()).isCloseTo(0.04, within(0.01));
  }

  @Test
  void anUnmaskedRandomWalk() {
    Result result = play(20_000, area -> random.nextInt(GridArea.ACTIONS));
    assertThat(result.meanReward()).isCloseTo(-0.30, within(0.02));
    assertThat(result.timeouts()).isCloseTo(0.06, within(0.01));
  }

  @Test
  void theShortestWayAroundTheWrongObject() {
    Result result = play(20_000, PolicySimulationTest::shortest);
    assertThat(result.meanReward()).isCloseTo(0.976, within(0.003));
    assertThat(result.meanLength()).isCloseTo(3.4, within(0.1));
  }

  private static Result play(int episodes, ToIntFunction<GridArea> policy) {
    GridArea area = new GridArea(2024, 0);
    double reward = 0;
    long length = 0;
    int timeouts = 0;
    for (int i = 0; i < episodes; i++) {
      area.begin(5, 1, 1);
      boolean reached = false;
      while (!reached && !area.timedOut()) {
        area.decided();
        reached = area.act(policy.applyAsInt(area));
        reward += area.state().reward();
        length++;
      }
      timeouts += reached ? 0 : 1;
    }
    return new Result(reward / episodes, length / (double) episodes, timeouts / (double) episodes);
  }

  private int allowed(GridArea area) {
    int action;
    do {
      action = random.nextInt(GridArea.ACTIONS);
    } while ((area.forbidden() >> action & 1) != 0);
    return action;
  }

  private static int shortest(GridArea area) {
    GridAreaState s = area.state();
    return firstStep(s, s.goal());
  }

  /** First action of a shortest way to an object that avoids the other one (5×5, one of each). */
  static int firstStep(GridAreaState s, Goal target) {
    int goal = (target == Goal.PLUS ? s.pluses() : s.exes()).get(0);
    int wrong = (target == Goal.PLUS ? s.exes() : s.pluses()).get(0);
    int[] distance = new int[25];
    Arrays.fill(distance, Integer.MAX_VALUE - 1);
    distance[goal] = 0;
    ArrayDeque<Integer> queue = new ArrayDeque<>();
    queue.add(goal);
    while (!queue.isEmpty()) {
      int cell = queue.remove();
      for (int action = 1; action < GridArea.ACTIONS; action++) {
        int next = neighbour(cell, action);
        if (next != cell && next != wrong && distance[next] > distance[cell] + 1) {
          distance[next] = distance[cell] + 1;
          queue.add(next);
        }
      }
    }
    int here = s.x() * 5 + s.z();
    int best = GridArea.STAY;
    for (int action = 1; action < GridArea.ACTIONS; action++) {
      if (distance[neighbour(here, action)] < distance[neighbour(here, best)]) {
        best = action;
      }
    }
    return best;
  }

  private static int neighbour(int cell, int action) {
    int x = cell / 5;
    int z = cell % 5;
    return switch (action) {
      case GridArea.UP -> z == 4 ? cell : cell + 1;
      case GridArea.DOWN -> z == 0 ? cell : cell - 1;
      case GridArea.LEFT -> x == 0 ? cell : cell - 5;
      case GridArea.RIGHT -> x == 4 ? cell : cell + 5;
      default -> cell;
    };
  }
}
