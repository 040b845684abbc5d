package bellman.unity.player;

import java.util.ArrayList;
import java.util.List;

/**
 * Areas side by side, one agent each, and the parameters that they read whenever an episode begins:
 * {@code gridSize}, {@code numPlusGoals}, {@code numExGoals}, in this order, each read once and cut
 * to an integer. Not thread-safe.
 *
 * <p>Area {@code i} draws from stream {@code i} of the seed: its episodes do not depend on how many
 * other areas there are.
 */
public final class GridWorld {
  private final List<GridArea> areas = new ArrayList<>();
  private final EnvironmentParameters parameters = new EnvironmentParameters();
  private final int gridSize;
  private final int plusGoals;
  private final int exGoals;

  /**
   * Areas without an episode yet: call {@link #begin} for each.
   *
   * @param options how many areas, and the sizes that hold unless the trainer sets others
   */
  public GridWorld(GridWorldOptions options, long seed) {
    this(options);
    for (int i = 0; i < options.agents(); i++) {
      areas.add(new GridArea(seed, i));
    }
  }

  /** Areas that go on exactly where {@link #areas} and {@link #parameters} were saved. */
  GridWorld(GridWorldOptions options, GridWorldState state) {
    this(options);
    if (state.areas().size() != options.agents()) {
      throw new IllegalArgumentException(
          "gridworld: the saved state holds %d agents, the options ask for %d; ask for as many as were saved"
              .formatted(state.areas().size(), options.agents()));
    }
    state.areas().forEach(area -> areas.add(new GridArea(area)));
    state.parameters().forEach(parameters::set);
  }

  private GridWorld(GridWorldOptions options) {
    gridSize = options.gridSize();
    plusGoals = options.plusGoals();
    exGoals = options.exGoals();
  }

  /** Number of areas. */
  public int size() {
    return areas.size();
  }

  /** Area {@code i}, from 0. */
  public GridArea area(int i) {
    return areas.get(i);
  }

  /** What the trainer may set. */
  public EnvironmentParameters parameters() {
    return parameters;
  }

  /**
   * Begins an episode in area {@code i} with the parameters as they are now.
   *
   * @throws IllegalArgumentException when they make no grid
   */
  public void begin(int i) {
    int size = whole("gridSize", gridSize);
    int pluses = whole("numPlusGoals", plusGoals);
    int exes = whole("numExGoals", exGoals);
    areas.get(i).begin(size, pluses, exes);
  }

  private int whole(String name, int otherwise) {
    float value = parameters.read(name, otherwise);
    if (!Float.isFinite(value)) {
      throw new IllegalArgumentException(
          "gridworld: environment parameter %s is %s; send a finite number".formatted(name, value));
    }
    return (int) value;
  }
}
