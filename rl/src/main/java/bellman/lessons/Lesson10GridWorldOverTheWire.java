package bellman.lessons;

import bellman.unity.ActionTuple;
import bellman.unity.BehaviorSpec;
import bellman.unity.DecisionSteps;
import bellman.unity.ObservationSpec;
import bellman.unity.ObservationType;
import bellman.unity.TerminalSteps;
import bellman.unity.UnityEnvironment;
import bellman.unity.player.GridWorldPicture;
import bellman.unity.player.GridWorldProcess;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;

/** What a trainer and a Unity player say to each other, and a policy that only reads pictures. */
public final class Lesson10GridWorldOverTheWire implements Lesson {
  private static final int AGENTS = 9;
  private static final int GRID = 5;

  private static final int STEPS = 150;

  /**
   * Episodes that ended within {@code STEPS} steps of all agents, and the mean of their returns.
   */
  public record Played(int episodes, double meanReturn) {}

  public record Figures(Played atRandom, Played reading) {}

  @Override
  public String title() {
    return "GridWorld over the wire";
  }

  @Override
  public Figures run(Page page) {
    page.say(
        """
        The trainer opens a port and waits; a player calls it, as a Unity build does when it is
        started with --mlagents-port. Here the player is our GridWorld with %d areas, in this process
        but over TCP and with the same messages.
        """,
        AGENTS);
    try (UnityEnvironment env =
        UnityEnvironment.listen(0)
            .seed(10)
            .onListening(Lesson10GridWorldOverTheWire::start)
            .open()) {
      env.reset();
      BehaviorSpec spec = env.behaviorSpecs().values().iterator().next();
      page.say("    behavior     %s", spec.name());
      int picture = -1;
      int goal = -1;
      for (int i = 0; i < spec.observations().size(); i++) {
        ObservationSpec o = spec.observations().get(i);
        page.say("    observation  %s %s %s", o.name(), o.shape(), o.type());
        picture = o.isVisual() ? i : picture;
        goal = o.type() == ObservationType.GOAL_SIGNAL ? i : goal;
      }
      page.say(
          "    actions      one of %s (stay, up, down, left, right)\n", spec.actions().branches());

      SplittableRandom random = new SplittableRandom(10);
      Played atRandom = play(env, spec, agent -> random.nextInt(5));
      int p = picture;
      int g = goal;
      Played reading =
          play(
              env,
              spec,
              agent -> {
                DecisionSteps d = env.steps(spec.name()).decisions();
                boolean plus = d.observation(g).values(agent)[0] == 1; // one-hot: plus, ex
                return towards(d.observation(p).pixels(agent), plus);
              });
      page.claim(
          atRandom.meanReturn < 0,
          "random play: mean return %.2f over %d episodes",
          atRandom.meanReturn,
          atRandom.episodes);
      page.claim(
          reading.meanReturn > 0.9,
          "a policy that reads the picture and the goal: %.3f over %d episodes",
          reading.meanReturn,
          reading.episodes);
      page.say(
          """

          %d exchanges, each one message and one answer: what all agents see, their rewards and who
          has ended; then their actions. Between two calls the player stands still. The second policy
          knows nothing but bytes and the goal signal, so they mean what they should; it was written
          by hand in forty lines. A DQN has to find it (./bellman train).""",
          2 * STEPS);
      return new Figures(atRandom, reading);
    }
  }

  /** A player, on a thread of its own with a command line as Unity's. */
  private static void start(int port) {
    String[] arguments = {"--mlagents-port", "" + port, "--agents", "" + AGENTS};
    Thread player = new Thread(() -> GridWorldProcess.run(arguments), "player");
    player.setDaemon(true);
    player.start();
  }

  /**
   * The loop that every trainer has; the policy gives the action of agent 0, 1, … of those waiting.
   */
  private static Played play(UnityEnvironment env, BehaviorSpec spec, IntUnaryOperator policy) {
    env.reset();
    double[] running = new double[AGENTS];
    double sum = 0;
    int episodes = 0;
    for (int k = 0; k < STEPS; k++) {
      DecisionSteps waiting = env.steps(spec.name()).decisions();
      int[] actions = new int[waiting.size()];
      for (int i = 0; i < actions.length; i++) {
        running[waiting.agentId(i) % AGENTS] += waiting.reward(i);
        actions[i] = policy.applyAsInt(i);
      }
      if (actions.length > 0) {
        env.setActions(spec.name(), ActionTuple.oneBranch(actions));
      }
      env.step();
      TerminalSteps ended = env.steps(spec.name()).terminals();
      for (int i = 0; i < ended.size(); i++) {
        int agent = ended.agentId(i) % AGENTS;
        sum += running[agent] + ended.reward(i);
        running[agent] = 0;
        episodes++;
      }
    }
    return new Played(episodes, sum / episodes);
  }

  /** One step towards the goal and not onto the other object; the longer way first. */
  private static int towards(byte[] rgb, boolean plus) {
    int[] agent = cell(rgb, GridWorldPicture.AGENT);
    int[] goal = cell(rgb, plus ? GridWorldPicture.PLUS : GridWorldPicture.EX);
    int[] other = cell(rgb, plus ? GridWorldPicture.EX : GridWorldPicture.PLUS);
    int dx = goal[0] - agent[0];
    int dz = goal[1] - agent[1];
    int across = dx > 0 ? 4 : 3;
    int along = dz > 0 ? 1 : 2;
    int[] wishes =
        Math.abs(dx) >= Math.abs(dz)
            ? new int[] {across, dz == 0 ? 1 : along, dz == 0 ? 2 : across}
            : new int[] {along, dx == 0 ? 4 : across, dx == 0 ? 3 : along};
    for (int action : wishes) {
      int x = agent[0] + (action == 4 ? 1 : action == 3 ? -1 : 0);
      int z = agent[1] + (action == 1 ? 1 : action == 2 ? -1 : 0);
      boolean inside = x >= 0 && x < GRID && z >= 0 && z < GRID;
      if (inside && !(x == other[0] && z == other[1])) {
        return action;
      }
    }
    return 0;
  }

  /** The cell (x to the right, z upwards) in whose middle the pixels of a colour lie. */
  private static int[] cell(byte[] rgb, int colour) {
    double x = 0;
    double y = 0;
    int n = 0;
    for (int i = 0; i < rgb.length; i += 3) {
      int pixel = (rgb[i] & 255) << 16 | (rgb[i + 1] & 255) << 8 | rgb[i + 2] & 255;
      if (pixel == colour) {
        x += i / 3 % GridWorldPicture.WIDTH;
        y += i / 3 / GridWorldPicture.WIDTH;
        n++;
      }
    }
    // 64 pixels are the grid; on each side of it stand 10 of wall.
    int right = (int) ((x / n + 0.5 - 10) * GRID / 64);
    int down = (int) ((y / n + 0.5) * GRID / 64);
    return new int[] {right, GRID - 1 - down};
  }
}
