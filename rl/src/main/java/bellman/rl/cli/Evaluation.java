package bellman.rl.cli;

import bellman.engine.Devices;
import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.UnityWorld;
import bellman.rl.observe.ProgressObserver;
import bellman.rl.observe.Terminal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Runs saved weights for a number of episodes and says how they did. */
final class Evaluation {
  private final RunConfig config;
  private final int episodes;
  private final Interruption interruption;
  private final Terminal terminal;

  Evaluation(RunConfig config, int episodes, Interruption interruption, Terminal terminal) {
    this.config = config;
    this.episodes = episodes;
    this.interruption = interruption;
    this.terminal = terminal;
  }

  /** What the episodes had in common. */
  private final class Tally implements Observer {
    private int ended;
    private int interrupted;
    private int positive;
    private double sum;
    private double squares;
    private long length;

    @Override
    public void episodeEnded(Episode e) {
      if (ended == episodes) {
        return;
      }
      ended++;
      interrupted += e.interrupted() ? 1 : 0;
      positive += e.agentReturn() > 0 ? 1 : 0;
      sum += e.agentReturn();
      squares += e.agentReturn() * e.agentReturn();
      length += e.length();
    }

    @Override
    public String toString() {
      double mean = sum / ended;
      double std = Math.sqrt(Math.max(0, squares / ended - mean * mean));
      return String.format(
          Locale.ROOT,
          "%d %s: mean return %.3f ± %.3f (standard error), mean length %.2f, %.1f %% with a"
              + " positive return, %.1f %% cut off by a time limit",
          ended,
          ended == 1 ? "episode" : "episodes",
          mean,
          std / Math.sqrt(ended),
          (double) length / ended,
          100.0 * positive / ended,
          100.0 * interrupted / ended);
    }
  }

  Outcome run(Path weights) {
    Path logs = config.folder().resultsDir();
    try (Devices.Opened opened = Wiring.open(config);
        UnityWorld world = Worlds.open(config, logs);
        DqnAgent agent = Wiring.agent(opened.device(), world.spec(), Wiring.evaluation(config))) {
      Path used = SavedWeights.load(weights, agent, terminal::warning);
      if (!config.reporting().quiet()) {
        terminal.line(opened.line());
        terminal.line("weights: " + used);
      }
      Tally tally = new Tally();
      List<Observer> observers = new ArrayList<>(List.of(tally));
      if (!config.reporting().quiet() && !config.reporting().noProgress()) {
        observers.add(new ProgressObserver(terminal));
      }
      TrainLoop.Plan plan =
          new TrainLoop.Plan(
              0,
              Long.MAX_VALUE / 2,
              Long.MAX_VALUE,
              Integer.MAX_VALUE,
              1,
              (float) config.world().timeScale());
      Outcome outcome;
      try {
        outcome =
            new TrainLoop(plan, world, agent)
                .run(observers, () -> interruption.getAsBoolean() || tally.ended >= episodes);
      } finally {
        observers.forEach(Observer::close);
      }
      terminal.line(tally.ended == 0 ? "no episode ended" : tally.toString());
      return interruption.getAsBoolean() ? outcome : outcome.completed();
    }
  }
}
