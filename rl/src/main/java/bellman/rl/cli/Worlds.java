package bellman.rl.cli;

import bellman.rl.config.EnvironmentParameter;
import bellman.rl.config.RunConfig;
import bellman.rl.env.UnityWorld;
import bellman.rl.run.RunFolder;
import bellman.unity.RestartLimits;
import bellman.unity.UnityEnvironment;
import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.player.GridWorldState;
import bellman.unity.sidechannel.EngineConfiguration;
import bellman.unity.sidechannel.EngineConfigurationChannel;
import bellman.unity.sidechannel.EnvironmentParametersChannel;
import bellman.unity.sidechannel.EnvironmentParametersChannel.Interval;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Opens the world that a configuration names. */
final class Worlds {
  private Worlds() {}

  /**
   * Starts or awaits the player.
   *
   * @param logs where an executable's logs go
   */
  static UnityWorld open(RunConfig config, Path logs) {
    RunConfig.World world = config.world();
    try {
      return new UnityWorld(
          embedded(world) ? new Embedded(config) : engine -> player(config, logs, engine),
          restarts(world),
          new UnityWorld.Choice(
              world.behavior(),
              world::firstAction,
              world
                  .observations()
                  .map(list -> List.of(list.strip().split("\\s*,\\s*")))
                  .orElse(List.of()),
              world.goalConditioning() == RunConfig.GoalConditioning.GATE),
          Duration.ofSeconds(world.timeoutWait()));
    } catch (IllegalArgumentException e) {
      // What the player has does not fit the settings; the message says what and why.
      throw new Failure(e.getMessage(), e);
    }
  }

  /** A player that we did not start we cannot start again, and an embedded one has a bug. */
  static RestartLimits restarts(RunConfig.World world) {
    return world.env().isEmpty()
        ? RestartLimits.NONE
        : new RestartLimits(
            world.maxLifetimeRestarts(),
            world.restartsRateLimitN(),
            Duration.ofSeconds(world.restartsRateLimitPeriodS()));
  }

  private static boolean embedded(RunConfig.World world) {
    return world.env().isEmpty() && !world.editor() && world.listen().isEmpty();
  }

  /** The embedded GridWorld, whose state is taken and given within this process. */
  private static final class Embedded implements UnityWorld.Opener {
    private final RunConfig config;
    private GridWorldPlayer player;

    private Embedded(RunConfig config) {
      this.config = config;
    }

    @Override
    public UnityEnvironment open(EngineConfigurationChannel engine) {
      return open(new GridWorldPlayer(options()), engine);
    }

    @Override
    public Optional<byte[]> state() {
      return Optional.of(player.snapshot().toBytes());
    }

    @Override
    public UnityEnvironment resume(EngineConfigurationChannel engine, byte[] state) {
      return open(new GridWorldPlayer(options(), GridWorldState.fromBytes(state)), engine);
    }

    private GridWorldOptions options() {
      return GridWorldOptions.defaults().withAgents(config.world().agents());
    }

    private UnityEnvironment open(GridWorldPlayer next, EngineConfigurationChannel engine) {
      UnityEnvironment opened = Worlds.open(UnityEnvironment.embedded(next), config, engine);
      player = next;
      return opened;
    }
  }

  private static UnityEnvironment player(
      RunConfig config, Path logs, EngineConfigurationChannel engine) {
    RunConfig.World world = config.world();
    UnityEnvironment.Builder builder;
    if (world.env().isPresent()) {
      builder =
          UnityEnvironment.executable(world.env().get())
              .arguments(world.envArgs().toArray(String[]::new))
              .noGraphics(world.noGraphics())
              .logFolder(logs);
      world.basePort().ifPresent(builder::basePort);
    } else if (world.editor()) {
      builder = UnityEnvironment.editor();
    } else {
      builder = UnityEnvironment.listen(world.listen().orElseThrow());
    }
    return open(builder, config, engine);
  }

  private static UnityEnvironment open(
      UnityEnvironment.Builder builder, RunConfig config, EngineConfigurationChannel engine) {
    RunConfig.World world = config.world();
    EnvironmentParametersChannel parameters =
        parameters(world.environmentParameters(), config.compute().seed());
    engine.set(
        new EngineConfiguration(
            world.width(),
            world.height(),
            world.qualityLevel(),
            (float) world.timeScale(), // the loop sets that of each phase
            world.targetFrameRate(),
            world.captureFrameRate()));
    return builder
        .workerId(world.workerId())
        .seed((int) (config.compute().seed() + world.workerId()))
        .timeoutWait(Duration.ofSeconds(world.timeoutWait()))
        .sideChannels(engine, parameters)
        .open();
  }

  /** As mlagents-learn: those without a seed get the run's seed, the one after it and so on. */
  static EnvironmentParametersChannel parameters(
      Map<String, EnvironmentParameter> given, long runSeed) {
    EnvironmentParametersChannel channel = new EnvironmentParametersChannel();
    int offset = 0;
    for (Map.Entry<String, EnvironmentParameter> entry : given.entrySet()) {
      String name = entry.getKey();
      EnvironmentParameter parameter = entry.getValue();
      int seed =
          parameter.seed().isPresent()
              ? parameter.seed().getAsInt()
              : (int) (runSeed + offset++); // a constant takes one too
      float[] x = new float[parameter.numbers().size()];
      for (int i = 0; i < x.length; i++) {
        x[i] = parameter.numbers().get(i).floatValue();
      }
      switch (parameter.sampler()) {
        case CONSTANT -> channel.set(name, x[0]);
        case UNIFORM -> channel.setUniform(name, x[0], x[1], seed);
        case GAUSSIAN -> channel.setGaussian(name, x[0], x[1], seed);
        case MULTIRANGEUNIFORM -> {
          List<Interval> intervals = new ArrayList<>();
          for (int i = 0; i < x.length; i += 2) {
            intervals.add(new Interval(x[i], x[i + 1]));
          }
          channel.setMultiRange(name, intervals, seed);
        }
      }
    }
    return channel;
  }

  /** What a run without a name is called after: the behavior, as far as it is known by now. */
  static String name(RunConfig config) {
    RunConfig.World world = config.world();
    if (world.behavior().isPresent()) {
      return RunFolder.runId(UnityWorld.withoutTeam(world.behavior().get()));
    }
    Optional<Path> file = world.env().map(Path::getFileName); // the root has none
    if (file.isPresent()) {
      return RunFolder.runId(file.get().toString().replaceFirst("\\.[A-Za-z0-9_]+$", ""));
    }
    return embedded(world) ? "GridWorld" : "Unity";
  }
}
