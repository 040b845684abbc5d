package bellman.unity.player;

import java.util.List;

/**
 * All that one area knows, as plain data. Cells are numbered {@code x * gridSize + z}.
 *
 * @param gridSize cells per side
 * @param x the agent's column, 0 at the left
 * @param z the agent's row, 0 at the bottom
 * @param pluses the cells of the green pluses
 * @param exes the cells of the red exes
 * @param goal what the agent must reach
 * @param steps decisions taken in this episode
 * @param reward the sum since the agent last reported
 * @param masksSeen whether the agent ever reported a forbidden action; until then its mask is empty
 * @param mask the mask of the last decision, bit {@code a} set where action {@code a} was forbidden
 * @param random the state of the area's own generator
 */
public record GridAreaState(
    int gridSize,
    int x,
    int z,
    List<Integer> pluses,
    List<Integer> exes,
    Goal goal,
    int steps,
    float reward,
    boolean masksSeen,
    int mask,
    long random) {

  /** What the agent must reach; the ordinal is its place in the one-hot goal observation. */
  public enum Goal {
    PLUS,
    EX
  }

  /** Copies the lists. */
  public GridAreaState {
    pluses = List.copyOf(pluses);
    exes = List.copyOf(exes);
  }
}
