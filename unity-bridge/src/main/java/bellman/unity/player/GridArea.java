package bellman.unity.player;

import bellman.unity.player.GridAreaState.Goal;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One area of GridWorld and its rules: a square grid that holds pluses, exes and one agent, which
 * must reach the kind of object that its goal names. Not thread-safe.
 *
 * <p>An episode begins with {@link #begin}. Then, until the caller sees an end, come {@link
 * #decided} (the agent reported and was told what to do) and {@link #act} in turn. x grows to the
 * right, z upwards.
 */
public final class GridArea {
  /** Actions of the one discrete branch. */
  public static final int STAY = 0;

  public static final int UP = 1;
  public static final int DOWN = 2;
  public static final int LEFT = 3;
  public static final int RIGHT = 4;

  /** Number of actions. */
  public static final int ACTIONS = 5;

  /** Decisions after which an episode is cut off. */
  public static final int MAX_STEPS = 100;

  /** The largest grid that is accepted, in cells per side. */
  public static final int MAX_GRID_SIZE = 1024;

  private static final float STEP_REWARD = -0.01f;

  private final SplitMix random;
  private int gridSize;
  private int x;
  private int z;
  private List<Integer> pluses = List.of();
  private List<Integer> exes = List.of();
  private Goal goal = Goal.PLUS;
  private int steps;
  private float reward;
  private boolean masksSeen;
  private int mask;

  /** An area without an episode, which draws from stream {@code stream} of {@code seed}. */
  public GridArea(long seed, int stream) {
    random = SplitMix.of(seed, stream);
  }

  /** An area that goes on exactly where {@code state} was taken. */
  public GridArea(GridAreaState state) {
    random = new SplitMix(state.random());
    gridSize = state.gridSize();
    x = state.x();
    z = state.z();
    pluses = state.pluses();
    exes = state.exes();
    goal = state.goal();
    steps = state.steps();
    reward = state.reward();
    masksSeen = state.masksSeen();
    mask = state.mask();
  }

  /**
   * Begins an episode: draws distinct cells for the pluses, the exes and the agent, in this order,
   * then the goal. The reward not yet reported is dropped.
   *
   * @throws IllegalArgumentException when the grid cannot hold all of them
   */
  public void begin(int gridSize, int plusGoals, int exGoals) {
    if (gridSize < 1 || gridSize > MAX_GRID_SIZE || plusGoals < 0 || exGoals < 0) {
      throw new IllegalArgumentException(
          "gridworld: gridSize %d, numPlusGoals %d, numExGoals %d: the size must be 1 to %d and the numbers of goals 0 or more; send other environment parameters"
              .formatted(gridSize, plusGoals, exGoals, MAX_GRID_SIZE));
    }
    long cells = (long) gridSize * gridSize;
    long objects = 1L + plusGoals + exGoals;
    if (objects > cells) {
      throw new IllegalArgumentException(
          "gridworld: gridSize %d has %d cells, but numPlusGoals %d + numExGoals %d + 1 agent need %d; send a larger gridSize or fewer goals"
              .formatted(gridSize, cells, plusGoals, exGoals, objects));
    }
    int[] drawn =
        IntStream.generate(() -> random.nextInt((int) cells)).distinct().limit(objects).toArray();
    this.gridSize = gridSize;
    pluses = IntStream.range(0, plusGoals).mapToObj(i -> drawn[i]).toList();
    exes = IntStream.range(plusGoals, plusGoals + exGoals).mapToObj(i -> drawn[i]).toList();
    int agent = drawn[plusGoals + exGoals];
    x = agent / gridSize;
    z = agent % gridSize;
    goal = Goal.values()[random.nextInt(2)];
    steps = 0;
    reward = 0;
  }

  /** The agent reported (its reward counts from 0 again) and starts its next step. */
  public void decided() {
    steps++;
    reward = 0;
    mask = forbidden();
    masksSeen |= mask != 0;
  }

  /**
   * Does an action: −0.01, and a move unless a wall is there. On a plus or an ex the reward becomes
   * (not: grows by) +1 if that is the goal, else −1, and the episode is over.
   *
   * @return whether the episode is over
   * @throws IllegalArgumentException when there is no such action
   */
  public boolean act(int action) {
    if (action < 0 || action >= ACTIONS) {
      throw new IllegalArgumentException(
          "gridworld: action %d: actions are 0 stay, 1 up, 2 down, 3 left, 4 right"
              .formatted(action));
    }
    reward += STEP_REWARD;
    if ((forbidden() & 1 << action) == 0) {
      x += action == RIGHT ? 1 : action == LEFT ? -1 : 0;
      z += action == UP ? 1 : action == DOWN ? -1 : 0;
    }
    Integer cell = x * gridSize + z;
    if (pluses.contains(cell)) {
      reward = goal == Goal.PLUS ? 1 : -1;
      return true;
    }
    if (exes.contains(cell)) {
      reward = goal == Goal.EX ? 1 : -1;
      return true;
    }
    return false;
  }

  /** Whether the episode has used up its {@value #MAX_STEPS} decisions. */
  public boolean timedOut() {
    return steps >= MAX_STEPS;
  }

  /** The actions that lead into a wall, bit {@code a} for action {@code a}. */
  public int forbidden() {
    return (z == gridSize - 1 ? 1 << UP : 0)
        | (z == 0 ? 1 << DOWN : 0)
        | (x == 0 ? 1 << LEFT : 0)
        | (x == gridSize - 1 ? 1 << RIGHT : 0);
  }

  /** All of it, as plain data. */
  public GridAreaState state() {
    return new GridAreaState(
        gridSize, x, z, pluses, exes, goal, steps, reward, masksSeen, mask, random.state());
  }
}
