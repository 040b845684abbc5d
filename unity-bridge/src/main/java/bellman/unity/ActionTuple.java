package bellman.unity;

/**
 * Actions of a batch of agents.
 *
 * @param continuous [agents][continuous size]
 * @param discrete [agents][branches]
 */
public record ActionTuple(float[][] continuous, int[][] discrete) {
  /**
   * @throws IllegalArgumentException when the two have different numbers of rows
   */
  public ActionTuple {
    if (continuous.length != discrete.length) {
      throw new IllegalArgumentException(
          "actions: "
              + continuous.length
              + " rows of continuous but "
              + discrete.length
              + " of discrete actions; both need one row per agent (of length 0 if unused)");
    }
  }

  /** Continuous actions only: [agents][continuous size]. */
  public static ActionTuple continuous(float[]... rows) {
    return new ActionTuple(rows, new int[rows.length][0]);
  }

  /** Discrete actions only: [agents][branches]. */
  public static ActionTuple discrete(int[]... rows) {
    return new ActionTuple(new float[rows.length][0], rows);
  }

  /** One discrete branch, one action per agent: [agents]. */
  public static ActionTuple oneBranch(int... actions) {
    int[][] rows = new int[actions.length][];
    for (int i = 0; i < actions.length; i++) {
      rows[i] = new int[] {actions[i]};
    }
    return discrete(rows);
  }

  /** How many agents. */
  public int agents() {
    return discrete.length;
  }

  ActionTuple copy() {
    float[][] c = new float[continuous.length][];
    int[][] d = new int[discrete.length][];
    for (int i = 0; i < c.length; i++) {
      c[i] = continuous[i].clone();
      d[i] = discrete[i].clone();
    }
    return new ActionTuple(c, d);
  }
}
