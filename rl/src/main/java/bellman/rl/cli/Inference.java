package bellman.rl.cli;

import bellman.engine.Devices;
import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.UnityWorld;
import bellman.rl.observe.ConsoleObserver;
import bellman.rl.observe.ProgressObserver;
import bellman.rl.observe.Terminal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * mlagents-learn's {@code --inference}: a run's policy plays on, at training's time scale and with
 * the chance of testing, and nothing is learned or written, but for the player's logs. It ends when
 * the user or {@code --stop-after} ends it.
 */
final class Inference {
  private final RunConfig config;
  private final Interruption interruption;
  private final Terminal terminal;

  Inference(RunConfig config, Interruption interruption, Terminal terminal) {
    this.config = config;
    this.interruption = interruption;
    this.terminal = terminal;
  }

  Outcome run() throws IOException {
    RunConfig.Folder folder = config.folder();
    RunConfig.Reporting reporting = config.reporting();
    String run = folder.initializeFrom().or(folder::runId).orElseThrow();
    Path weights = SavedWeights.of(folder.resultsDir(), run);
    try (Devices.Opened opened = Wiring.open(config);
        UnityWorld world = Worlds.open(config, SavedWeights.logs(weights, folder.resultsDir()));
        DqnAgent agent = Wiring.agent(opened.device(), world.spec(), Wiring.evaluation(config))) {
      Path used = SavedWeights.load(weights, agent, terminal::warning);
      List<Observer> observers = new ArrayList<>();
      if (!reporting.quiet()) {
        terminal.line(opened.line());
        terminal.line("weights: " + used);
        observers.add(new ConsoleObserver(terminal));
        if (!reporting.noProgress() && folder.stopAfter().isPresent()) {
          observers.add(new ProgressObserver(terminal)); // otherwise there is no end to show
        }
      }
      float timeScale = (float) config.world().timeScale();
      TrainLoop.Plan plan =
          new TrainLoop.Plan(
              0,
              folder.stopAfter().orElse(Long.MAX_VALUE),
              Long.MAX_VALUE,
              reporting.summaryEpisodes(),
              timeScale,
              timeScale);
      try {
        return new TrainLoop(plan, world, agent).run(observers, interruption);
      } finally {
        observers.forEach(Observer::close);
      }
    }
  }
}
