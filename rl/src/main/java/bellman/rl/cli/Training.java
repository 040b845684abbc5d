package bellman.rl.cli;

import bellman.engine.Device;
import bellman.engine.Devices;
import bellman.rl.DivergedException;
import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.Spec;
import bellman.rl.env.UnityWorld;
import bellman.rl.observe.CheckpointObserver;
import bellman.rl.observe.ConsoleObserver;
import bellman.rl.observe.CsvObserver;
import bellman.rl.observe.MlagentsLine;
import bellman.rl.observe.ProgressObserver;
import bellman.rl.observe.Tally;
import bellman.rl.observe.TensorBoardObserver;
import bellman.rl.observe.Terminal;
import bellman.rl.onnx.OnnxWriter;
import bellman.rl.picture.CurvesObserver;
import bellman.rl.picture.FilmObserver;
import bellman.rl.picture.FilmedWorld;
import bellman.rl.run.Checkpoint;
import bellman.rl.run.CheckpointFiles;
import bellman.rl.run.ModelFiles;
import bellman.rl.run.RunFolder;
import bellman.rl.run.RunFolderException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * A training from its settings to its outcome. Opens, in this order, the device, the run's folder
 * and the world, so that the cheapest mistakes show first; closes them whatever happens.
 */
final class Training {
  private static final DateTimeFormatter NOW = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  /** Bytes of a replay that is not saved in the blink of an eye. */
  private static final long LARGE = 1_000_000_000;

  private final RunConfig config;
  private final Interruption interruption;
  private final Terminal terminal;
  private final Consumer<String> say;
  private final Consumer<String> warn;

  Training(RunConfig config, Interruption interruption, Terminal terminal) {
    this.config = config;
    this.interruption = interruption;
    this.terminal = terminal;
    this.say = config.reporting().quiet() ? line -> {} : terminal::line;
    this.warn = terminal::warning;
  }

  Outcome run() throws IOException {
    RunConfig.Folder settings = config.folder();
    warnWithoutUpdates();
    String runId =
        settings
            .runId()
            .orElseGet(() -> Worlds.name(config) + "-" + LocalDateTime.now().format(NOW));
    try (Devices.Opened opened = Wiring.open(config);
        RunFolder folder = RunFolder.open(settings.resultsDir(), runId, mode(settings))) {
      say.accept(opened.line());
      say.accept("run: " + folder.path());
      try (UnityWorld world = Worlds.open(config, folder.logs())) {
        return run(opened.device(), folder, world);
      }
    }
  }

  private void warnWithoutUpdates() {
    RunConfig.Learning learning = config.learning();
    if (learning.steps() <= learning.bufferInitSteps()) {
      warn.accept(
          String.format(
              Locale.ROOT,
              "nothing will be learned: the first update comes after --buffer-init-steps of %,d, and"
                  + " --steps is %,d; lower the one or raise the other",
              learning.bufferInitSteps(),
              learning.steps()));
    }
  }

  private static RunFolder.Mode mode(RunConfig.Folder settings) {
    return settings.resume()
        ? RunFolder.Mode.RESUME
        : settings.force() ? RunFolder.Mode.FORCE : RunFolder.Mode.CREATE;
  }

