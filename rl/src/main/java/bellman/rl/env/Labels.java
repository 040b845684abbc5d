package bellman.rl.env;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What people call the actions and goals of a world; their numbers where no names are known.
 *
 * @param actions one for each action of the policy
 * @param goals one for each goal
 */
public record Labels(List<String> actions, List<String> goals) {
  private static final String GRID_WORLD = "GridWorld";
  private static final List<String> MOVES = List.of("stay", "up", "down", "left", "right");
  private static final List<String> SIGNS = List.of("plus", "ex");

  public Labels {
    actions = List.copyOf(actions);
    goals = List.copyOf(goals);
  }

  /**
   * @param firstAction the player's number of the policy's action 0
   */
  public static Labels of(Spec spec, int firstAction) {
    boolean grid = spec.name().equals(GRID_WORLD) && firstAction + spec.actions() == MOVES.size();
    return new Labels(
        grid
            ? MOVES.subList(firstAction, MOVES.size())
            : numbers(firstAction, firstAction + spec.actions()),
        grid && spec.goals() == SIGNS.size() ? SIGNS : numbers(0, spec.goals()));
  }

  private static List<String> numbers(int from, int to) {
    return IntStream.range(from, to).mapToObj(Integer::toString).toList();
  }
}
