package bellman.rl;

import bellman.rl.env.Environment;
import bellman.rl.env.Turn;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
   * What a checkpoint keeps of the loop.
   *
   * @param seconds spent so far
   */
  public record State(long step, int episodes, double seconds) {}

  /** One agent's running episode. */
  private static final class Running {
    private double sum;
    private int length;
  }

  private final Plan plan;
  private final Environment environment;
  private final Agent agent;
  private final Map<Integer, Running> running = new HashMap<>();
  private final Window window = new Window();
  private List<Observer> observers = List.of();
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

  /** Where the run stands. */
  public State state() {
    return new State(step, episodes, seconds());
  }

  /** Goes on from a saved state; before {@link #run}. */
  public void restore(State state) {
    step = state.step;
    episodes = state.episodes;
    before = state.seconds;
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
    Turn turn = environment.reset();
    begin(turn, phase);
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
        running.computeIfAbsent(d.agent(), a -> new Running()).length++;
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
    if (window.episodes > 0) {
      summarize(phase);
    } else {
      learned(); // not to be told as the next phase's
    }
    return reason;
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
      window.add(episode);
      observers.forEach(o -> o.episodeEnded(episode));
      if (episodes % plan.summaryEpisodes == 0) {
        summarize(phase);
      }
    }
    for (Turn.Decision d : turn.decisions()) {
      Running r = running.get(d.agent());
      if (r != null) {
        r.sum += d.reward();
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
    window.clear();
    observers.forEach(o -> o.summarized(summary));
  }

  private double seconds() {
    return before + (began == 0 ? 0 : (System.nanoTime() - began) / 1e9);
  }

  /** Episodes since the last summary. */
  private static final class Window {
    private int episodes;
    private double sum;
    private double squares;
    private long length;

    void add(Episode e) {
      episodes++;
      sum += e.agentReturn();
      squares += e.agentReturn() * e.agentReturn();
      length += e.length();
    }

    double mean() {
      return sum / episodes;
    }

    double std() {
      return Math.sqrt(Math.max(0, squares / episodes - mean() * mean()));
    }

    void clear() {
      episodes = 0;
      sum = 0;
      squares = 0;
      length = 0;
    }
  }
}
