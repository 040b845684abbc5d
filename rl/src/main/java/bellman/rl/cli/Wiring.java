package bellman.rl.cli;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.cuda.CudaReport;
import bellman.nn.Weights;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.config.ByteSize;
import bellman.rl.config.Resolved;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.dqn.DqnSettings;
import bellman.rl.dqn.Encoder;
import bellman.rl.dqn.Epsilon;
import bellman.rl.dqn.NetworkSettings;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Spec;
import bellman.rl.observe.Terminal;
import bellman.unity.player.GridWorldInstaller;
import bellman.unity.player.GridWorldProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** The commands' {@link Services}, from the packages that provide them. */
final class Wiring implements Services {
  @Override
  public Outcome train(Resolved settings, Interruption interruption) throws IOException {
    RunConfig config = settings.config();
    return config.folder().inference()
        ? new Inference(config, interruption, Terminal.standard()).run()
        : new Training(config, interruption, Terminal.standard()).run();
  }

  @Override
  public Outcome evaluate(
      Resolved settings, Path weights, EvaluateOptions options, Interruption interruption)
      throws IOException {
    return new Evaluation(settings.config(), options, interruption, Terminal.standard())
        .run(weights);
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
  public List<Finding> backends(RunConfig config) {
    List<Finding> findings = new ArrayList<>();
    List<CudaReport.Row> cuda = CudaReport.of(config.compute().cudaLib());
    boolean whole = cuda.stream().allMatch(CudaReport.Row::present);
    for (CudaReport.Row row : cuda) {
      findings.add(
          row.present()
              ? Finding.ok(row.subject(), row.text())
              : Finding.warn(row.subject(), row.text()));
    }
    // Where CUDA lacks a piece, the rows above have said why it does not open.
    for (String name : whole ? List.of("cuda", "onednn", "java") : List.of("onednn", "java")) {
      try (Devices.Opened opened = Devices.find(name, device(config))) {
        findings.add(Finding.ok("device " + name, opened.device().name()));
      } catch (RuntimeException e) {
        String subject = "device " + name;
        String reason = e.getMessage().replaceFirst("^" + subject + ": not opened: ", "");
        // With java alone everything works, only slower.
        findings.add(
            name.equals("java") ? Finding.fail(subject, reason) : Finding.warn(subject, reason));
      }
    }
    return findings;
  }

  /** The device that a configuration names. */
  static Devices.Opened open(RunConfig config) {
    config
        .compute()
        .cudaLib()
        .filter(folder -> !Files.isDirectory(folder))
        .ifPresent(
            folder -> {
              throw new Failure("--cuda-lib: " + folder + " is not a folder");
            });
    try {
      return Devices.find(config.compute().device(), device(config));
    } catch (IllegalStateException e) {
      throw new Failure(e.getMessage(), e);
    }
  }

  /** The agent for a world. */
  static DqnAgent agent(Device device, Spec world, DqnSettings settings) {
    return fitted(world, () -> new DqnAgent(device, world, settings));
  }

  /** The same with a network of its own. */
  static DqnAgent agent(
      Device device, Spec world, DqnSettings settings, Function<Weights, QNetwork> network) {
    return fitted(world, () -> new DqnAgent(device, world, settings, network));
  }

  private static DqnAgent fitted(Spec world, Supplier<DqnAgent> agent) {
    try {
      return agent.get();
    } catch (IllegalArgumentException e) {
      throw new Failure(
          "no agent fits %s (observation %s, %d actions): %s"
              .formatted(world.name(), world.frame().described(), world.actions(), e.getMessage()),
          e);
    }
  }

  /** The learner's part of a configuration. */
  static DqnSettings dqn(RunConfig config) {
    RunConfig.Learning learning = config.learning();
    RunConfig.Exploration exploration = config.exploration();
    RunConfig.Network network = config.network();
    return new DqnSettings(
        learning.batchSize(),
        learning.bufferSize(),
        learning.bufferInitSteps(),
        learning.stepsPerUpdate(),
        learning.learningRate(),
        learning.learningRateWarmup(),
        learning.gamma(),
        learning.targetUpdateInterval(),
        new Epsilon(
            exploration.epsilonInitial(),
            exploration.epsilonFinal(),
            config.evaluation().epsilonEval(),
            Math.round(exploration.explorationFraction() * learning.steps())),
        learning.maxGradientNorm().orElse(Double.POSITIVE_INFINITY),
        learning.compat() == RunConfig.Compat.TUTORIAL,
        config.compute().seed(),
        new NetworkSettings(
            Encoder.valueOf(network.visEncodeType().name()),
            network.hiddenUnits(),
            network.numLayers()));
  }

  /** The same for acting alone: no room for transitions, only for what the agents see. */
  static DqnSettings evaluation(RunConfig config) {
    return dqn(config.with("batchSize", "1").with("bufferSize", "4096"));
  }

  /** The same for weights alone. */
  static DqnSettings exporting(RunConfig config) {
    return dqn(config.with("agents", "1").with("batchSize", "1").with("bufferSize", "1"));
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

  /** How a device is opened; the CPU computes in FP32 whatever is asked for. */
  static DeviceOptions device(RunConfig config) {
    RunConfig.Compute compute = config.compute();
    return new DeviceOptions(
            compute.threads(), compute.precision().orElse(Precision.TF32), compute.reproducible())
        .withCudaFolder(compute.cudaLib())
        .withMemoryLimit(compute.deviceMemory().stream().mapToLong(ByteSize::bytes).findFirst());
  }
}
