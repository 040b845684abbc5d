package bellman.rl.cli;

import bellman.engine.DeviceOptions;
import bellman.engine.Precision;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.config.Resolved;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnSettings;
import bellman.unity.player.GridWorldInstaller;
import bellman.unity.player.GridWorldProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The commands' {@link Services}, from the packages that provide them. */
final class Wiring implements Services {
  @Override
  public Outcome train(Resolved settings, Interruption interruption, Streams streams) {
    throw new Failure("train is not connected yet"); // TODO(lead): bellman.rl.dqn
  }

  @Override
  public Outcome evaluate(Resolved settings, Path run, Interruption interruption, Streams streams) {
    throw new Failure("evaluate is not connected yet"); // TODO(lead): bellman.rl.dqn
  }

  @Override
  public int gridWorld(String[] args) {
    return GridWorldProcess.run(args);
  }

  @Override
  public Path installGridWorld(Path directory, List<String> launcher) throws IOException {
    return GridWorldInstaller.install(directory, launcher);
  }

  @Override
  public List<Finding> backends() {
    return List.of(); // TODO(lead): a Finding per Attempt of bellman.engine.Devices
  }

  /** The learner's part of a configuration. */
  static DqnSettings dqn(RunConfig config) {
    RunConfig.Learning learning = config.learning();
    RunConfig.Exploration exploration = config.exploration();
    return new DqnSettings(
        learning.batchSize(),
        learning.bufferSize(),
        learning.bufferInitSteps(),
        learning.stepsPerUpdate(),
        learning.learningRate(),
        learning.gamma(),
        learning.targetUpdateInterval(),
        exploration.epsilonInitial(),
        exploration.epsilonFinal(),
        config.evaluation().epsilonEval(),
        Math.round(exploration.explorationFraction() * learning.steps()),
        learning.maxGradientNorm().orElse(Double.POSITIVE_INFINITY),
        learning.compat() == RunConfig.Compat.TUTORIAL,
        config.compute().seed());
  }

  /** How long to run. */
  static TrainLoop.Plan plan(RunConfig config) {
    return new TrainLoop.Plan(
        config.learning().steps(),
        config.evaluation().testSteps(),
        config.folder().stopAfter().orElse(Long.MAX_VALUE),
        config.reporting().summaryEpisodes(),
        (float) config.world().timeScale(),
        (float) config.evaluation().testTimeScale());
  }

  /**
   * How a device is opened.
   *
   * @param cuda whether it is a CUDA device, whose products are TF32 unless something else is said
   */
  static DeviceOptions device(RunConfig config, boolean cuda) {
    RunConfig.Compute compute = config.compute();
    return new DeviceOptions(
        compute.threads(),
        compute.precision().orElse(cuda ? Precision.TF32 : Precision.FP32),
        compute.reproducible());
  }
}
