package bellman.rl.config;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A key of mlagents-learn that is no setting here. A harmless value passes in silence; any other is
 * an error where it would change what is learned, else a warning that it has no effect.
 *
 * @param path as in {@link Setting#yaml}; everything below it is meant too
 * @param harmless values that say what Bellman does anyway
 * @param error whether another value is an error
 * @param why what the user should know
 */
record MlagentsKey(String path, List<String> harmless, boolean error, String why) {
  private static final String BEHAVIOR = "behaviors.*.";
  private static final String HYPER = BEHAVIOR + "hyperparameters.";
  private static final String NETWORK = BEHAVIOR + "network_settings.";
  private static final String REWARD = BEHAVIOR + "reward_signals.";

  private static final String ONLY_PPO = "belongs to trainer_type ppo; remove it";
  private static final String ONLY_SAC = "belongs to trainer_type sac; remove it";
  private static final String NETWORK_IS_FIXED =
      "the network is the tutorial's (nature_cnn, 1 layer of 512 units, no memory); remove it";
  private static final String EXTRINSIC_ONLY =
      "only the extrinsic reward is learned from; remove it";

  static final List<MlagentsKey> ALL =
      List.of(
          error(
              BEHAVIOR + "trainer_type",
              "Bellman trains dqn; start from a file with trainer_type: dqn, whose hyperparameters"
                  + " differ (bellman train --help names them)",
              "dqn"),
          error(HYPER + "beta", ONLY_PPO),
          error(
              HYPER + "epsilon", "belongs to trainer_type ppo; a dqn has exploration_initial_eps"),
          error(HYPER + "lambd", ONLY_PPO),
          error(HYPER + "num_epoch", ONLY_PPO),
          error(HYPER + "shared_critic", ONLY_PPO),
          error(HYPER + "beta_schedule", ONLY_PPO),
          error(HYPER + "epsilon_schedule", ONLY_PPO),
          error(HYPER + "init_entcoef", ONLY_SAC),
          error(
              HYPER + "learning_rate_schedule",
              "the learning rate stays constant; write constant",
              "constant"),
          error(
              HYPER + "exploration_schedule",
              "epsilon falls linearly; write linear and set exploration_fraction",
              "linear"),
          error(HYPER + "gamma", "write it as reward_signals.extrinsic.gamma"),
          warning(
              HYPER + "tau",
              "the target network is copied whole every target_update_interval agent steps"),
          warning(HYPER + "reward_signal_steps_per_update", "there is no learned reward signal"),
          error(NETWORK + "vis_encode_type", NETWORK_IS_FIXED, "nature_cnn"),
          error(NETWORK + "hidden_units", NETWORK_IS_FIXED, "512"),
          error(NETWORK + "num_layers", NETWORK_IS_FIXED, "1"),
          error(NETWORK + "normalize", NETWORK_IS_FIXED, "false"),
          error(NETWORK + "memory", NETWORK_IS_FIXED),
          error(
              NETWORK + "deterministic",
              "chance in testing is exploration_eval_eps; write 0 there",
              "false"),
          error(
              REWARD + "extrinsic.strength",
              "rewards are taken as they are; write 1.0",
              "1.0",
              "1"),
          error(REWARD + "extrinsic.network_settings", "rewards have no network; remove it"),
          error(REWARD + "gail", EXTRINSIC_ONLY),
          error(REWARD + "curiosity", EXTRINSIC_ONLY),
          error(REWARD + "rnd", EXTRINSIC_ONLY),
          error(BEHAVIOR + "self_play", "there is no self-play; remove it"),
          error(BEHAVIOR + "behavioral_cloning", "there is no behavioral cloning; remove it"),
          error(BEHAVIOR + "init_path", "write checkpoint_settings.initialize_from"),
          warning(BEHAVIOR + "time_horizon", "a transition is one step"),
          warning(
              BEHAVIOR + "checkpoint_interval",
              "it counts steps; checkpoint_episodes counts episodes"),
          warning(BEHAVIOR + "even_checkpoints", "the newest checkpoints are kept", "false"),
          warning(BEHAVIOR + "threaded", "acting and learning take turns", "false"),
          error("env_settings.num_envs", "one player at a time; write 1, or give --agents", "1"),
          error("env_settings.num_areas", "the player decides; remove it", "1"),
          warning("engine_settings.width", "the player keeps its own", "84"),
          warning("engine_settings.height", "the player keeps its own", "84"),
          warning("engine_settings.quality_level", "the player keeps its own"),
          warning("engine_settings.target_frame_rate", "the player keeps its own", "-1"),
          warning("engine_settings.capture_frame_rate", "the player keeps its own"),
          warning("engine_settings.no_graphics_monitor", "there is one player", "false"),
          error(
              "checkpoint_settings.resume",
              "it belongs to one call, not to a file; give the flag --resume",
              "false"),
          error(
              "checkpoint_settings.force",
              "it belongs to one call, not to a file; give the flag --force",
              "false"),
          error("checkpoint_settings.inference", "run: bellman evaluate", "false"),
          warning("checkpoint_settings.load_model", "give the flag --resume", "false"),
          warning("checkpoint_settings.train_model", "bellman train always trains"),
          warning("debug", "give the flag --verbose", "false"));

  private static MlagentsKey error(String path, String why, String... harmless) {
    return new MlagentsKey(path, List.of(harmless), true, why);
  }

  private static MlagentsKey warning(String path, String why, String... harmless) {
    return new MlagentsKey(path, Arrays.asList(harmless), false, why);
  }

  /** The key that stands at this path or above it. */
  static Optional<MlagentsKey> at(String path) {
    return ALL.stream()
        .filter(k -> path.equals(k.path) || path.startsWith(k.path + "."))
        .findFirst();
  }
}
