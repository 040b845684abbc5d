package bellman.unity.player;

/**
 * How a GridWorld player is set up. {@link #defaults} with the {@code with…} methods is the way to
 * make one.
 *
 * @param agents areas side by side, one agent each, ids 0 … agents − 1
 * @param gridSize cells per side, unless the trainer sets {@code gridSize}
 * @param plusGoals green pluses per area, unless the trainer sets {@code numPlusGoals}
 * @param exGoals red exes per area, unless the trainer sets {@code numExGoals}
 * @param packageVersion the version of Unity's package to speak like, {@code a.b.c}. From 3.0.0 on
 *     pictures are [3, 64, 84] and the sensors are called {@code CameraSensor} and {@code
 *     VectorSensor}; before, pictures are [64, 84, 3] and the sensors have the names that recorded
 *     traffic of that scene shows, {@code RenderTextureSensor} and {@code VectorlSensor}. In both
 *     the picture comes first, because the wire sorts sensors by name.
 * @param masks whether agents report which actions lead into a wall
 * @param realtime whether a step takes 0.02 s divided by the time scale; otherwise no time at all
 * @param lingers whether the player lives on without a trainer when the first messages fail, as a
 *     Unity build does, until {@link GridWorldPlayer#quit}
 */
public record GridWorldOptions(
    int agents,
    int gridSize,
    int plusGoals,
    int exGoals,
    String packageVersion,
    boolean masks,
    boolean realtime,
    boolean lingers) {

  /**
   * Checks the numbers; a version of two parts gets a third.
   *
   * @throws IllegalArgumentException when a value makes no sense
   */
  public GridWorldOptions {
    if (agents < 1) {
      throw new IllegalArgumentException(
          "gridworld: agents is " + agents + "; at least 1 is needed");
    }
    new GridArea(0, 0).begin(gridSize, plusGoals, exGoals);
    if (!packageVersion.matches("\\d{1,4}\\.\\d{1,4}(\\.\\d{1,4}.*)?")) {
      throw new IllegalArgumentException(
          "gridworld: package version '%s' is not of the form 3.0.0".formatted(packageVersion));
    }
    if (packageVersion.matches("\\d+\\.\\d+")) {
      packageVersion += ".0";
    }
    if (major(packageVersion) < 2) {
      throw new IllegalArgumentException(
          "gridworld: package version '%s' is too old: 2.0.0 is the first that speaks API 1.5.0"
              .formatted(packageVersion));
    }
  }

  /** One agent, 5×5 cells, one plus, one ex, package 3.0.0, masks, as fast as possible. */
  public static GridWorldOptions defaults() {
    return new GridWorldOptions(1, 5, 1, 1, "3.0.0", true, false, false);
  }

  public GridWorldOptions withAgents(int agents) {
    return new GridWorldOptions(
        agents, gridSize, plusGoals, exGoals, packageVersion, masks, realtime, lingers);
  }

  /** Cells per side, pluses and exes together, because each limits the others. */
  public GridWorldOptions withGrid(int gridSize, int plusGoals, int exGoals) {
    return new GridWorldOptions(
        agents, gridSize, plusGoals, exGoals, packageVersion, masks, realtime, lingers);
  }

  public GridWorldOptions withPackageVersion(String packageVersion) {
    return new GridWorldOptions(
        agents, gridSize, plusGoals, exGoals, packageVersion, masks, realtime, lingers);
  }

  public GridWorldOptions withMasks(boolean masks) {
    return new GridWorldOptions(
        agents, gridSize, plusGoals, exGoals, packageVersion, masks, realtime, lingers);
  }

  public GridWorldOptions withRealtime(boolean realtime) {
    return new GridWorldOptions(
        agents, gridSize, plusGoals, exGoals, packageVersion, masks, realtime, lingers);
  }

  public GridWorldOptions withLingers(boolean lingers) {
    return new GridWorldOptions(
        agents, gridSize, plusGoals, exGoals, packageVersion, masks, realtime, lingers);
  }

  /** Whether pictures are announced as [channels, height, width]. */
  boolean channelsFirst() {
    return major(packageVersion) >= 3;
  }

  private static int major(String version) {
    return Integer.parseInt(version.substring(0, version.indexOf('.')));
  }
}
