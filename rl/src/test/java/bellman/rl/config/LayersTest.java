package bellman.rl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Precision;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayersTest {
  private static String sample(String name) {
    try (InputStream in = LayersTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static EnvironmentParameter number(double x) {
    return EnvironmentParameter.constant(x);
  }

  private static Resolved read(String text) {
    return new Layers().yaml("run.yaml", text).resolve();
  }

  @Test
  void aFileOfMlagentsLearn() {
    Resolved resolved = new Layers().yaml("dqn.yaml", sample("gridworld-dqn.yaml")).resolve();
    RunConfig config = resolved.config();
    assertThat(config.learning())
        .isEqualTo(
            new RunConfig.Learning(
                20_000,
                64,
                20_000,
                1000,
                4,
                1e-3,
                1000,
                0.95,
                250,
                OptionalDouble.empty(),
                RunConfig.Compat.NONE));
    assertThat(config.exploration()).isEqualTo(new RunConfig.Exploration(0.9, 0.02, 0.8));
    assertThat(config.world().behavior()).contains("GridWorld");
    assertThat(config.world().env()).isEmpty();
    assertThat(config.world().maxLifetimeRestarts()).isEqualTo(-1);
    assertThat(config.world().restartsRateLimitN()).isEqualTo(3);
    assertThat(config.world().restartsRateLimitPeriodS()).isEqualTo(90);
    assertThat(config.world().noGraphics()).isTrue();
    assertThat(config.world().timeScale()).isEqualTo(20);
    assertThat(config.world().environmentParameters())
        .isEqualTo(Map.of("gridSize", number(6), "numExGoals", number(2)));
    assertThat(config.folder().runId()).contains("sample");
    assertThat(config.compute().device()).isEqualTo("cpu");
    assertThat(config.compute().seed()).isEqualTo(7);
    assertThat(resolved.origins())
        .containsEntry("batchSize", "dqn.yaml:12")
        .doesNotContainKey("resultsDir");
    assertThat(resolved.warnings())
        .containsExactly(
            "dqn.yaml:6: behaviors.GridWorld.time_horizon: '5': has no effect: a transition is one"
                + " step");
    assertThat(config.reporting().summaryFreq()).hasValue(20_000);
    assertThat(config.folder().keepCheckpoints()).isEqualTo(3);
  }

  /** Every key that means nothing to a DQN is named once, and the run goes on. */
  @Test
  void aWholeConfigurationThatMlagentsLearnWrote() {
    Resolved resolved =
        new Layers().yaml("all.yaml", sample("mlagents-configuration.yaml")).resolve();
    RunConfig config = resolved.config();
    assertThat(config.learning().gamma()).isEqualTo(0.99);
    assertThat(config.learning().batchSize()).isEqualTo(128);
    assertThat(config.network())
        .isEqualTo(
            new RunConfig.Network(
                RunConfig.VisEncodeType.SIMPLE, OptionalInt.of(256), OptionalInt.of(2)));
    assertThat(config.world().goalConditioning()).isEqualTo(RunConfig.GoalConditioning.GATE);
    assertThat(config.world().environmentParameters().toString())
        .isEqualTo(
            "{zeta=constant[5]@1234, gridSize=uniform[3,7], mass=gaussian[2,1]@42,"
                + " wind=multirangeuniform[7,10,15,20]@1236}");
    assertThat(config.world().width()).isEqualTo(100);
    assertThat(config.world().captureFrameRate()).isEqualTo(30);
    assertThat(config.folder().force()).isTrue();
    assertThat(config.folder().resume()).isFalse();
    assertThat(resolved.warnings().stream().map(w -> w.split(": ", 3)[1]))
        .containsExactly(
            "behaviors.GridWorld.hyperparameters.beta",
            "behaviors.GridWorld.hyperparameters.epsilon",
            "behaviors.GridWorld.hyperparameters.tau",
            "behaviors.GridWorld.checkpoint_interval",
            "behaviors.GridWorld.network_settings.goal_conditioning_type",
            "behaviors.GridWorld.reward_signals.extrinsic.network_settings",
            "behaviors.GridWorld.even_checkpoints",
            "behaviors.GridWorld.time_horizon",
            "behaviors.GridWorld.threaded",
            "env_settings.num_envs",
            "environment_parameters.wind.curriculum.completion_criteria",
            "debug");
    assertThat(resolved.warnings()).allMatch(w -> w.contains("has no effect: "));
    RunConfig again = read(config.toYaml()).config();
    assertThat(again).isEqualTo(config.with("force", "false")); // which belonged to that one call
    assertThat(again.world().environmentParameters().keySet())
        .containsExactlyElementsOf(config.world().environmentParameters().keySet());
  }

  @Test
  void aTypedFlagWinsOverAFileThatSaysTheContrary() {
    String file = "checkpoint_settings: {run_id: a, resume: true, force: true, initialize_from: b}";
    RunConfig.Folder fromFile = read(file).config().folder(); // resume wins in a file
    assertThat(fromFile.resume()).isTrue();
    assertThat(fromFile.force()).isFalse();
    assertThat(fromFile.initializeFrom()).isEmpty();
    Layers typed = new Layers().yaml("run.yaml", file);
    RunConfig.Folder folder =
        typed.flag("initializeFrom", List.of("c")).resolve().config().folder();
    assertThat(folder.initializeFrom()).contains("c");
    assertThat(folder.resume()).isFalse();
    assertThat(folder.force()).isTrue();
    assertThatThrownBy(() -> typed.flag("resume", List.of("true")).resolve())
        .hasMessageStartingWith("resume and initializeFrom exclude each other");
    RunConfig.Folder switchedOff =
        new Layers()
            .yaml("run.yaml", file)
            .flag("resume", List.of("false"))
            .resolve()
            .config()
            .folder();
    assertThat(switchedOff.force()).isTrue();
    assertThat(switchedOff.initializeFrom()).contains("b");
  }

  /** Each ships with Bellman, and says of a run what its comment promises. */
  @ParameterizedTest
  @CsvSource({
    "gridworld.yaml, GridWorld, nature_cnn, auto, all, gate",
    "gridworld-unity.yaml, GridWorld, simple, 128, all, gate",
    "gridworld-goal-as-vector.yaml, GridWorld, simple, auto, all, none",
    "basic.yaml, Basic, nature_cnn, 20, all, gate"
  })
  void theExamples(
      String file, String behavior, String encoder, String units, String seen, String goals) {
    Resolved resolved = new Layers().yaml(Path.of("..", "docs", "config", file)).resolve();
    Map<String, String> texts = resolved.config().texts();
    assertThat(resolved.warnings()).isEmpty();
    assertThat(texts)
        .containsEntry("behavior", behavior)
        .containsEntry("visEncodeType", encoder)
        .containsEntry("hiddenUnits", units)
        .containsEntry("observations", seen)
        .containsEntry("goalConditioning", goals);
  }

  @Test
  void thereIsNoOtherExample() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("..", "docs", "config"))) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "gridworld.yaml",
              "gridworld-unity.yaml",
              "gridworld-goal-as-vector.yaml",
              "basic.yaml");
    }
  }

  @Test
  void theTutorialsExampleIsTheDefaults() {
    RunConfig example =
        new Layers()
            .yaml(Path.of("..", "docs", "config", "gridworld.yaml"))
            .flag("seed", List.of("1"))
            .resolve()
            .config();
    RunConfig defaults = RunConfig.defaults().with("seed", "1").with("behavior", "GridWorld");
    assertThat(example).isEqualTo(defaults);
  }

  @Test
  void aFileForPpoSaysSoFirst() {
    assertThatThrownBy(() -> read(sample("gridworld-ppo.yaml")))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "run.yaml:7: behaviors.GridWorld.trainer_type: 'ppo': Bellman trains dqn; start from a"
                + " file with trainer_type: dqn, whose hyperparameters differ (bellman train --help"
                + " names them)");
  }

  @Test
  void flagsWinOverTheFileAndTheFileOverDefaults() {
    Resolved resolved =
        new Layers()
            .yaml("dqn.yaml", sample("gridworld-dqn.yaml"))
            .flag("batchSize", List.of("128"))
            .flag("noGraphics", List.of("false"))
            .flag("environmentParameters", List.of("gridSize=7", "numPlusGoals=3"))
            .resolve();
    assertThat(resolved.config().learning().batchSize()).isEqualTo(128);
    assertThat(resolved.config().learning().bufferSize()).isEqualTo(20_000);
    assertThat(resolved.config().learning().compat()).isEqualTo(RunConfig.Compat.NONE);
    assertThat(resolved.config().world().noGraphics()).isFalse();
    assertThat(resolved.config().world().environmentParameters())
        .isEqualTo(
            Map.of("gridSize", number(7), "numExGoals", number(2), "numPlusGoals", number(3)));
    assertThat(resolved.origins()).containsEntry("batchSize", "--batch-size");
  }

  @Test
  void theBehaviorWinsOverDefaultSettings() {
    RunConfig config =
        read("""
                behaviors:
                  Other: {max_steps: 10}
                default_settings:
                  max_steps: 20
                  hyperparameters: {batch_size: 8}
                """)
            .config();
    assertThat(config.learning().steps()).isEqualTo(10);
    assertThat(config.learning().batchSize()).isEqualTo(8);
  }

  @Test
  void oneOfSeveralBehaviors() {
    String two = "behaviors: {A: {max_steps: 10}, B: {max_steps: 20}}";
    assertThatThrownBy(() -> read(two))
        .hasMessage("run.yaml:1: behaviors: holds A, B; a run trains one: give --behavior NAME");
    Resolved b = new Layers().yaml("run.yaml", two).flag("behavior", List.of("B")).resolve();
    assertThat(b.config().learning().steps()).isEqualTo(20);
    assertThatThrownBy(
            () -> new Layers().yaml("run.yaml", two).flag("behavior", List.of("C")).resolve())
        .hasMessageContaining("has no 'C', only A, B");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "behaviors: {G: {hyperparameters: {batchsize: 3}}} | run.yaml:1:"
            + " behaviors.G.hyperparameters.batchsize: unknown key; did you mean batch_size?",
        "behaviors: {G: {gamma: 0.9}} | run.yaml:1: behaviors.G.gamma: unknown key; did you mean"
            + " behaviors.<Behavior>.reward_signals.extrinsic.gamma?",
        "behaviours: {} | run.yaml:1: behaviours: unknown key; did you mean behaviors?",
        "torch_settings: {colour: 3} | run.yaml:1: torch_settings.colour: unknown key; known here:"
            + " device, precision, device_memory, threads, reproducible",
        "behaviors: {G: {hyperparameters: {batch_size: 0}}} | batchSize (run.yaml:1) is 0; allowed:"
            + " 1 to 65,536",
        "behaviors: {G: {hyperparameters: {batch_size: [1]}}} | run.yaml:1:"
            + " behaviors.G.hyperparameters.batch_size: has one value; write it on the same line",
        "behaviors: {G: {hyperparameters: 3}} | run.yaml:1: behaviors.G.hyperparameters: holds keys;"
            + " write 'key: value' lines below it",
        "behaviors: {G: {network_settings: {vis_encode_type: resnet}}} | visEncodeType (run.yaml:1):"
            + " 'resnet' is not known; allowed: nature_cnn, simple, match3, fully_connected",
        "behaviors: {G: {network_settings: {hidden_units: 0}}} | hiddenUnits (run.yaml:1) is 0;"
            + " allowed: 1 to 65,536",
        "behaviors: {G: {network_settings: {normalize: true}}} | run.yaml:1:"
            + " behaviors.G.network_settings.normalize: 'true': vectors are not normalised on the way;"
            + " let the scene's sensors scale them to about -1 to 1 and write false",
        "behaviors: {G: {network_settings: {memory: {memory_size: 64}}}} | run.yaml:1:"
            + " behaviors.G.network_settings.memory: there is no recurrent network; remove it",
        "behaviors: {G: {hyperparameters: {learning_rate_schedule: linear}}} | run.yaml:1:"
            + " behaviors.G.hyperparameters.learning_rate_schedule: 'linear': the learning rate stays"
            + " constant; write constant",
        "behaviors: {G: {reward_signals: {extrinsic: {gamma: 0.9}}, hyperparameters: {gamma: 0.8}}} |"
            + " run.yaml:1: behaviors.G.hyperparameters.gamma: gamma was already 0.9 in line 1; remove"
            + " one",
        "behaviors: {G: {reward_signals: {curiosity: {gamma: 1}}}} | run.yaml:1:"
            + " behaviors.G.reward_signals.curiosity: only the extrinsic reward is learned from;"
            + " remove it",
        "seed: 3\\nseed: 4 | run.yaml:2: seed: stands here twice; remove one",
        "seed: 3\\nenv_settings: {seed: 4} | run.yaml:2: env_settings.seed: seed was already 3 in"
            + " line 1; remove one",
        "environment_parameters: {g: [5]} | run.yaml:1: environment_parameters.g: has a number, as in"
            + " 5.0, or a sampler",
        "environment_parameters: {g: {sampler_type: unifrom}} | run.yaml:1:"
            + " environment_parameters.g.sampler_type: 'unifrom' is none of constant, uniform, gaussian,"
            + " multirangeuniform; did you mean uniform?",
        "environment_parameters: {g: {sampler_parameters: {}}} | run.yaml:1: environment_parameters.g:"
            + " has no sampler_type; write one of constant, uniform, gaussian, multirangeuniform",
        "environment_parameters: {g: {sampler_type: uniform, sampler_parameters: {max_valu: 3}}} |"
            + " run.yaml:1: environment_parameters.g.sampler_parameters.max_valu: unknown key; did you mean"
            + " max_value?",
        "environment_parameters: {g: {sampler_type: uniform, sampler_parameters: {min_value: 7,"
            + " max_value: 3}}} | environmentParameters (run.yaml:1): g=uniform[7,3]: uniform of 7, 3: its"
            + " smallest number 7 is above its largest 3",
        "environment_parameters: {g: {sampler_type: gaussian, sampler_parameters: {st_dev: -1}}} |"
            + " environmentParameters (run.yaml:1): g=gaussian[1,-1]: gaussian of 1, -1: its standard"
            + " deviation is below 0",
        "environment_parameters: {g: {sampler_type: multirangeuniform, sampler_parameters: {intervals:"
            + " [[1, 2], [3]]}}} | run.yaml:1: environment_parameters.g.sampler_parameters.intervals:"
            + " holds pairs, as in [[7.0, 8.0], [15.0, 20.0]]",
        "environment_parameters: {g: {curriculum: [{value: 1}, {value: 2}]}} | run.yaml:1:"
            + " environment_parameters.g.curriculum: lessons that follow each other are not supported;"
            + " keep one, or write a number, as in 5.0",
        "environment_parameters: {g: five} | environmentParameters (run.yaml:1): 'g=five' is not"
            + " NAME=X, or for X uniform[MIN,MAX], gaussian[MEAN,DEVIATION] or"
            + " multirangeuniform[MIN,MAX,MIN,MAX], each with @SEED if need be",
        "just words | run.yaml:1: the file: holds keys; write 'key: value' lines below it"
      })
  void whatAFileCannotSay(String text, String message) {
    assertThatThrownBy(() -> read(text.replace("\\n", "\n")))
        .isInstanceOf(ConfigException.class)
        .hasMessage(message);
  }

  @Test
  void brokenYamlNamesItsLine() {
    assertThatThrownBy(() -> read("seed: 3\nbehaviors: [a\n"))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("run.yaml:3: no valid YAML: ");
    assertThatThrownBy(() -> new Layers().yaml(Path.of("nowhere.yaml")))
        .hasMessageStartingWith("there is no file 'nowhere.yaml'");
  }

  /** As Windows PowerShell writes files: UTF-16 by >, a byte order mark by Out-File. */
  @Test
  void aFileIsInUtf8(@TempDir Path folder) throws IOException {
    Path utf16 = folder.resolve("my.yaml");
    Files.write(utf16, "\uFEFFseed: 3\n".getBytes(StandardCharsets.UTF_16LE));
    assertThatThrownBy(() -> new Layers().yaml(utf16))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("'" + utf16 + "' is not in UTF-8; save it as UTF-8. Windows Power");
    Path marked = Files.writeString(folder.resolve("marked.yaml"), "\uFEFFseed: 3\n");
    assertThat(new Layers().yaml(marked).resolve().config().compute().seed()).isEqualTo(3);
  }

  @Test
  void aFolderIsNoFile(@TempDir Path folder) {
    for (Path none : new Path[] {folder, folder.getRoot()}) {
      assertThatThrownBy(() -> new Layers().yaml(none))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("'" + none + "' cannot be read: ");
    }
  }

  @Test
  void anEmptyFileIsTheDefaults() {
    assertThat(read("").origins().keySet()).containsExactlyInAnyOrder("seed", "threads");
    assertThat(read("behaviors:\n").config().learning()).isEqualTo(RunConfig.defaults().learning());
  }

  @Test
  void whatIsWrittenReadsBack() {
    RunConfig odd =
        new Layers()
            .flag("steps", List.of("123"))
            .flag("maxGradientNorm", List.of("0.5"))
            .flag("learningRate", List.of("0.00001234"))
            .flag("env", List.of("builds/Grid World: 2"))
            .flag("envArgs", List.of("-x", "true", "12", "a b"))
            .flag("basePort", List.of("0"))
            .flag("behavior", List.of("Grid: #1"))
            .flag("firstAction", List.of("0"))
            .flag("goalConditioning", List.of("none"))
            .flag("precision", List.of("BF16"))
            .flag("reproducible", List.of("true"))
            .flag("runId", List.of("2024"))
            .flag("initializeFrom", List.of("null"))
            .flag("compat", List.of("tutorial"))
            .flag("environmentParameters", List.of("gridSize=5.5,a.b=-1e-9"))
            .resolve()
            .config();
    assertThat(odd.compute().precision()).contains(Precision.BF16);
    assertThat(read(odd.toYaml()).config()).isEqualTo(odd);

    RunConfig plain = RunConfig.defaults();
    assertThat(plain.toYaml()).startsWith("default_settings:\n  trainer_type: dqn\n");
    assertThat(read(plain.toYaml()).config()).isEqualTo(plain);
  }

  @Test
  void everySettingOfAFileReadsBack() {
    for (Settings.Row row : Settings.all()) {
      if (row.yaml().isEmpty() || row.declared().once()) {
        continue;
      }
      String other =
          switch (row.name()) {
            case "env", "resultsDir", "initializeFrom", "runId" -> "other";
            case "envArgs" -> "x";
            case "device" -> "cuda:3";
            case "precision" -> "bf16";
            case "compat" -> "tutorial";
            case "visEncodeType" -> "simple";
            case "observations" -> "1, CameraSensor";
            case "goalConditioning" -> "none";
            case "environmentParameters" -> "x=3,y=gaussian[1,0.5]";
            case "saveReplay" -> "false";
            default -> row.isSwitch() ? "true" : row.declared().max() <= 1 ? "0.375" : "77";
          };
      Layers layers = new Layers().flag(row.name(), List.of(other));
      if (row.name().equals("envArgs")) {
        layers.flag("env", List.of("x"));
      }
      RunConfig changed = layers.resolve().config();
      assertThat(row.in(changed)).as(row.name()).isNotEqualTo(row.in(RunConfig.defaults()));
      assertThat(read(changed.toYaml()).config()).as(row.name()).isEqualTo(changed);
    }
  }

  @Test
  void theListingNamesOrigins() {
    String listing =
        new Layers()
            .flag("seed", List.of("7"))
            .flag("batchSize", List.of("64"))
            .flag("threads", List.of("3"))
            .resolve()
            .describe();
    assertThat(listing)
        .startsWith(
            """
            learning    steps 50000, batchSize 64 (--batch-size), bufferSize 10000, bufferInitSteps 5000
                        stepsPerUpdate 1, learningRate 2.5e-4, learningRateWarmup 1000, gamma 0.9
                        targetUpdateInterval 500, maxGradientNorm off, compat none
            """)
        .contains(
            "compute     device auto, precision auto, cudaLib search, deviceMemory all, threads 3")
        .doesNotContain("resume", "quiet");
    assertThat(listing.lines()).allMatch(line -> line.length() <= 100);
  }
}