  private Outcome run(Device device, RunFolder folder, UnityWorld world) throws IOException {
    String behavior = world.spec().name();
    String runId = folder.path().getFileName().toString();
    try (DqnAgent agent = Wiring.agent(device, world.spec(), Wiring.dqn(config));
        FilmedWorld filmed = new FilmedWorld(world, agent::values, world.labels(), warn)) {
      say.accept("observations: " + world.sensors());
      say.accept("network: " + agent.learner().online());
      say.accept("replay: " + agent.replay().described());
      CheckpointFiles checkpoints =
          new CheckpointFiles(
              folder.checkpoints(behavior), config.folder().keepCheckpoints(), warn);
      ModelFiles models = new ModelFiles(folder, behavior, config.folder().keepCheckpoints(), warn);
      TrainLoop loop = new TrainLoop(Wiring.plan(config), filmed, agent);
      CheckpointObserver.Saving save =
          stop -> save(checkpoints, models, world.spec(), agent, loop, stop);
      begin(checkpoints, agent, loop, folder, behavior);
      // Only now, when all has opened: a mistake above costs no earlier run and leaves none.
      folder.discardEarlier();
      folder.configure(config.with("runId", runId).toYaml());
      List<Observer> observers = observers(folder, behavior, save);
      Tally tally = new Tally(Integer.MAX_VALUE);
      observers.add(tally);
      if (!config.reporting().noPictures()) {
        observers.addAll(pictures(folder, filmed));
      }
      interruption.begun();
      try {
        Outcome outcome = loop.run(observers, interruption);
        if (world.spec().goals() > 0 && tally.all().episodes() > 0) {
          int episodes = tally.all().episodes();
          if (episodes < outcome.testEpisodes()) {
            say.accept("of these, the " + episodes + " since the run was resumed:");
          }
          tally.table(world.labels().goals()).forEach(say);
        }
        models.newest().ifPresent(model -> say.accept("exported: " + model));
        if (outcome.reason() != Outcome.Reason.COMPLETED) {
          say.accept("saved at step " + outcome.step() + "; go on with it by " + resume(runId));
        }
        return outcome;
      } catch (DivergedException e) {
        throw new Failure(e.getMessage(), e);
      } catch (RuntimeException e) {
        saveAfter(e, save, loop, runId);
        throw e;
      } finally {
        observers.forEach(Observer::close);
      }
    }
  }

  /** The replay last: all else is safe by then, however long it takes. */
  private void save(
      CheckpointFiles checkpoints,
      ModelFiles models,
      Spec spec,
      DqnAgent agent,
      TrainLoop loop,
      boolean stop) {
    if (stop) {
      interruption.saving();
    }
    TrainLoop.State state = loop.state();
    boolean more = state.step() < config.learning().steps(); // testing needs no replay
    Optional<String> replay =
        stop && more && config.folder().saveReplay()
            ? Optional.of(UUID.randomUUID().toString())
            : Optional.empty();
    Path checkpoint =
        checkpoints.save(state.step(), file -> Checkpoint.save(file, spec, agent, state, replay));
    models.save(
        state.step(),
        file ->
            OnnxWriter.write(file, spec.signature(), agent.learner().online(), agent.weights()));
    replay.ifPresent(id -> saveReplay(checkpoints, checkpoint, id, agent));
  }

  private void saveReplay(CheckpointFiles checkpoints, Path checkpoint, String id, DqnAgent agent) {
    String transitions = String.format(Locale.ROOT, "%,d transitions", agent.replay().size());
    if (agent.replay().bytes() > LARGE) {
      say.accept("saving the replay of " + transitions + "; --no-save-replay would leave it out");
    }
    long began = System.nanoTime();
    Path file = checkpoints.saveReplay(checkpoint, out -> Checkpoint.saveReplay(out, id, agent));
    say.accept(
        String.format(
            Locale.ROOT,
            "replay: %s saved in %.2f MB, %.1f s",
            transitions,
            file.toFile().length() / 1e6,
            (System.nanoTime() - began) / 1e9));
  }

