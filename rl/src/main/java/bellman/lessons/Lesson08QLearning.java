package bellman.lessons;

import bellman.rl.env.Corridor;
import bellman.rl.env.Turn;
import java.util.SplittableRandom;

/** Q-learning with a table, in a world whose values are known. */
public final class Lesson08QLearning implements Lesson {
  private static final int CELLS = 6;
  private static final double GAMMA = 0.9;
  private static final double ALPHA = 0.5;
  private static final int STEPS = 5000;

  /**
   * @param q learned, [cell][left, right]
   * @param error the largest difference from Q* in closed form
   * @param right in how many cells the greedy action is the best one
   */
  public record Figures(double[][] q, int episodes, double error, int right) {}

  @Override
  public String title() {
    return "Q-learning on a corridor whose answer is known";
  }

  @Override
  public Figures run(Page page) {
    page.say(
        """
        Cells 0 … %d in a row. Going right from the last but one earns 1 and ends the episode; nothing
        else earns anything. Q(s, a) is what is still to come after doing a in s, discounted by
        γ = %.1f a step. Nobody tells the learner the rules. It stumbles about at random, and after
        every step moves one number a bit towards what it now knows better:

            Q(s, a) ← Q(s, a) + α (r + γ max Q(s′, ·) − Q(s, a))
        """,
        CELLS - 1, GAMMA);
    double[][] q = new double[CELLS][2];
    int episodes = 0;
    SplittableRandom random = new SplittableRandom(8);
    try (Corridor world = new Corridor(CELLS)) {
      int s = cell(world.reset());
      for (int k = 0; k < STEPS; k++) {
        int a = random.nextInt(2); // off-policy: what it learns is the best play, not its own
        Turn turn = world.step(new int[] {a});
        boolean end = !turn.endings().isEmpty();
        double r = end ? turn.endings().get(0).reward() : turn.decisions().get(0).reward();
        int sNext = cell(turn); // after an end: where the next episode begins
        double future = end ? 0 : GAMMA * Math.max(q[sNext][0], q[sNext][1]);
        q[s][a] += ALPHA * (r + future - q[s][a]);
        s = sNext;
        episodes += end ? 1 : 0;
      }
    }

    page.say("    cell    Q(s, left)  closed form    Q(s, right)  closed form");
    double error = 0;
    int right = 0;
    for (int s = 0; s < CELLS - 1; s++) {
      double left = Corridor.q(CELLS, s, Corridor.LEFT, GAMMA); // γ · V*(s − 1)
      double best = Corridor.q(CELLS, s, Corridor.RIGHT, GAMMA); // γ^(n − 2 − s)
      page.say("    %4d    %10.6f   %10.6f     %10.6f   %10.6f", s, q[s][0], left, q[s][1], best);
      error = Math.max(error, Math.max(Math.abs(q[s][0] - left), Math.abs(q[s][1] - best)));
      right += q[s][1] > q[s][0] ? 1 : 0;
    }
    page.say("");
    page.claim(
        error < 1e-6,
        "after %d steps (%d episodes) all ten values are right within %.0e",
        STEPS,
        episodes,
        error);
    page.claim(right == CELLS - 1, "the greedy policy goes right in all %d cells", right);
    page.say(
        """

        The reward is seen in one place only. From there values spread backwards, one cell with each
        visit: that is the max over a′ in s′ at work. It never used the formula; it could not know
        it.""");
    return new Figures(q, episodes, error, right);
  }

  private static int cell(Turn turn) {
    float[] seen = turn.decisions().get(0).observation().vector(); // one-hot
    int cell = 0;
    while (seen[cell] == 0) {
      cell++;
    }
    return cell;
  }
}
