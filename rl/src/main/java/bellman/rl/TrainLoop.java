package bellman.rl;

import bellman.rl.env.Environment;
import bellman.rl.env.Turn;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/**
 * Steps an environment and an agent, first in training, then in testing, and tells observers what
 * happened. All figures of a run count agent steps: one action of one agent is one step.
 */
public final class TrainLoop {
  /**
   * How long to run.
   *
   * @param steps of training; fixes every schedule
   * @param testSteps after it, without learning
   * @param stopAfter end early, as if interrupted, once this many steps were taken
   * @param summaryEpisodes episodes in a window
   * @param timeScale simulated over real time in training, and {@code testTimeScale} in testing
   */
  public record Plan(
      long steps,
      long testSteps,
      long stopAfter,
      int summaryEpisodes,
      float timeScale,
      float testTimeScale) {
    public Plan {
      if (steps < 0 || testSteps < 0 || stopAfter < 1 || summaryEpisodes < 1) {
        throw new IllegalArgumentException(
            "plan: steps and test steps are 0 or more, stopAfter and summary episodes 1 or more;"
                + " got "
                + steps
                + ", "
                + testSteps
                + ", "
                + stopAfter
                + " and "
                + summaryEpisodes);
      }
    }
  }

  /**
   * What a checkpoint keeps of the loop and of its world.
   *
   * @param seconds spent so far
   * @param testSum of the returns of the test phase's episodes
   * @param window episodes since the last summary
   * @param phase whose episodes go on; empty before and between phases
   * @param running the episodes that go on, by agent
   * @param world {@link Environment#state}
   */
  public record State(
      long step,
      int episodes,
      double seconds,
      int testEpisodes,
      double testSum,
      Window window,
      Optional<Phase> phase,
      Map<Integer, Running> running,
      Optional<byte[]> world) {
    /** Between episodes and windows, before the test. */
    public static State at(long step, int episodes, double seconds) {
      return new State(
          step,
          episodes,
          seconds,
          0,
          0,
          Window.EMPTY,
          Optional.empty(),
          Map.of(),
          Optional.empty());
    }

    /** The same without its world: that begins anew, and open episodes are dropped. */
    public State anew() {
      return new State(
          step,
          episodes,
          seconds,
          testEpisodes,
          testSum,
          window,
          Optional.empty(),
          Map.of(),
          Optional.empty());
    }
  }

  /** One agent's running episode. */
  public record Running(double sum, int length) {
    private static final Running NONE = new Running(0, 0);
  }

  /** Episodes since the last summary: their number, and sums of returns, squares and lengths. */
  public record Window(int episodes, double sum, double squares, long length) {
    public static final Window EMPTY = new Window(0, 0, 0, 0);

    private Window with(Episode e) {
      double r = e.agentReturn();
      return new Window(episodes + 1, sum + r, squares + r * r, length + e.length());
    }

    private double mean() {
      return sum / episodes;
    }

    private double std() {
      return Math.sqrt(Math.max(0, squares / episodes - mean() * mean()));
    }
  }

  private final Plan plan;
  private final Environment environment;
  private final Agent agent;
  private final Map<Integer, Running> running = new TreeMap<>();
  private Window window = Window.EMPTY;
  private List<Observer> observers = List.of();
  private Optional<Phase> going = Optional.empty(); // the phase whose episodes go on
  private Turn resumed; // where it goes on after a restore
  private boolean whole = true; // false once the world has failed
  private long step;
  private int episodes;
  private int testEpisodes;
  private double testSum;
  private double before; // seconds of the runs that this one goes on from
  private long began;

  public TrainLoop(Plan plan, Environment environment, Agent agent) {
    this.plan = plan;
    this.environment = environment;
    this.agent = agent;
  }

  /** Agent steps taken. */
  public long step() {
    return step;
  }

  /** Where the run stands, between two turns; after its world has failed without that. */
  public State state() {
    State state =
        new State(
            step,
            episodes,
            seconds(),
            testEpisodes,
            testSum,
            window,
            going,
            Map.copyOf(running),
            whole ? environment.state() : Optional.empty());
    return state.world.isPresent() ? state : state.anew();
  }

  /**
   * Goes on from a saved state; before {@link #run}. With a world's state and an agent that has all
   * of its own, replay and begun transitions included, the run goes on as if it had never stopped;
   * otherwise the world is reset, and what its agents were in is dropped.
   *
   * @throws IllegalArgumentException if the world cannot go on from its state; nothing has changed
   *     then
   */
  public void restore(State state) {
    resumed = state.world.map(environment::resume).orElse(null);
    step = state.step;
    episodes = state.episodes;
    before = state.seconds;
    testEpisodes = state.testEpisodes;
    testSum = state.testSum;
    window = state.window;
    going = state.world.isPresent() ? state.phase : Optional.empty();
    running.clear();
    running.putAll(state.running);
  }

