package bellman.rl.env;

/**
 * Cells 0 … n − 1 in a row. An episode starts in cell 0; action 1 goes right, action 0 left (in
 * cell 0 it bumps into the wall and stays). Reaching cell n − 1 earns 1 and ends the episode; all
 * other steps earn 0. The observation is the cell, one-hot.
 *
 * <p>From cell s the end is n − 1 − s steps away, and only the last of them is paid:
 *
 * <pre>
 *   V*(s)    = γ^(n − 2 − s)                       s ≤ n − 2
 *   Q*(s, 1) = γ^(n − 2 − s)
 *   Q*(s, 0) = γ · V*(max(s − 1, 0)) = γ^(n − 1 − max(s − 1, 0))
 * </pre>
 *
 * With a limit an episode is cut off after that many steps, as interrupted. A learner that takes
 * the cut for an end learns smaller values; one that bootstraps from the last cell learns these.
 */
public final class Corridor implements Environment {
  /** Goes towards cell 0. */
  public static final int LEFT = 0;

  /** Goes towards the end. */
  public static final int RIGHT = 1;

  private final int n;
  private final int limit;
  private final Spec spec;
  private int cell;
  private int steps;
  private boolean started;

  /** Without a limit. */
  public Corridor(int n) {
    this(n, Integer.MAX_VALUE);
  }

  /**
   * @param n cells, 2 or more
   * @param limit steps after which an episode is cut off, 1 or more
   */
  public Corridor(int n, int limit) {
    if (n < 2 || limit < 1) {
      throw new IllegalArgumentException(
          "Corridor: 2 or more cells and a limit of 1 or more, got " + n + " and " + limit);
    }
    this.n = n;
    this.limit = limit;
    this.spec = new Spec("Corridor", Frame.vector(n), 0, 2);
  }

  /** The optimal value of an action in a cell that is not the last of {@code n}. */
  public static double q(int n, int cell, int action, double gamma) {
    int stepsAfter = action == RIGHT ? n - 2 - cell : n - 1 - Math.max(cell - 1, 0);
    return Math.pow(gamma, stepsAfter);
  }

  @Override
  public Spec spec() {
    return spec;
  }

  @Override
  public Turn reset() {
    started = true;
    begin();
    return Toy.goesOn(seen(), 0);
  }

  @Override
  public Turn step(int[] actions) {
    int action = Toy.action(spec, started, actions);
    cell = action == RIGHT ? cell + 1 : Math.max(cell - 1, 0);
    steps++;
    boolean arrived = cell == n - 1;
    float reward = arrived ? 1 : 0;
    Observation seen = seen();
    if (arrived || steps == limit) {
      begin();
      return Toy.ends(seen, reward, !arrived, seen());
    }
    return Toy.goesOn(seen, reward);
  }

  private void begin() {
    cell = 0;
    steps = 0;
  }

  private Observation seen() {
    return Toy.oneHot(n, cell);
  }

  @Override
  public void close() {}
}
