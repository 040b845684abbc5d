package bellman.rl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class SettingsTest {
  static List<Settings.Row> all() {
    return Settings.all();
  }

  @ParameterizedTest
  @MethodSource("all")
  void everySettingIsWhole(Settings.Row row) {
    assertThat(row.declared()).as(row.name()).isNotNull();
    assertThat(row.doc()).as(row.name()).isNotBlank().doesNotEndWith(".");
    assertThat(row.flag()).matches("--[a-z]+(-[a-z]+)*");
    if (!row.isSwitch() && !row.isList() && !row.isMap()) {
      assertThat(row.defaultText()).as(row.name()).isNotBlank();
    }
    if (!row.declared().matches().isEmpty()) {
      assertThat(row.range()).as(row.name()).isNotBlank();
    }
    // The text of the default is a value like any other.
    assertThat(row.textIn(RunConfig.defaults())).isNotBlank();
  }

  @Test
  void namesFlagsAndPlacesAreUnique() {
    List<String> names = Settings.all().stream().map(Settings.Row::name).toList();
    List<String> places = Settings.all().stream().flatMap(r -> r.yaml().stream()).toList();
    assertThat(new HashSet<>(names)).hasSameSizeAs(names);
    assertThat(new HashSet<>(places)).hasSameSizeAs(places);
    assertThat(places).noneMatch(p -> MlagentsKey.at(p).isPresent());
  }

  @ParameterizedTest
  @CsvSource({
    "steps, --steps, behaviors.*.max_steps, 50000",
    "testSteps, --test-steps, behaviors.*.test_steps, 5000",
    "stopAfter, --stop-after, , off",
    "batchSize, --batch-size, behaviors.*.hyperparameters.batch_size, 32",
    "bufferSize, --buffer-size, behaviors.*.hyperparameters.buffer_size, 10000",
    "bufferInitSteps, --buffer-init-steps, behaviors.*.hyperparameters.buffer_init_steps, 5000",
    "stepsPerUpdate, --steps-per-update, behaviors.*.hyperparameters.steps_per_update, 1",
    "learningRate, --learning-rate, behaviors.*.hyperparameters.learning_rate, 2.5e-4",
    "learningRateWarmup, --learning-rate-warmup,"
        + " behaviors.*.hyperparameters.learning_rate_warmup, 1000",
    "gamma, --gamma, behaviors.*.reward_signals.extrinsic.gamma, 0.9",
    "targetUpdateInterval, --target-update-interval,"
        + " behaviors.*.hyperparameters.target_update_interval, 500",
    "epsilonInitial, --epsilon-initial, behaviors.*.hyperparameters.exploration_initial_eps, 1.0",
    "epsilonFinal, --epsilon-final, behaviors.*.hyperparameters.exploration_final_eps, 0.1",
    "epsilonEval, --epsilon-eval, behaviors.*.hyperparameters.exploration_eval_eps, 0.05",
    "explorationFraction, --exploration-fraction,"
        + " behaviors.*.hyperparameters.exploration_fraction, 0.8",
    "seed, --seed, seed, random",
    "device, --device, torch_settings.device, auto",
    "precision, --precision, torch_settings.precision, auto",
    "threads, --threads, torch_settings.threads, cores",
    "reproducible, --reproducible, torch_settings.reproducible, off",
    "runId, --run-id, checkpoint_settings.run_id, <Behavior>-<date-time>",
    "resultsDir, --results-dir, checkpoint_settings.results_dir, results",
    "firstAction, --first-action, behaviors.*.first_action, auto",
    "goalConditioning, --goal-conditioning,"
        + " behaviors.*.network_settings.goal_conditioning_type, gate",
    "env, --env, env_settings.env_path, embedded",
    "editor, --editor, env_settings.editor, off",
    "listen, --listen, env_settings.listen, off",
    "maxLifetimeRestarts, --max-lifetime-restarts, env_settings.max_lifetime_restarts, 10",
    "restartsRateLimitN, --restarts-rate-limit-n, env_settings.restarts_rate_limit_n, 1",
    "restartsRateLimitPeriodS, --restarts-rate-limit-period-s,"
        + " env_settings.restarts_rate_limit_period_s, 60",
    "timeScale, --time-scale, engine_settings.time_scale, 12",
    "testTimeScale, --test-time-scale, engine_settings.test_time_scale, 1",
    "checkpointEpisodes, --checkpoint-episodes, behaviors.*.checkpoint_episodes, 100",
    "summaryEpisodes, --summary-episodes, behaviors.*.summary_episodes, 10",
    "maxGradientNorm, --max-gradient-norm, behaviors.*.hyperparameters.max_gradient_norm, off",
    "compat, --compat, behaviors.*.compat, none",
    "visEncodeType, --vis-encode-type, behaviors.*.network_settings.vis_encode_type, nature_cnn",
    "hiddenUnits, --hidden-units, behaviors.*.network_settings.hidden_units, auto",
    "numLayers, --num-layers, behaviors.*.network_settings.num_layers, auto",
    "observations, --observations, behaviors.*.observations, all",
    "width, --width, engine_settings.width, 84",
    "height, --height, engine_settings.height, 84",
    "qualityLevel, --quality-level, engine_settings.quality_level, 5",
    "targetFrameRate, --target-frame-rate, engine_settings.target_frame_rate, -1",
    "captureFrameRate, --capture-frame-rate, engine_settings.capture_frame_rate, 60",
    "saveReplay, --save-replay, behaviors.*.hyperparameters.save_replay_buffer, on",
    "resume, --resume, checkpoint_settings.resume, off",
    "force, --force, checkpoint_settings.force, off",
    "inference, --inference, checkpoint_settings.inference, off"
  })
  void theTableOfNames(String name, String flag, String place, String byDefault) {
    Settings.Row row = Settings.named(name);
    assertThat(row.flag()).isEqualTo(flag);
    assertThat(row.yaml().stream().findFirst().orElse(null)).isEqualTo(place);
    assertThat(row.defaultText()).isEqualTo(byDefault);
  }

  @Test
  void theDefaultsAreTheTutorials() {
    RunConfig config = RunConfig.defaults();
    assertThat(config.learning().steps()).isEqualTo(50_000);
    assertThat(config.learning().learningRate()).isEqualTo(2.5e-4);
    assertThat(config.learning().maxGradientNorm()).isEmpty();
    assertThat(config.world().env()).isEmpty();
    assertThat(config.world().agents()).isEqualTo(1);
    assertThat(config.compute().threads()).isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(config.compute().seed()).isNotNegative();
    assertThat(RunConfig.defaults().compute().seed()).isNotEqualTo(config.compute().seed());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "batchSize | 0 | batchSize is 0; allowed: 1 to 65,536",
        "batchSize | 99999999999 | batchSize is 99999999999; allowed: 1 to 65,536",
        "batchSize | 1.5 | batchSize: '1.5' is not a whole number; allowed: 1 to 65,536",
        "steps | 1e999999999 | steps is 1e999999999; allowed: 1 or more",
        "learningRate | 0 | learningRate is 0; allowed: above 0, at most 1",
        "learningRate | NaN | learningRate: 'NaN' is not a number; allowed: above 0, at most 1",
        "gamma | 1.01 | gamma is 1.01; allowed: 0 to 1",
        "maxGradientNorm | -1 | maxGradientNorm is -1; allowed: above 0",
        "firstAction | -1 | firstAction is -1; allowed: 0 to 1,023",
        "maxLifetimeRestarts | -2 | maxLifetimeRestarts is -2; allowed: -1 to 2,147,483,647",
        "restartsRateLimitN | -2 | restartsRateLimitN is -2; allowed: -1 to 2,147,483,647",
        "restartsRateLimitPeriodS | 0 | restartsRateLimitPeriodS is 0; allowed: 1 to 2,147,483,647",
        "compat | old | compat: 'old' is not known; allowed: none, tutorial",
        "precision | fp16 | precision: 'fp16' is not known; allowed: auto, fp32, tf32, bf16",
        "device | gpu | device is gpu; allowed: auto, cuda, cuda:N, cpu, onednn, java, reference",
        "runId | a/b | runId is a/b; allowed: letters, digits, _ and, after the first, space . + = @ -",
        "runId | .. | runId is ..; allowed: letters, digits, _ and, after the first, space . + = @ -",
        "reproducible | yes | reproducible: 'yes' is not true or false",
        "batchsize | 3 | no setting is called 'batchsize'; did you mean batchSize?"
      })
  void whatCannotBeIsRefused(String name, String text, String message) {
    assertThatThrownBy(() -> RunConfig.defaults().with(name, text))
        .isInstanceOf(ConfigException.class)
        .hasMessage(message);
  }

  @Test
  void aConfigurationMadeByHandIsCheckedToo() {
    RunConfig good = RunConfig.defaults();
    RunConfig.Exploration bad = new RunConfig.Exploration(1.5, 0.1, Double.NaN);
    assertThatThrownBy(
            () ->
                new RunConfig(
                    good.learning(),
                    good.network(),
                    bad,
                    good.evaluation(),
                    good.world(),
                    good.compute(),
                    good.folder(),
                    good.reporting()))
        .hasMessage("epsilonInitial is 1.5; allowed: 0 to 1");
    assertThatThrownBy(() -> Settings.checkRanges(new RunConfig.Exploration(1, 0.1, Double.NaN)))
        .hasMessage("explorationFraction is NaN; allowed: 0 to 1");
  }

  @ParameterizedTest
  @CsvSource({
    "bufferSize, 31, batchSize is 32 and bufferSize 31",
    "resume, true, resume needs the name of a run",
    "workerId, 60000, basePort 60000 + workerId 60000 is beyond"
  })
  void settingsThatContradictEachOtherAreRefused(String name, String text, String message) {
    RunConfig config = RunConfig.defaults().with("basePort", "60000");
    assertThatThrownBy(() -> config.with(name, text)).hasMessageContaining(message);
  }

  @Test
  void theReplayHasRoomForEachAgentsTransition() {
    RunConfig small = RunConfig.defaults().with("bufferSize", "32");
    assertThat(small.with("agents", "32").world().agents()).isEqualTo(32);
    assertThatThrownBy(() -> small.with("agents", "400"))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "agents is 400 and bufferSize 32: each agent adds a transition in a step, so raise"
                + " --buffer-size or lower --agents");
  }

  @Test
  void aRunHasOneWorld() {
    RunConfig editor = RunConfig.defaults().with("editor", "true");
    assertThatThrownBy(() -> editor.with("listen", "6000"))
        .hasMessageContaining("give one of --env, --editor and --listen");
    assertThatThrownBy(() -> editor.with("agents", "9")).hasMessageContaining("leave out --agents");
    assertThatThrownBy(() -> editor.with("workerId", "1")).hasMessageContaining("port 5004");
  }

  @Test
  void theNearestName() {
    List<String> known = List.of("batch_size", "buffer_size", "gamma");
    assertThat(Nearest.to("batchSize", known)).contains("batch_size");
    assertThat(Nearest.to("bufer_size", known)).contains("buffer_size");
    assertThat(Nearest.to("gama", known)).contains("gamma");
    assertThat(Nearest.to("momentum", known)).isEmpty();
    assertThat(Nearest.distance("kitten", "sitting")).isEqualTo(3);
    assertThat(Nearest.distance("", "abc")).isEqualTo(3);
  }
}