  /** A run that its world has left is worth going on with. */
  private void saveAfter(
      RuntimeException failure, CheckpointObserver.Saving save, TrainLoop loop, String runId) {
    if (loop.step() == 0 || failure instanceof RunFolderException) {
      return;
    }
    try {
      save.save(true);
      warn.accept(
          "the state at step " + loop.step() + " was saved; go on with it by " + resume(runId));
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private String resume(String runId) {
    Path results = config.folder().resultsDir();
    return "--resume --run-id "
        + (runId.contains(" ") ? "'" + runId + "'" : runId)
        + (results.equals(Path.of("results")) ? "" : " --results-dir " + results);
  }

  private void begin(
      CheckpointFiles checkpoints,
      DqnAgent agent,
      TrainLoop loop,
      RunFolder folder,
      String behavior)
      throws IOException {
    RunConfig.Folder settings = config.folder();
    if (settings.resume()) {
      Optional<Checkpoint.Loaded> loaded = checkpoints.newest(file -> Checkpoint.load(file, agent));
      if (loaded.isEmpty()) {
        refuseAnother(folder, behavior);
        warn.accept(folder.path() + " holds no checkpoint yet; the run begins at step 0");
        return;
      }
      resume(loaded.get(), agent, loop);
    } else if (settings.initializeFrom().isPresent()) {
      Path weights = SavedWeights.of(settings.resultsDir(), settings.initializeFrom().get());
      say.accept("weights: " + SavedWeights.load(weights, agent, warn));
    }
  }

  /** Another behavior's run would lose its history to one that begins at step 0. */
  private static void refuseAnother(RunFolder folder, String behavior) throws IOException {
    List<String> others =
        SavedWeights.ofBehaviors(folder.path()).stream()
            .map(checkpoints -> checkpoints.getParent().getFileName().toString())
            .toList();
    if (!others.isEmpty()) {
      throw new Failure(
          ("%s is a run of %s, and this player's behavior is %s, of which it holds no checkpoint."
                  + " Give the player that it was trained with (--env, --behavior), or begin another"
                  + " run: leave --resume out and choose another --run-id.")
              .formatted(folder.path(), String.join(", ", others), behavior));
    }
  }

  private void resume(Checkpoint.Loaded loaded, DqnAgent agent, TrainLoop loop) {
    TrainLoop.State state = loaded.loop();
    long step = state.step();
    if (step >= config.learning().steps() + config.evaluation().testSteps()) {
      loop.restore(state.anew());
      say.accept("this run was complete at step " + step + "; more --steps would go on with it");
      return;
    }
    boolean remembers = step >= config.learning().steps() || loadReplay(loaded, agent);
    if (!remembers) {
      state = state.anew();
    }
    try {
      loop.restore(state);
    } catch (IllegalArgumentException e) {
      warn.accept("the player begins anew: " + e.getMessage());
      state = state.anew();
      loop.restore(state);
    }
    say.accept(
        "resumed at step "
            + step
            + (!remembers
                ? "; the replay begins empty, so learning waits until it is filled again"
                : state.world().isPresent()
                    ? ", exactly where it stopped"
                    : "; the player begins anew, and the episodes that were open are dropped"));
  }

  /** Whether the agent has the checkpoint's replay. */
  private boolean loadReplay(Checkpoint.Loaded loaded, DqnAgent agent) {
    if (loaded.replay().isEmpty()) {
      say.accept(
          loaded.file().getFileName()
              + " has no replay; a run that stops saves it, unless --no-save-replay");
      return false;
    }
    Path file = CheckpointFiles.replay(loaded.file());
    long began = System.nanoTime();
    try {
      Checkpoint.loadReplay(file, loaded.replay().get(), agent);
      say.accept(
          String.format(
              Locale.ROOT,
              "replay: %,d transitions read, %.1f s",
              agent.replay().size(),
              (System.nanoTime() - began) / 1e9));
      return true;
    } catch (IOException e) {
      warn.accept("replay " + CheckpointFiles.notUsable(file, e));
      return false;
    }
  }

  private List<Observer> observers(
      RunFolder folder, String behavior, CheckpointObserver.Saving save) {
    RunConfig.Reporting reporting = config.reporting();
    List<Observer> observers = new ArrayList<>();
    observers.add(new CheckpointObserver(config.folder().checkpointEpisodes(), save, warn));
    observers.add(new TensorBoardObserver(folder.behavior(behavior), config.texts(), warn));
    observers.add(new CsvObserver(folder.logs(), warn));
    if (!reporting.quiet()) {
      observers.add(new ConsoleObserver(terminal));
      if (reporting.summaryFreq().isPresent()) {
        long steps = reporting.summaryFreq().getAsLong();
        observers.add(new MlagentsLine(behavior, steps, terminal::line));
      }
      if (!reporting.noProgress()) {
        observers.add(new ProgressObserver(terminal));
      }
    }
    return observers;
  }

  /** What can be looked at when the run has ended. */
  private List<Observer> pictures(RunFolder folder, FilmedWorld world) {
    String run = folder.path().getFileName().toString();
    List<Observer> observers = new ArrayList<>();
    observers.add(new CurvesObserver(run, folder.logs(), say, warn));
    if (world.spec().frame().hasPicture()) {
      observers.add(new FilmObserver(world, folder.logs().resolve("episodes.gif"), say));
    }
    return observers;
  }
}
