package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Adam;
import bellman.nn.Huber;
import bellman.nn.Sequential;
import bellman.nn.Weights;
import bellman.rl.env.Corridor;
import bellman.rl.env.Turn;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** DQN (Mnih et al. 2015) in one file, with each of its three parts switched off in turn. */
public final class Lesson09Dqn implements Lesson {
  private static final int CELLS = 6;
  private static final float GAMMA = 0.99f;
  private static final int STEPS = 2000;
  private static final int SYNC = 100; // steps between θ⁻ ← θ

  /** Which parts are on. */
  private record Parts(boolean replay, boolean target, boolean epsilon) {}

  private record Transition(float[] s, int a, float r, float discount, float[] sNext) {}

  /**
   * One run.
   *
   * @param arrivals how often the agent came to the end of the corridor
   * @param error the largest |Q − Q*| after learning
   * @param right in how many of the five cells the greedy action is the best
   * @param largest the largest Q at any time; nothing is worth more than 1
   */
  public record Run(int arrivals, double error, int right, double largest) {}

  public record Figures(Run whole, Run noReplay, Run noTarget, Run noEpsilon) {}

  @Override
  public String title() {
    return "DQN step by step, each part switched off to see what breaks";
  }

  @Override
  public Figures run(Page page) {
    try (Device device = page.open()) {
      page.say(
          """

          The corridor again, but Q is a network now, and cells look alike to it: cell 2 is seen as
          (1, 1, 1, 0, 0, 0). What it learns about one it believes of its neighbours. That is what
          networks are for, and what makes Q-learning with them fragile. Three parts hold it up:

              replay   learn from a batch drawn from all that was seen, not from the last step
              target   y = r + γ max Q(s′, ·; θ⁻), with weights θ⁻ that follow θ only now and then
              ε        act at random with probability ε, which falls from 1 to 0.1

                            arrivals   |Q − Q*|   greedy right   largest Q""");
      Run whole = print(page, "all three", learn(device, new Parts(true, true, true)));
      Run noReplay = print(page, "no replay", learn(device, new Parts(false, true, true)));
      Run noTarget = print(page, "no target", learn(device, new Parts(true, false, true)));
      Run noEpsilon = print(page, "no ε", learn(device, new Parts(true, true, false)));
      page.say("");
      page.claim(
          whole.error < 0.01 && whole.right == CELLS - 1,
          "with all three Q is right within %.0e and the greedy policy is the best one",
          whole.error);
      page.claim(
          noReplay.error > 10 * whole.error,
          "without replay Q is off %.0f times as far: the last step overwrites what earlier steps\n"
              + "taught about other cells",
          noReplay.error / whole.error);
      page.claim(
          noTarget.largest > 5,
          "without θ⁻ Q reached %.0f, where nothing is worth more than 1: raising Q(s) raises the\n"
              + "similar Q(s′), and with it the very target, and so on",
          noTarget.largest);
      page.claim(
          noEpsilon.arrivals == 0,
          "without ε the agent never arrived: nothing seems worth anything at first, so it takes\n"
              + "the first action, left, for ever, and never learns that there is a reward");
      return new Figures(whole, noReplay, noTarget, noEpsilon);
    }
  }

