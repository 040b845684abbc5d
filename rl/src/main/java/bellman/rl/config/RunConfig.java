package bellman.rl.config;

import bellman.engine.Precision;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * All settings of a run, valid together. Each is declared here and nowhere else: flags, YAML keys
 * and help follow from the components below through {@link Settings}. The defaults are the
 * tutorial's.
 */
public record RunConfig(
    Learning learning,
    Network network,
    Exploration exploration,
    Evaluation evaluation,
    World world,
    Compute compute,
    Folder folder,
    Reporting reporting) {

  /** How values are learned. */
  public record Learning(
      @Setting(
              doc = "agent steps of training; fixes every schedule",
              byDefault = "50000",
              yaml = "behaviors.*.max_steps",
              min = 1)
          long steps,
      @Setting(
              doc = "transitions in an update",
              byDefault = "32",
              yaml = "behaviors.*.hyperparameters.batch_size",
              min = 1,
              max = 65536)
          int batchSize,
      @Setting(
              doc = "transitions that the replay holds",
              byDefault = "10000",
              yaml = "behaviors.*.hyperparameters.buffer_size",
              min = 1,
              max = 100_000_000)
          int bufferSize,
      @Setting(
              doc = "agent steps before the first update",
              byDefault = "5000",
              yaml = "behaviors.*.hyperparameters.buffer_init_steps",
              min = 0,
              max = Integer.MAX_VALUE)
          int bufferInitSteps,
      @Setting(
              doc = "agent steps per update",
              byDefault = "1",
              yaml = "behaviors.*.hyperparameters.steps_per_update",
              min = 0,
              above = true,
              max = 1_000_000)
          double stepsPerUpdate,
      @Setting(
              doc = "Adam's step size",
              byDefault = "2.5e-4",
              yaml = "behaviors.*.hyperparameters.learning_rate",
              min = 0,
              above = true,
              max = 1)
          double learningRate,
      @Setting(
              doc =
                  "updates over which the step size rises to --learning-rate: Adam's first steps"
                      + " are as large as all others, while the gradients still agree on nothing but"
                      + " shrinking every feature",
              byDefault = "1000",
              yaml = "behaviors.*.hyperparameters.learning_rate_warmup",
              min = 0,
              max = Integer.MAX_VALUE)
          int learningRateWarmup,
      @Setting(
              doc = "discount of the next step's value",
              byDefault = "0.9",
              yaml = {
                "behaviors.*.reward_signals.extrinsic.gamma",
                "behaviors.*.hyperparameters.gamma"
              },
              min = 0,
              max = 1)
          double gamma,
      @Setting(
              doc = "agent steps between copies of the online to the target network",
              byDefault = "500",
              yaml = "behaviors.*.hyperparameters.target_update_interval",
              min = 1,
              max = Integer.MAX_VALUE)
          int targetUpdateInterval,
      @Setting(
              doc = "clip gradients to this norm over all weights",
              byDefault = "off",
              yaml = "behaviors.*.hyperparameters.max_gradient_norm",
              min = 0,
              above = true)
          OptionalDouble maxGradientNorm,
      @Setting(
              doc = "none: the right semantics; tutorial: its quirks, for comparison",
              byDefault = "none",
              yaml = "behaviors.*.compat")
          Compat compat) {}

  /** What the network looks like, as far as the observations leave a choice. */
  public record Network(
      @Setting(
              doc =
                  "what makes features of a picture: nature_cnn has 3 convolutions and needs 36"
                      + " pixels, simple 2 and 20, match3 2 and 5, fully_connected none",
              byDefault = "nature_cnn",
              yaml = "behaviors.*.network_settings.vis_encode_type")
          VisEncodeType visEncodeType,
      @Setting(
              doc = "units of each hidden layer; auto: 512 behind a picture, else 128",
              byDefault = "auto",
              yaml = "behaviors.*.network_settings.hidden_units",
              min = 1,
              max = 65536)
          OptionalInt hiddenUnits,
      @Setting(
              doc = "hidden layers; auto: 1 behind a picture, else 2",
              byDefault = "auto",
              yaml = "behaviors.*.network_settings.num_layers",
              min = 1,
              max = 1024)
          OptionalInt numLayers) {}

  /** How often actions are random while training. */
  public record Exploration(
      @Setting(
              doc = "probability of a random action at the first step",
              byDefault = "1.0",
              yaml = "behaviors.*.hyperparameters.exploration_initial_eps",
              min = 0,
              max = 1)
          double epsilonInitial,
      @Setting(
              doc = "the same once exploration has ended",
              byDefault = "0.1",
              yaml = "behaviors.*.hyperparameters.exploration_final_eps",
              min = 0,
              max = 1)
          double epsilonFinal,
      @Setting(
              doc = "part of --steps over which it falls from initial to final",
              byDefault = "0.8",
              yaml = "behaviors.*.hyperparameters.exploration_fraction",
              min = 0,
              max = 1)
          double explorationFraction) {}

  /** The phase after training, without learning. */
  public record Evaluation(
      @Setting(
              doc = "agent steps of testing after training; 0: none",
              byDefault = "5000",
              yaml = "behaviors.*.test_steps",
              min = 0)
          long testSteps,
      @Setting(
              doc = "probability of a random action in testing",
              byDefault = "0.05",
              yaml = "behaviors.*.hyperparameters.exploration_eval_eps",
              min = 0,
              max = 1)
          double epsilonEval,
      @Setting(
              doc = "simulated over real time in testing",
              byDefault = "1",
              yaml = "engine_settings.test_time_scale",
              min = 1,
              max = 100)
          double testTimeScale) {}

  /**
   * What acts on the other side of the wire. Without env, editor or listen: the embedded player.
   */
  public record World(
      @Setting(
              doc = "the Unity build to start",
              byDefault = "embedded",
              yaml = "env_settings.env_path")
          Optional<Path> env,
      @Setting(
              doc = "the rest of the line goes to the build that --env names",
              yaml = "env_settings.env_args",
              label = "ARG")
          List<String> envArgs,
      @Setting(
              doc = "wait on port 5004 until Play is pressed in the Unity Editor",
              yaml = "env_settings.editor")
          boolean editor,
      @Setting(
              doc = "wait on this port for a player that someone else starts",
              byDefault = "off",
              yaml = "env_settings.listen",
              min = 1,
              max = 65535)
          OptionalInt listen,
      @Setting(
              doc =
                  "port for a build that --env names; 0: any free one; scan: the first free one"
                      + " from 5005",
              byDefault = "scan",
              yaml = "env_settings.base_port",
              min = 0,
              max = 65535)
          OptionalInt basePort,
      @Setting(
              doc = "added to the port and to the environment's seed",
              byDefault = "0",
              yaml = "env_settings.worker_id",
              min = 0,
              max = 60000)
          int workerId,
      @Setting(
              doc = "seconds to wait for the player",
              byDefault = "60",
              yaml = "env_settings.timeout_wait",
              min = 1,
              max = 86400)
          int timeoutWait,
      @Setting(
              doc =
                  "how often a build that --env names is started again when it dies; -1: any number",
              byDefault = "10",
              yaml = "env_settings.max_lifetime_restarts",
              min = -1,
              max = Integer.MAX_VALUE)
          int maxLifetimeRestarts,
      @Setting(
              doc = "how often within --restarts-rate-limit-period-s; -1: any number",
              byDefault = "1",
              yaml = "env_settings.restarts_rate_limit_n",
              min = -1,
              max = Integer.MAX_VALUE)
          int restartsRateLimitN,
      @Setting(
              doc = "seconds for which a restart counts for --restarts-rate-limit-n",
              byDefault = "60",
              yaml = "env_settings.restarts_rate_limit_period_s",
              min = 1,
              max = Integer.MAX_VALUE)
          int restartsRateLimitPeriodS,
      @Setting(
              doc = "simulated over real time in training",
              byDefault = "12",
              yaml = "engine_settings.time_scale",
              min = 1,
              max = 100)
          double timeScale,
      @Setting(
              doc = "start the build without a window",
              yaml = {"engine_settings.no_graphics", "env_settings.no_graphics"})
          boolean noGraphics,
      @Setting(
              doc = "of the player's window, in pixels",
              byDefault = "84",
              yaml = "engine_settings.width",
              min = 1,
              max = 16384)
          int width,
      @Setting(
              doc = "of the player's window, in pixels",
              byDefault = "84",
              yaml = "engine_settings.height",
              min = 1,
              max = 16384)
          int height,
      @Setting(
              doc = "Unity's quality level; 0 is the fastest",
              byDefault = "5",
              yaml = "engine_settings.quality_level",
              min = 0,
              max = 100)
          int qualityLevel,
      @Setting(
              doc = "frames that the player renders in a second; -1: as many as it can",
              byDefault = "-1",
              yaml = "engine_settings.target_frame_rate",
              min = -1,
              max = 100_000)
          int targetFrameRate,
      @Setting(
              doc =
                  "frames in a second of the game, which keeps physics repeatable; 0: as they come",
              byDefault = "60",
              yaml = "engine_settings.capture_frame_rate",
              min = 0,
              max = 100_000)
          int captureFrameRate,
      @Setting(
              doc = "areas of the embedded player, each with an agent",
              byDefault = "1",
              yaml = "env_settings.agents",
              min = 1,
              max = 4096)
          int agents,
      @Setting(
              doc = "the behavior to train where the player or the file has several",
              byDefault = "the only one",
              label = "NAME")
          Optional<String> behavior,
      @Setting(
              doc =
                  "lowest action the policy may take; auto: 1 for GridWorld, whose 0 is"
                      + " \"stand still\", else 0",
              byDefault = "auto",
              yaml = "behaviors.*.first_action",
              min = 0,
              max = 1023)
          OptionalInt firstAction,
      @Setting(
              doc =
                  "gate: what is seen times each element of the goal signal; none: the goal signal is"
                      + " a vector like others",
              byDefault = "gate",
              yaml = "behaviors.*.network_settings.goal_conditioning_type")
          GoalConditioning goalConditioning,
      @Setting(
              doc =
                  "what the policy sees: numbers or names of the player's sensors, with commas; all:"
                      + " every picture and every vector",
              byDefault = "all",
              yaml = "behaviors.*.observations",
              label = "LIST")
          Optional<String> observations,
      @Setting(
              doc =
                  "sent to the player before the first reset, such as gridSize=5; or drawn by it, as in"
                      + " gridSize=uniform[3,7]; repeatable",
              yaml = "environment_parameters.*",
              label = "NAME=X")
          Map<String, EnvironmentParameter> environmentParameters) {
    public World {
      envArgs = List.copyOf(envArgs);
      environmentParameters =
          Collections.unmodifiableMap(new LinkedHashMap<>(environmentParameters));
    }

    /** {@link #firstAction}, with the default that a behavior of this name has. */
    public int firstAction(String behavior) {
      return firstAction.orElse(behavior.equals("GridWorld") ? 1 : 0);
    }
  }

  /** Where and how numbers are made. */
  public record Compute(
      @Setting(
              doc = "auto takes CUDA where it opens, else the CPU; cpu takes oneDNN, else java",
              byDefault = "auto",
              yaml = "torch_settings.device",
              matches = "auto|cuda(:[0-9]{1,3})?|cpu|onednn|java|reference",
              form = "auto, cuda, cuda:N, cpu, onednn, java, reference",
              label = "NAME")
          String device,
      @Setting(
              doc = "of products; auto: tf32 on CUDA, fp32 on the CPU",
              byDefault = "auto",
              yaml = "torch_settings.precision")
          Optional<Precision> precision,
      @Setting(
              doc =
                  "where NVIDIA's libraries lie: their folder, a toolkit, or Python's site-packages;"
                      + " before all places that are searched anyway",
              byDefault = "search",
              label = "DIR")
          Optional<Path> cudaLib,
      @Setting(
              doc = "the most memory that the device may take; what does not fit is an error",
              byDefault = "all",
              yaml = "torch_settings.device_memory",
              form = "as 4GB, 6GiB or 512MB; above 0")
          Optional<ByteSize> deviceMemory,
      @Setting(
              doc = "CPU threads",
              byDefault = "cores",
              yaml = "torch_settings.threads",
              min = 1,
              max = 1024)
          int threads,
      @Setting(
              doc = "equal seeds give equal bits, at some cost in speed",
              yaml = "torch_settings.reproducible")
          boolean reproducible,
      @Setting(
              doc = "of initialisation, exploration, sampling and environment; -1 draws one too",
              byDefault = "random",
              yaml = {"seed", "env_settings.seed"},
              min = 0,
              max = Integer.MAX_VALUE)
          long seed) {}

  /** What a run leaves on disk, and what it starts from. */
  public record Folder(
      @Setting(
              doc = "name of the run's folder",
              byDefault = "<Behavior>-<date-time>",
              yaml = "checkpoint_settings.run_id",
              matches = "[\\p{L}\\p{N}_][\\p{L}\\p{N} ._+=@-]*",
              form = "letters, digits, _ and, after the first, space . + = @ -",
              label = "ID")
          Optional<String> runId,
      @Setting(
              doc = "where the folders of runs lie",
              byDefault = "results",
              yaml = "checkpoint_settings.results_dir")
          Path resultsDir,
      @Setting(
              doc = "go on with the run that --run-id names",
              yaml = "checkpoint_settings.resume",
              once = true)
          boolean resume,
      @Setting(
              doc = "overwrite the run that --run-id names",
              yaml = "checkpoint_settings.force",
              once = true)
          boolean force,
      @Setting(
              doc =
                  "do not learn: let the run that --run-id or --initialize-from names play, until"
                      + " Ctrl-C or --stop-after",
              yaml = "checkpoint_settings.inference",
              once = true)
          boolean inference,
      @Setting(
              doc = "begin with the weights of another run, or of a checkpoint file",
              byDefault = "none",
              yaml = "checkpoint_settings.initialize_from",
              label = "RUN")
          Optional<String> initializeFrom,
      @Setting(doc = "end early and save after this many agent steps", byDefault = "off", min = 1)
          OptionalLong stopAfter,
      @Setting(
              doc = "episodes between checkpoints",
              byDefault = "100",
              yaml = "behaviors.*.checkpoint_episodes",
              min = 1,
              max = 1_000_000_000)
          int checkpointEpisodes,
      @Setting(
              doc = "checkpoints that stay; older ones are removed",
              byDefault = "5",
              yaml = "behaviors.*.keep_checkpoints",
              min = 1,
              max = 1_000_000)
          int keepCheckpoints,
      @Setting(
              doc = "save the replay when a run stops early, so that --resume goes on exactly",
              byDefault = "on",
              yaml = "behaviors.*.hyperparameters.save_replay_buffer")
          boolean saveReplay) {}

  /** What is said meanwhile. */
  public record Reporting(
      @Setting(
              doc = "episodes between lines on the console and points in TensorBoard",
              byDefault = "10",
              yaml = "behaviors.*.summary_episodes",
              min = 1,
              max = 1_000_000_000)
          int summaryEpisodes,
      @Setting(
              doc = "agent steps between lines in mlagents-learn's form, beside the others",
              byDefault = "off",
              yaml = "behaviors.*.summary_freq",
              min = 1)
          OptionalLong summaryFreq,
      @Setting(doc = "no learning curves and no film at the end") boolean noPictures,
      @Setting(doc = "no progress bar") boolean noProgress,
      @Setting(doc = "only warnings and errors") boolean quiet,
      @Setting(doc = "also details, and the stack trace of a failure") boolean verbose) {}

  /** Whose semantics a run follows where they differ harmlessly. */
  public enum Compat {
    NONE,
    TUTORIAL
  }

  /** How a goal reaches the network. */
  public enum GoalConditioning {
    /** What is seen stands in the block of its goal, zeros in the others. */
    GATE,
    /** As a vector like others. */
    NONE
  }

  /** mlagents-learn's names of encoders, as far as Bellman has them. */
  public enum VisEncodeType {
    NATURE_CNN,
    SIMPLE,
    MATCH3,
    FULLY_CONNECTED
  }

  public RunConfig {
    Settings.checkRanges(
        learning, network, exploration, evaluation, world, compute, folder, reporting);
    check(
        learning.batchSize <= learning.bufferSize,
        "batchSize is %d and bufferSize %d: a batch comes from the replay, so raise --buffer-size or"
            + " lower --batch-size",
        learning.batchSize,
        learning.bufferSize);
    check(
        world.agents <= learning.bufferSize,
        "agents is %d and bufferSize %d: each agent adds a transition in a step, so raise"
            + " --buffer-size or lower --agents",
        world.agents,
        learning.bufferSize);
    int worlds =
        (world.env.isPresent() ? 1 : 0)
            + (world.editor ? 1 : 0)
            + (world.listen.isPresent() ? 1 : 0);
    check(
        worlds <= 1,
        "env, editor and listen exclude each other: a run has one world, so give one of --env,"
            + " --editor and --listen");
    check(
        world.envArgs.isEmpty() || world.env.isPresent(),
        "envArgs are %s and there is no build to get them: name it with --env",
        world.envArgs);
    check(
        worlds == 0 || world.agents == 1,
        "agents is %d: the embedded player's areas; how many agents another player has is its own"
            + " business, so leave out --agents",
        world.agents);
    check(
        !world.editor || world.workerId == 0,
        "workerId is %d: the Editor always calls on port 5004, so leave out --worker-id, or give"
            + " --listen PORT",
        world.workerId);
    check(
        world.basePort.orElse(0) + world.workerId <= 65535,
        "basePort %d + workerId %d is beyond port 65535: lower one of them",
        world.basePort.orElse(0),
        world.workerId);
    check(
        !(folder.resume && folder.force),
        "resume and force exclude each other: --resume goes on with a run, --force overwrites it");
    check(
        !(folder.resume && folder.initializeFrom.isPresent()),
        "resume and initializeFrom exclude each other: --resume already starts from the run's own"
            + " weights");
    check(
        !folder.resume || folder.runId.isPresent(),
        "resume needs the name of a run: give --run-id ID");
    check(
        !folder.inference || folder.runId.isPresent() || folder.initializeFrom.isPresent(),
        "inference needs the name of a run whose policy plays: give --run-id ID or"
            + " --initialize-from RUN");
    check(
        !(folder.inference && folder.force),
        "inference and force exclude each other: --force would overwrite the run whose policy plays");
    check(
        !(reporting.quiet && reporting.verbose),
        "quiet and verbose exclude each other: give one of --quiet and --verbose");
  }

  private static void check(boolean holds, String message, Object... values) {
    if (!holds) {
      throw new ConfigException(message.formatted(values));
    }
  }

  /** All defaults, with a random seed. */
  public static RunConfig defaults() {
    return new Layers().resolve().config();
  }

  /**
   * The same but for one setting.
   *
   * @param name of the component, as in {@code batchSize}
   * @param text as a user would write it
   */
  public RunConfig with(String name, String text) {
    return Settings.with(this, name, text);
  }

  /** Every setting's name and value, as a user would write it. */
  public Map<String, String> texts() {
    return Settings.texts(this);
  }

  /** In mlagents-learn's structure, to be read back; settings that are flags only are left out. */
  public String toYaml() {
    return YamlWriter.write(this);
  }
}
