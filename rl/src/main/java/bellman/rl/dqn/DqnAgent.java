package bellman.rl.dqn;

import bellman.engine.Device;
import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.Agent;
import bellman.rl.DivergedException;
import bellman.rl.Phase;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import bellman.rl.replay.Replay;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * DQN as an agent: ε-greedy acting, one begun transition for each of the world's agents, and the
 * schedule of updates and target copies, all counted in agent steps.
 *
 * <p>With {@link DqnSettings#tutorial} the schedules are the tutorial's: ε falls with updates
 * instead of steps, the first update comes one step later, θ⁻ is copied at multiples of the
 * interval that follow an update, masks are ignored, and only the first agent's transitions are
 * kept.
 */
public final class DqnAgent implements Agent {
  /** A state in which an agent stands and the action it took there; −1 before it acted. */
  private static final class Begun {
    private final int frame;
    private final boolean[] forbidden;
    private int action = -1;

    private Begun(int frame, boolean[] forbidden) {
      this.frame = frame;
      this.forbidden = forbidden;
    }
  }

  private final Spec spec;
  private final DqnSettings settings;
  private final Replay replay;
  private final DqnLearner learner;
  private final GreedyPolicy policy;
  private final Exploration exploration;
  private final Map<Integer, Begun> begun = new HashMap<>();
  private OptionalInt only = OptionalInt.empty(); // the tutorial's one agent
  private long step;

  /** With the network that fits the world. */
  public DqnAgent(Device device, Spec spec, DqnSettings settings) {
    this(device, spec, settings, QNetwork.fold(spec, settings.network()));
  }

  private DqnAgent(Device device, Spec spec, DqnSettings settings, int fold) {
    this(
        device,
        spec,
        settings,
        fold,
        weights -> QNetwork.of(weights, spec, settings.network(), fold));
  }

  /**
   * With another network.
   *
   * @param network makes Q(s, ·) from new weights, for pictures that are not folded
   */
  public DqnAgent(
      Device device, Spec spec, DqnSettings settings, Function<Weights, QNetwork> network) {
    this(device, spec, settings, 1, network);
  }

  private DqnAgent(
      Device device,
      Spec spec,
      DqnSettings settings,
      int fold,
      Function<Weights, QNetwork> network) {
    this.spec = spec;
    this.settings = settings;
    replay = new Replay(device, spec, settings.bufferSize(), fold);
    learner = new DqnLearner(device, replay, settings, network);
    policy = new GreedyPolicy(device, learner.online(), replay.frames(), spec);
    exploration = new Exploration(settings.seed());
  }

  public Replay replay() {
    return replay;
  }

  public DqnLearner learner() {
    return learner;
  }

  /** The network's greedy choice, for evaluation. */
  public GreedyPolicy policy() {
    return policy;
  }

  // ── acting ────────────────────────────────────────────────────────────────────────────────────

  @Override
  public void observe(Turn turn) {
    for (Turn.Ending e : turn.endings()) {
      Begun b = begun.remove(e.agent());
      if (b == null) {
        continue;
      }
      int sNext = replay.hold(e.observation(), null);
      float discount = e.interrupted() ? (float) settings.gamma() : 0f;
      complete(e.agent(), b, e.reward(), discount, sNext);
      replay.frames().release(sNext);
    }
    for (Turn.Decision d : turn.decisions()) {
      boolean[] forbidden = mask(d.forbidden());
      int sNext = replay.hold(d.observation(), forbidden);
      Begun b = begun.put(d.agent(), new Begun(sNext, forbidden));
      if (b != null) {
        complete(d.agent(), b, d.reward(), (float) settings.gamma(), sNext);
      }
    }
  }

  private void complete(int agent, Begun b, float r, float discount, int sNext) {
    if (settings.tutorial() && only.isEmpty()) {
      only = OptionalInt.of(agent);
    }
    if (b.action >= 0 && (only.isEmpty() || only.getAsInt() == agent)) {
      replay.add(b.frame, b.action, r, discount, sNext);
    }
    replay.frames().release(b.frame);
  }

  /** What is forbidden; nothing, where everything is: max over no action would be −∞. */
  private boolean[] mask(boolean[] forbidden) {
    if (settings.tutorial() || forbidden == null) {
      return null;
    }
    for (boolean f : forbidden) {
      if (!f) {
        return forbidden;
      }
    }
    return null;
  }

  @Override
  public int[] act(List<Turn.Decision> decisions, Phase phase) {
    int n = decisions.size();
    double epsilon = epsilon(phase);
    exploration.next();
    int[] actions = new int[n];
    boolean[] explores = new boolean[n];
    boolean greedy = false;
    for (int i = 0; i < n; i++) {
      explores[i] = exploration.explores(i, epsilon);
      greedy |= !explores[i];
    }
    if (greedy) {
      actions =
          phase == Phase.TRAINING ? greedyInBegun(decisions) : inPassing(decisions, policy::act);
    }
    for (int i = 0; i < n; i++) {
      if (explores[i]) {
        actions[i] = exploration.choose(i, spec.actions(), mask(decisions.get(i).forbidden()));
      }
      if (phase == Phase.TRAINING) {
        begun.get(decisions.get(i).agent()).action = actions[i];
      }
    }
    return actions;
  }

  private int[] greedyInBegun(List<Turn.Decision> decisions) {
    int[] frames = new int[decisions.size()];
    boolean[][] forbidden = new boolean[frames.length][];
    for (int i = 0; i < frames.length; i++) {
      Begun b = begun.get(decisions.get(i).agent());
      frames[i] = b.frame;
      forbidden[i] = b.forbidden;
    }
    return policy.act(frames, forbidden);
  }

  /** Q(s, ·) in the state of each decision, [n][actions]; NaN where an action is not allowed. */
  public float[][] values(List<Turn.Decision> decisions) {
    float[][] q = inPassing(decisions, policy::choose).q();
    for (int i = 0; i < q.length; i++) {
      boolean[] forbidden = mask(decisions.get(i).forbidden());
      for (int a = 0; forbidden != null && a < forbidden.length; a++) {
        q[i][a] = forbidden[a] ? Float.NaN : q[i][a];
      }
    }
    return q;
  }

  /** What a policy says of the decisions' frames, which are held for no longer than that. */
  private <T> T inPassing(List<Turn.Decision> decisions, BiFunction<int[], boolean[][], T> policy) {
    int[] frames = new int[decisions.size()];
    boolean[][] forbidden = new boolean[frames.length][];
    for (int i = 0; i < frames.length; i++) {
      forbidden[i] = mask(decisions.get(i).forbidden());
      frames[i] = replay.hold(decisions.get(i).observation(), forbidden[i]);
    }
    T said = policy.apply(frames, forbidden);
    for (int frame : frames) {
      replay.frames().release(frame);
    }
    return said;
  }

  @Override
  public void forget() {
    begun.values().forEach(b -> replay.frames().release(b.frame));
    begun.clear();
    only = OptionalInt.empty();
  }

  // ── learning ──────────────────────────────────────────────────────────────────────────────────

  @Override
  public void learn(long step) {
    long before = this.step;
    this.step = step;
    int wanted = Math.max(1, Math.min(settings.bufferInitSteps(), replay.capacity() / 2));
    if (replay.size() < wanted) {
      return; // a resume without its replay fills one first
    }
    if (settings.tutorial()) {
      long index = step - 1; // the tutorial counts from 0
      if (index > Math.max(settings.batchSize(), settings.bufferInitSteps())) {
        learner.update();
        if (crossed(before - 1, index)) {
          learner.syncTarget();
        }
      }
      return;
    }
    if (step <= settings.bufferInitSteps()) {
      return;
    }
    long from = Math.max(before, settings.bufferInitSteps());
    long due =
        (long) (step / settings.stepsPerUpdate()) - (long) (from / settings.stepsPerUpdate());
    for (long i = 0; i < due; i++) {
      learner.update();
    }
    if (crossed(before, step)) {
      learner.syncTarget();
    }
  }

  /** Whether a multiple of the interval lies in (from, to]; several agents may step over it. */
  private boolean crossed(long from, long to) {
    int interval = settings.targetUpdateInterval();
    return Math.floorDiv(to, interval) > Math.floorDiv(from, interval);
  }

  @Override
  public Statistics drainStatistics() {
    return learner.drainStatistics();
  }

  @Override
  public long updates() {
    return learner.updates();
  }

  @Override
  public double epsilon(Phase phase) {
    Epsilon epsilon = settings.epsilon();
    return phase == Phase.TESTING
        ? epsilon.testing()
        : epsilon.at(settings.tutorial() ? learner.updates() : step);
  }

  @Override
  public double learningRate() {
    return learner.learningRate();
  }

  // ── checkpoints ───────────────────────────────────────────────────────────────────────────────

  /**
   * Metadata of a checkpoint: names of the weights in the order in which the network was built, by
   * which PyTorch numbers an optimizer's parameters. The file sorts its arrays by name.
   */
  public static final String PARAMETERS = "parameters";

  private static final String TARGET = "target.";
  private static final String ADAM_M = "optimizer.exp_avg.";
  private static final String ADAM_V = "optimizer.exp_avg_sq.";
  private static final String STATISTICS = "statistics";

  /**
   * θ by name, in PyTorch's order.
   *
   * @throws DivergedException if a weight is not finite: such a state is not worth keeping
   */
  public Map<String, Values> weights() {
    Map<String, Values> weights = learner.onlineWeights().save();
    weights.forEach(
        (name, values) -> {
          for (float w : values.floats()) {
            if (!Float.isFinite(w)) {
              throw new DivergedException(
                  "training diverged: at step "
                      + step
                      + " "
                      + name
                      + " holds "
                      + w
                      + "; the last checkpoint is kept. Lower --learning-rate, or set"
                      + " --max-gradient-norm.");
            }
          }
        });
    return weights;
  }

  /**
   * Writes θ under PyTorch's names, θ⁻ and Adam's averages under prefixes, counters as metadata.
   *
   * @throws DivergedException if a weight is not finite
   */
  public void save(SafetensorsWriter file) {
    Map<String, Values> weights = weights();
    Values.write(file, "", weights);
    Values.write(file, TARGET, learner.targetWeights().save());
    Adam.State adam = learner.adam().state();
    Values.write(file, ADAM_M, adam.m());
    Values.write(file, ADAM_V, adam.v());
    DqnLearner.Counts counts = learner.counts();
    file.metadata(PARAMETERS, String.join(",", weights.keySet()))
        .metadata("optimizer.step", Integer.toString(adam.t()))
        .metadata("updates", Long.toString(counts.updates()))
        .metadata(STATISTICS, spelt(counts))
        .metadata("agent_step", Long.toString(step))
        .metadata("random.seed", Long.toString(settings.seed()))
        .metadata("random.sampling", Integer.toString(learner.sampling().step()))
        .metadata("random.exploration", Integer.toString(exploration.state()));
  }

  /**
   * θ in a checkpoint, in the order in which the network was built, or in any file that holds a
   * network's weights and nothing else.
   */
  public static Map<String, Values> weights(Safetensors file) throws IOException {
    Map<String, Values> weights = Values.read(file, "");
    weights.keySet().removeIf(n -> n.startsWith(TARGET) || n.startsWith("optimizer."));
    String order = file.metadata().get(PARAMETERS);
    if (order == null) {
      return weights;
    }
    Map<String, Values> ordered = new LinkedHashMap<>();
    for (String name : order.split(",")) {
      if (weights.containsKey(name)) {
        ordered.put(name, weights.get(name));
      }
    }
    if (ordered.size() != weights.size()) {
      throw new IOException(
          file.path() + ": its parameters are " + weights.keySet() + ", its metadata say " + order);
    }
    return ordered;
  }

  /** Adam's state in a checkpoint, by the names of {@link #weights}. */
  public static Adam.State adam(Safetensors file) throws IOException {
    return new Adam.State(
        (int) counter(file, "optimizer.step"),
        Values.read(file, ADAM_M),
        Values.read(file, ADAM_V));
  }

  /** Takes the weights alone: θ⁻ is set to θ, everything else begins anew. */
  public void loadWeights(Map<String, Values> weights) {
    learner.onlineWeights().load(weights);
    learner.syncTarget();
  }

  /**
   * Takes what another program has trained, and goes on from the step at which this one would have
   * made as many updates as its Adam has: none at step 0, update k of the schedule after that. θ⁻
   * is set to θ.
   *
   * @return that step
   * @throws IllegalArgumentException listing what differs from this network's parameters
   */
  public long load(Map<String, Values> weights, Adam.State adam) {
    loadWeights(weights);
    learner.adam().restore(adam);
    learner.restore(DqnLearner.Counts.drained(adam.t()));
    step = adam.t() == 0 ? 0 : stepOf(adam.t());
    forget();
    return step;
  }

  private long stepOf(long update) {
    int begin = settings.bufferInitSteps();
    double each = settings.stepsPerUpdate();
    return settings.tutorial()
        ? Math.max(settings.batchSize(), begin) + 1 + update
        : (long) Math.ceil(((long) (begin / each) + update) * each);
  }

  /** Goes back to a saved state; the replay is not part of it, see {@link #loadReplay}. */
  public void load(Safetensors file) throws IOException {
    loadWeights(weights(file));
    learner.targetWeights().load(Values.read(file, TARGET));
    learner.adam().restore(adam(file));
    learner.restore(counts(file));
    learner.sampling().restore((int) counter(file, "random.sampling"));
    exploration.restore((int) counter(file, "random.exploration"));
    step = counter(file, "agent_step");
    forget();
  }

  /** The first version of checkpoints kept nothing of what was not summed up yet. */
  private static DqnLearner.Counts counts(Safetensors file) throws IOException {
    long updates = counter(file, "updates");
    String statistics = file.metadata().get(STATISTICS);
    if (statistics == null) {
      return DqnLearner.Counts.drained(updates);
    }
    String[] words = statistics.split(" ");
    float[] gathered = new float[DqnLearner.Counts.GATHERED];
    if (words.length != 1 + gathered.length) {
      throw new IOException(file.path() + ": damaged: metadata statistics is '" + statistics + "'");
    }
    for (int i = 0; i < gathered.length; i++) {
      gathered[i] = Float.parseFloat(words[i + 1]);
    }
    return new DqnLearner.Counts(updates, Long.parseLong(words[0]), gathered);
  }

  private static String spelt(DqnLearner.Counts counts) {
    StringBuilder words = new StringBuilder(Long.toString(counts.drained()));
    for (float value : counts.gathered()) {
      words.append(' ').append(value);
    }
    return words.toString();
  }

  /**
   * Writes the replay and the transitions that have begun. With that and what {@link #save} writes,
   * the agent goes on as if it had never stopped.
   */
  public void saveReplay(DataOutputStream out) throws IOException {
    List<Integer> agents = begun.keySet().stream().sorted().toList();
    replay.save(out, agents.stream().mapToInt(agent -> begun.get(agent).frame).toArray());
    for (int agent : agents) {
      Begun b = begun.get(agent);
      out.writeInt(agent);
      out.writeInt(b.action);
      out.writeBoolean(b.forbidden != null);
      for (int a = 0; b.forbidden != null && a < spec.actions(); a++) {
        out.writeBoolean(b.forbidden[a]);
      }
    }
    out.writeInt(only.orElse(-1));
  }

  /**
   * Takes back what {@link #saveReplay} wrote, after {@link #load}.
   *
   * @param in ends with it
   * @throws IOException if it is not whole or does not fit; the replay is then empty
   */
  public void loadReplay(DataInputStream in) throws IOException {
    forget();
    try {
      for (int frame : replay.restore(in)) {
        int agent = in.readInt();
        int action = in.readInt();
        boolean[] forbidden = in.readBoolean() ? new boolean[spec.actions()] : null;
        for (int a = 0; forbidden != null && a < forbidden.length; a++) {
          forbidden[a] = in.readBoolean();
        }
        Begun b = new Begun(frame, forbidden);
        b.action = action;
        begun.put(agent, b);
      }
      int agent = in.readInt();
      only = agent < 0 ? OptionalInt.empty() : OptionalInt.of(agent);
      if (in.read() >= 0) { // a checksum at the end is looked at only now
        throw new IOException("it goes on after its end");
      }
    } catch (IOException | RuntimeException e) {
      begun.clear();
      only = OptionalInt.empty();
      replay.clear();
      throw e;
    }
  }

  private static long counter(Safetensors file, String key) throws IOException {
    String value = file.metadata().get(key);
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IOException(
          file.path()
              + ": no checkpoint of Bellman: metadata "
              + key
              + " is "
              + (value == null ? "missing" : "'" + value + "'"));
    }
  }

  @Override
  public void close() {
    policy.close();
    learner.close();
  }
}