  /**
   * Runs to the end of the plan.
   *
   * @param watching are told, and stay the caller's to close
   * @param interrupted asked once a turn; true ends the run after that turn
   */
  public Outcome run(List<Observer> watching, BooleanSupplier interrupted) {
    observers = List.copyOf(watching);
    began = System.nanoTime();
    Outcome.Reason reason = Outcome.Reason.COMPLETED;
    try {
      if (step < plan.steps) {
        reason = run(Phase.TRAINING, plan.steps, plan.timeScale, interrupted);
      }
      long end = plan.steps + plan.testSteps;
      if (reason == Outcome.Reason.COMPLETED && step < end) {
        reason = run(Phase.TESTING, end, plan.testTimeScale, interrupted);
      }
    } catch (DivergedException e) {
      throw e;
    } catch (RuntimeException e) {
      whole = false;
      if (!cameWithAnInterrupt(interrupted)) {
        throw e;
      }
      reason = Outcome.Reason.INTERRUPTED;
    }
    Outcome outcome =
        new Outcome(
            reason,
            step,
            episodes,
            agent.updates(),
            testEpisodes,
            testEpisodes == 0 ? Double.NaN : testSum / testEpisodes,
            seconds() - before);
    observers.forEach(o -> o.finished(outcome));
    return outcome;
  }

  /** Ctrl-C in a terminal reaches the player too, and its death may be noticed first. */
  private static boolean cameWithAnInterrupt(BooleanSupplier interrupted) {
    try {
      for (int i = 0; i < 10 && !interrupted.getAsBoolean(); i++) {
        Thread.sleep(50);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return interrupted.getAsBoolean();
  }

  private Outcome.Reason run(Phase phase, long end, float timeScale, BooleanSupplier interrupted) {
    observers.forEach(o -> o.phaseBegan(phase, step));
    environment.timeScale(timeScale);
    Turn turn = resumed;
    if (!going.equals(Optional.of(phase))) {
      turn = environment.reset();
      begin(turn, phase);
      going = Optional.of(phase);
    }
    resumed = null;
    Outcome.Reason reason = Outcome.Reason.COMPLETED;
    while (step < end) {
      if (interrupted.getAsBoolean()) {
        reason = Outcome.Reason.INTERRUPTED;
        break;
      }
      if (step >= plan.stopAfter) {
        reason = Outcome.Reason.STOPPED;
        break;
      }
      int[] actions = agent.act(turn.decisions(), phase);
      for (Turn.Decision d : turn.decisions()) {
        Running r = running.getOrDefault(d.agent(), Running.NONE);
        running.put(d.agent(), new Running(r.sum, r.length + 1));
      }
      turn = environment.step(actions);
      if (turn.restarted()) {
        begin(turn, phase); // nobody knows what the actions led to: they are no steps
        continue;
      }
      step += actions.length;
      if (phase == Phase.TRAINING) {
        agent.observe(turn);
        agent.learn(step);
      }
      account(turn, phase);
      Progress progress =
          new Progress(
              phase,
              step,
              plan.steps + plan.testSteps,
              agent.updates(),
              episodes,
              agent.epsilon(phase));
      observers.forEach(o -> o.progressed(progress));
    }
    if (reason == Outcome.Reason.COMPLETED) {
      going = Optional.empty();
      if (window.episodes > 0) {
        summarize(phase);
      } else {
        learned(); // not to be told as the next phase's
      }
    }
    return reason; // a window that is open at a stop goes on when the run does
  }

  /** From this turn on; what was going on before will not go on. */
  private void begin(Turn turn, Phase phase) {
    running.clear();
    agent.forget();
    if (phase == Phase.TRAINING) {
      agent.observe(turn);
    }
  }

  private void account(Turn turn, Phase phase) {
    for (Turn.Ending e : turn.endings()) {
      Running r = running.remove(e.agent());
      if (r == null) {
        continue; // it ended without ever having acted
      }
      double sum = r.sum + e.reward();
      episodes++;
      if (phase == Phase.TESTING) {
        testEpisodes++;
        testSum += sum;
      }
      Episode episode =
          new Episode(
              episodes,
              e.agent(),
              phase,
              e.observation().goal(),
              sum,
              r.length,
              e.interrupted(),
              step);
      window = window.with(episode);
      observers.forEach(o -> o.episodeEnded(episode));
      if (episodes % plan.summaryEpisodes == 0) {
        summarize(phase);
      }
    }
    for (Turn.Decision d : turn.decisions()) {
      Running r = running.get(d.agent());
      if (r != null) {
        running.put(d.agent(), new Running(r.sum + d.reward(), r.length));
      }
    }
  }

  /** What the updates since the last call found. */
  private Agent.Statistics learned() {
    Agent.Statistics learned = agent.drainStatistics();
    if (learned.updates() > 0 && !Double.isFinite(learned.loss())) {
      throw new DivergedException(
          "training diverged: the mean loss of the last "
              + learned.updates()
              + " updates before step "
              + step
              + " is "
              + learned.loss()
              + "; the last checkpoint is kept. Lower --learning-rate, or set"
              + " --max-gradient-norm.");
    }
    return learned;
  }

  private void summarize(Phase phase) {
    Agent.Statistics learned = learned();
    Summary summary =
        new Summary(
            phase,
            step,
            episodes,
            window.episodes,
            window.mean(),
            window.std(),
            (double) window.length / window.episodes,
            learned.updates(),
            learned.loss(),
            learned.meanQ(),
            learned.meanTarget(),
            learned.largestGradient(),
            agent.epsilon(phase),
            agent.learningRate(),
            seconds());
    window = Window.EMPTY;
    observers.forEach(o -> o.summarized(summary));
  }

  private double seconds() {
    return before + (began == 0 ? 0 : (System.nanoTime() - began) / 1e9);
  }
}
