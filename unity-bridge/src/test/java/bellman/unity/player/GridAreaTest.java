package bellman.unity.player;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.unity.player.GridAreaState.Goal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GridAreaTest {
  /** A 5×5 area: plus at (4, 4), ex at (0, 4). */
  static GridArea area(int x, int z, Goal goal) {
    return new GridArea(
        new GridAreaState(5, x, z, List.of(24), List.of(4), goal, 0, 0, false, 0, 1));
  }

  @ParameterizedTest
  @CsvSource({
    "2, 2, 0, 2, 2",
    "2, 2, 1, 2, 3",
    "2, 2, 2, 2, 1",
    "2, 2, 3, 1, 2",
    "2, 2, 4, 3, 2",
    "2, 4, 1, 2, 4", // walls
    "2, 0, 2, 2, 0",
    "0, 2, 3, 0, 2",
    "4, 2, 4, 4, 2",
  })
  void movesOneCellUnlessAWallIsThere(int x, int z, int action, int newX, int newZ) {
    GridArea area = area(x, z, Goal.PLUS);
    area.decided();
    assertThat(area.act(action)).isFalse();
    assertThat(area.state()).extracting("x", "z", "reward").containsExactly(newX, newZ, -0.01f);
  }

  @ParameterizedTest
  @CsvSource({"PLUS, 4, 1", "PLUS, 3, -1", "EX, 4, -1", "EX, 3, 1"})
  void anObjectSetsTheRewardAndEndsTheEpisode(Goal goal, int action, float reward) {
    GridArea area =
        new GridArea(
            new GridAreaState(
                5, 2, 2, List.of(3 * 5 + 2), List.of(1 * 5 + 2), goal, 3, -0.5f, false, 0, 1));
    assertThat(area.act(action)).isTrue();
    assertThat(area.state().reward()).isEqualTo(reward);
  }

  @Test
  void rewardsAddUpUntilTheNextDecision() {
    GridArea area = area(2, 2, Goal.PLUS);
    area.act(GridArea.STAY);
    area.act(GridArea.STAY);
    assertThat(area.state().reward()).isCloseTo(-0.02f, within(1e-7f));
    area.decided();
    assertThat(area.state().reward()).isZero();
  }

  @Test
  void timesOutAfterExactlyAHundredDecisions() {
    GridArea area = area(2, 2, Goal.PLUS);
    for (int i = 0; i < 99; i++) {
      area.decided();
      area.act(GridArea.STAY);
    }
    assertThat(area.timedOut()).isFalse();
    area.decided();
    assertThat(area.timedOut()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "2, 2, 00000",
    "0, 2, 00010", // left
    "4, 2, 00001", // right
    "2, 0, 00100", // down
    "2, 4, 01000", // up
    "0, 0, 00110",
    "4, 4, 01001",
  })
  void walledActionsAreForbiddenInActionOrder(int x, int z, String mask) {
    int forbidden = area(x, z, Goal.PLUS).forbidden();
    StringBuilder bits = new StringBuilder();
    for (int action = 0; action < GridArea.ACTIONS; action++) {
      bits.append((forbidden >> action) & 1);
    }
    assertThat(bits).hasToString(mask);
  }

  @Test
  void aLoneCellForbidsEveryMove() {
    GridArea area = new GridArea(3, 0);
    area.begin(1, 0, 0);
    assertThat(area.forbidden()).isEqualTo(0b11110);
  }

  @Test
  void placementIsUniformWithoutOverlapAndTheGoalIsAFairCoin() {
    GridArea area = new GridArea(11, 0);
    int n = 50_000;
    int[][] counts = new int[3][25];
    int exGoals = 0;
    for (int i = 0; i < n; i++) {
      area.begin(5, 1, 1);
      GridAreaState s = area.state();
      int agent = s.x() * 5 + s.z();
      assertThat(Set.of(agent, s.pluses().get(0), s.exes().get(0))).hasSize(3);
      counts[0][agent]++;
      counts[1][s.pluses().get(0)]++;
      counts[2][s.exes().get(0)]++;
      exGoals += s.goal() == Goal.EX ? 1 : 0;
    }
    // chi-square with 24 degrees of freedom: 51.2 is passed by one fair draw in a thousand
    for (int[] count : counts) {
      double chi2 = 0;
      for (int c : count) {
        chi2 += Math.pow(c - n / 25.0, 2) / (n / 25.0);
      }
      assertThat(chi2).isBetween(8.0, 51.2);
    }
    assertThat(exGoals / (double) n).isCloseTo(0.5, within(0.01));
  }

  @Test
  void placesAsManyObjectsAsAskedUpToAFullGrid() {
    GridArea area = new GridArea(5, 0);
    area.begin(3, 4, 4);
    GridAreaState s = area.state();
    Set<Integer> cells = new HashSet<>(s.pluses());
    cells.addAll(s.exes());
    cells.add(s.x() * 3 + s.z());
    assertThat(s.pluses()).hasSize(4);
    assertThat(s.exes()).hasSize(4);
    assertThat(cells).hasSize(9).allMatch(cell -> cell >= 0 && cell < 9);
  }

  @Test
  void equalSeedsGiveEqualEpisodesAndStreamsDiffer() {
    assertThat(episodes(7, 0)).isEqualTo(episodes(7, 0));
    assertThat(episodes(7, 0)).isNotEqualTo(episodes(7, 1));
    assertThat(episodes(7, 0)).isNotEqualTo(episodes(8, 0));
  }

  private static List<GridAreaState> episodes(long seed, int stream) {
    GridArea area = new GridArea(seed, stream);
    List<GridAreaState> states = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      area.begin(5, 1, 1);
      states.add(area.state());
    }
    return states;
  }

  @ParameterizedTest
  @EnumSource
  void aStateIsAllThereIs(Goal goal) {
    GridArea first = area(2, 2, goal);
    GridArea second = new GridArea(first.state());
    first.begin(5, 2, 2);
    second.begin(5, 2, 2);
    assertThat(second.state()).isEqualTo(first.state());
  }

  @Test
  void aGridTooSmallIsAnError() {
    assertThatThrownBy(() -> new GridArea(0, 0).begin(2, 2, 2))
        .hasMessage(
            "gridworld: gridSize 2 has 4 cells, but numPlusGoals 2 + numExGoals 2 + 1 agent need 5; send a larger gridSize or fewer goals");
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 1", "-3, 1, 1", "1025, 1, 1", "5, -1, 1", "5, 1, -1"})
  void sizesOutOfRangeAreErrors(int gridSize, int plusGoals, int exGoals) {
    assertThatThrownBy(() -> new GridArea(0, 0).begin(gridSize, plusGoals, exGoals))
        .hasMessage(
            "gridworld: gridSize "
                + gridSize
                + ", numPlusGoals "
                + plusGoals
                + ", numExGoals "
                + exGoals
                + ": the size must be 1 to 1024 and the numbers of goals 0 or more; send other environment parameters");
  }

  @ParameterizedTest
  @CsvSource({"-1", "5"})
  void unknownActionsAreErrors(int action) {
    assertThatThrownBy(() -> area(2, 2, Goal.PLUS).act(action))
        .hasMessage(
            "gridworld: action " + action + ": actions are 0 stay, 1 up, 2 down, 3 left, 4 right");
  }
}