  private static Run learn(Device device, Parts on) {
    try (Scope memory = device.scope("run");
        Corridor world = new Corridor(CELLS)) {
      Weights online = new Weights(device, 1);
      Sequential q = network(online);
      for (String last : List.of("q.weight", "q.bias")) { // at first nothing is worth anything
        Tensor p = online.parameters().tensors().get(last);
        p.set(new float[(int) p.shape().size()]);
      }
      Weights frozen = new Weights(device, 1);
      Sequential target = on.target ? network(frozen) : q;
      Adam adam = new Adam(online, Adam.Settings.defaults().withLearningRate(0.005));
      SplittableRandom random = new SplittableRandom(9);
      List<Transition> replay = new ArrayList<>();
      int arrivals = 0;
      double largest = 0;
      float[] s = seen(world.reset().decisions().get(0).observation().vector());
      for (int k = 0; k < STEPS; k++) {
        // 1. act: ε-greedy
        double epsilon = on.epsilon ? Math.max(0.1, 1 - 1.8 * k / STEPS) : 0;
        float[] values = values(device, q, s);
        int a = random.nextDouble() < epsilon ? random.nextInt(2) : values[1] > values[0] ? 1 : 0;
        largest = Math.max(largest, Math.max(values[0], values[1]));
        Turn turn = world.step(new int[] {a});
        // 2. remember: discount is γ, and 0 at an end, behind which nothing comes
        boolean end = !turn.endings().isEmpty();
        arrivals += end ? 1 : 0;
        float r = end ? turn.endings().get(0).reward() : turn.decisions().get(0).reward();
        float[] next = seen(turn.decisions().get(0).observation().vector());
        replay.add(new Transition(s, a, r, end ? 0 : GAMMA, next));
        s = next;
        // 3. learn, from 32 of all transitions or from the one just seen
        if (k >= 64) {
          List<Transition> batch = new ArrayList<>();
          for (int i = 0; i < 32 && on.replay; i++) {
            batch.add(replay.get(random.nextInt(replay.size())));
          }
          update(device, q, target, adam, on.replay ? batch : replay.subList(k, k + 1));
        }
        // 4. now and then: θ⁻ ← θ
        if (on.target && k % SYNC == 0) {
          frozen.copyFrom(online);
        }
      }
      return judged(device, q, arrivals, largest);
    }
  }

  private static Sequential network(Weights weights) {
    return Sequential.on(weights, Shape.of(CELLS)).linear("fc", 64).relu().linear("q", 2).build();
  }

  /** L(θ) = mean Huber(y − Q(s, a; θ)), y = r + discount · max Q(s′, ·; θ⁻); one step of Adam. */
  private static void update(
      Device device, Sequential q, Sequential target, Adam adam, List<Transition> batch) {
    int n = batch.size();
    float[] s = new float[n * CELLS];
    float[] sNext = new float[n * CELLS];
    int[] a = new int[n];
    float[] r = new float[n];
    float[] discount = new float[n];
    for (int i = 0; i < n; i++) {
      Transition t = batch.get(i);
      System.arraycopy(t.s, 0, s, i * CELLS, CELLS);
      System.arraycopy(t.sNext, 0, sNext, i * CELLS, CELLS);
      a[i] = t.a;
      r[i] = t.r;
      discount[i] = t.discount;
    }
    try (Scope step = device.scope("update")) {
      Tensor qNext =
          Tensor.withoutGradient(() -> target.forward(device.tensor(sNext, Shape.of(n, CELLS))));
      Tensor v = qNext.rowMax(); // [n]
      Tensor y = device.tensor(r, Shape.of(n)).add(device.tensor(discount, Shape.of(n)).mul(v));
      Tensor qa =
          q.forward(device.tensor(s, Shape.of(n, CELLS))).pick(device.tensor(a, Shape.of(n)));
      adam.step(new Huber().of(qa, y).backward());
    }
  }

  private static Run judged(Device device, Sequential q, int arrivals, double largest) {
    double error = 0;
    int right = 0;
    for (int cell = 0; cell < CELLS - 1; cell++) {
      float[] oneHot = new float[CELLS];
      oneHot[cell] = 1;
      float[] values = values(device, q, seen(oneHot));
      for (int a = 0; a < 2; a++) {
        error = Math.max(error, Math.abs(values[a] - Corridor.q(CELLS, cell, a, GAMMA)));
      }
      right += values[1] > values[0] ? 1 : 0;
    }
    return new Run(arrivals, error, right, largest);
  }

  private static float[] values(Device device, Sequential q, float[] s) {
    try (Scope act = device.scope("act")) {
      return Tensor.withoutGradient(() -> q.forward(device.tensor(s, Shape.of(1, CELLS))))
          .toFloats();
    }
  }

  /** 1 from the first cell to this one: (0, 0, 1, 0, …) → (1, 1, 1, 0, …). */
  private static float[] seen(float[] oneHot) {
    float[] x = oneHot.clone();
    for (int i = CELLS - 2; i >= 0; i--) {
      x[i] = Math.max(x[i], x[i + 1]);
    }
    return x;
  }

  private static Run print(Page page, String name, Run run) {
    page.say(
        "    %-10s     %9d %10.4f         %d of %d %11.2f",
        name, run.arrivals, run.error, run.right, CELLS - 1, run.largest);
    return run;
  }
}
