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

  private static final String ONLY_PPO = "it belongs to trainer_type ppo";
  private static final String ONLY_SAC = "it belongs to trainer_type sac";
  private static final String EXTRINSIC_ONLY =
      "only the extrinsic reward is learned from; remove it";

  static final List<MlagentsKey> ALL =
      List.of(
          error(
              BEHAVIOR + "trainer_type",
              "Bellman trains dqn; start from a file with trainer_type: dqn, whose hyperparameters"
                  + " differ (bellman train --help names them)",
              "dqn"),
          warning(HYPER + "beta", ONLY_PPO),
          warning(
              HYPER + "epsilon",
              "it belongs to trainer_type ppo; a dqn has exploration_initial_eps"),
          warning(HYPER + "lambd", ONLY_PPO),
          warning(HYPER + "num_epoch", ONLY_PPO),
          warning(HYPER + "shared_critic", ONLY_PPO),
          warning(HYPER + "beta_schedule", ONLY_PPO),
          warning(HYPER + "epsilon_schedule", ONLY_PPO),
          warning(HYPER + "init_entcoef", ONLY_SAC),
          error(
              HYPER + "learning_rate_schedule",
              "the learning rate stays constant; write constant",
              "constant"),
          error(
              HYPER + "exploration_schedule",
              "epsilon falls linearly; write linear and set exploration_fraction",
              "linear"),
          warning(
              HYPER + "tau",
              "the target network is copied whole every target_update_interval agent steps"),
          warning(HYPER + "reward_signal_steps_per_update", "there is no learned reward signal"),
          error(
              NETWORK + "normalize",
              "vectors are not normalised on the way; let the scene's sensors scale them to about -1"
                  + " to 1 and write false",
              "false"),
          error(NETWORK + "memory", "there is no recurrent network; remove it"),
          warning(
              NETWORK + "deterministic",
              "chance in testing is exploration_eval_eps; write 0 there",
              "false"),
          error(
              REWARD + "extrinsic.strength",
              "rewards are taken as they are; write 1.0",
              "1.0",
              "1"),
          warning(REWARD + "extrinsic.network_settings", "a reward has no network of its own"),
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
          warning(
              "env_settings.num_envs",
              "one player at a time; --agents N gives the embedded one N areas",
              "1"),
          warning("env_settings.num_areas", "the player keeps its own", "1"),
          warning("engine_settings.no_graphics_monitor", "there is one player", "false"),
          warning("checkpoint_settings.load_model", "resume goes on with a run", "false"),
          warning(
              "checkpoint_settings.train_model",
              "it trains unless inference is set",
              "true",
              "false"),
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
