package bellman.rl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Precision;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
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
        .isEqualTo(Map.of("gridSize", 6.0, "numExGoals", 2.0));
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
        .isEqualTo(Map.of("gridSize", 7.0, "numExGoals", 2.0, "numPlusGoals", 3.0));
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
        "behaviors: {G: {hyperparameters: {epsilon: 0.2}}} | run.yaml:1:"
            + " behaviors.G.hyperparameters.epsilon: '0.2': belongs to trainer_type ppo; a dqn has"
            + " exploration_initial_eps",
        "behaviors: {G: {reward_signals: {curiosity: {gamma: 1}}}} | run.yaml:1:"
            + " behaviors.G.reward_signals.curiosity: only the extrinsic reward is learned from;"
            + " remove it",
        "seed: 3\\nseed: 4 | run.yaml:2: seed: stands here twice; remove one",
        "seed: 3\\nenv_settings: {seed: 4} | run.yaml:2: env_settings.seed: seed was already 3 in"
            + " line 1; remove one",
        "environment_parameters: {g: {sampler_type: uniform}} | run.yaml:1:"
            + " environment_parameters.g: samplers and curricula are not supported; write one"
            + " number, as in 5.0",
        "checkpoint_settings: {resume: true} | run.yaml:1: checkpoint_settings.resume: 'true': it"
            + " belongs to one call, not to a file; give the flag --resume",
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
      if (row.yaml().isEmpty()) {
        continue;
      }
      String other =
          switch (row.name()) {
            case "env", "resultsDir", "initializeFrom", "runId" -> "other";
            case "envArgs" -> "x";
            case "device" -> "cuda:3";
            case "precision" -> "bf16";
            case "compat" -> "tutorial";
            case "goalConditioning" -> "none";
            case "environmentParameters" -> "x=3";
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
