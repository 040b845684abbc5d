package bellman.rl.cli;

import bellman.engine.Device;
import bellman.engine.Devices;
import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.Spec;
import bellman.rl.env.UnityWorld;
import bellman.rl.observe.ProgressObserver;
import bellman.rl.observe.Tally;
import bellman.rl.observe.Terminal;
import bellman.rl.onnx.OnnxPolicy;
import bellman.rl.picture.FilmedWorld;
import bellman.rl.run.Checkpoint;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs saved weights for a number of episodes and says how they did. */
final class Evaluation {
  /** A film longer than this nobody watches to its end. */
  private static final int PICTURES = 1000;

  private final RunConfig config;
  private final EvaluateOptions options;
  private final Interruption interruption;
  private final Terminal terminal;

  Evaluation(
      RunConfig config, EvaluateOptions options, Interruption interruption, Terminal terminal) {
    this.config = config;
    this.options = options;
    this.interruption = interruption;
    this.terminal = terminal;
  }

  Outcome run(Path weights) throws IOException {
    Path logs = SavedWeights.logs(weights, config.folder().resultsDir());
    Tally tally = new Tally(options.episodes());
    try (Devices.Opened opened = Wiring.open(config);
        UnityWorld unity = Worlds.open(config, logs);
        DqnAgent agent = agent(opened.device(), unity.spec(), weights);
        FilmedWorld world =
            new FilmedWorld(unity, agent::values, unity.labels(), terminal::warning)) {
      Path used = SavedWeights.load(weights, agent, terminal::warning);
      if (!config.reporting().quiet()) {
        terminal.line(opened.line());
        terminal.line("weights: " + used);
      }
      film(world);
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
                .run(observers, () -> interruption.getAsBoolean() || tally.full());
      } finally {
        observers.forEach(Observer::close);
      }
      report(tally, unity.labels().goals(), used);
      return interruption.getAsBoolean() ? outcome : outcome.completed();
    }
  }

  /** The agent for a world; where the weights are a model's, with the model's network. */
  private DqnAgent agent(Device device, Spec world, Path weights) {
    Optional<OnnxPolicy> model = SavedWeights.model(weights);
    if (model.isEmpty()) {
      return Wiring.agent(device, world, Wiring.evaluation(config));
    }
    if (!model.get().signature().equals(world.signature())) {
      throw new Failure(
          "%s is for another player: it has %s; %s here has %s. Name the build it is for by --env."
              .formatted(weights, model.get().signature(), world.name(), world.signature()));
    }
    return Wiring.agent(device, world, Wiring.evaluation(config), model.get()::network);
  }

  private void film(FilmedWorld world) {
    try {
      options.gif().ifPresent(file -> world.film(file, options.gifEpisodes(), PICTURES));
    } catch (IllegalArgumentException e) {
      throw new Failure("--gif: " + e.getMessage(), e);
    }
  }

  private void report(Tally tally, List<String> goals, Path used) throws IOException {
    if (options.json().isPresent()) {
      String json = json(tally, goals, used).toPrettyString();
      if (options.jsonAlone()) {
        terminal.line(json);
        return;
      }
      Files.writeString(options.jsonFile().orElseThrow(), json + "\n");
    }
    terminal.line(tally.line());
    if (!goals.isEmpty() && tally.all().episodes() > 0) {
      tally.table(goals).forEach(terminal::line);
    }
  }

  // ── JSON ──────────────────────────────────────────────────────────────────────────────────────

  /** Results, then where they come from. A figure that has no value is null. */
  private ObjectNode json(Tally tally, List<String> goals, Path used) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    put(root, tally.all());
    for (int goal = 0; goal < goals.size(); goal++) {
      ObjectNode row = root.withArray("/goals").addObject();
      row.put("goal", goal).put("name", goals.get(goal));
      put(row, tally.of(goal));
    }
    root.put("epsilon", config.evaluation().epsilonEval());
    root.put("seed", config.compute().seed());
    root.put("weights", used.toString());
    Checkpoint.step(used).ifPresentOrElse(s -> root.put("step", s), () -> root.putNull("step"));
    ObjectNode settings = root.putObject("settings");
    config.texts().forEach(settings::put);
    return root;
  }

  private static void put(ObjectNode node, Tally.Figures f) {
    node.put("episodes", f.episodes());
    put(node, "mean_return", f.meanReturn());
    put(node, "standard_error", f.standardError());
    put(node, "std_return", f.std());
    put(node, "min_return", f.lowest());
    put(node, "max_return", f.highest());
    put(node, "mean_length", f.meanLength());
    node.put("min_length", f.shortest()).put("max_length", f.longest());
    put(node, "success_rate", f.part(f.succeeded()));
    put(node, "failure_rate", f.part(f.failed()));
    put(node, "time_out_rate", f.part(f.timedOut()));
  }

  private static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }
}
