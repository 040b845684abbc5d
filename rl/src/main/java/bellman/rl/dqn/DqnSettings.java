package bellman.rl.dqn;

/**
 * The hyperparameters of DQN. Those of Adam are checked there.
 *
 * @param batchSize transitions in an update
 * @param bufferSize transitions in the replay
 * @param bufferInitSteps agent steps before the first update
 * @param stepsPerUpdate agent steps for each update
 * @param learningRate of Adam
 * @param learningRateWarmup updates over which it rises from 0 in equal steps; 0: none
 * @param gamma γ, the discount of one step
 * @param targetUpdateInterval agent steps between copies of θ to θ⁻
 * @param epsilon of ε-greedy acting
 * @param maxGradientNorm gradients are scaled down to this global norm; infinity: never
 * @param tutorial the tutorial's schedules and its disregard of masks instead of the right ones
 * @param seed of all streams: initial weights, exploration, sampling
 * @param network what Q looks like
 */
public record DqnSettings(
    int batchSize,
    int bufferSize,
    int bufferInitSteps,
    double stepsPerUpdate,
    double learningRate,
    int learningRateWarmup,
    double gamma,
    int targetUpdateInterval,
    Epsilon epsilon,
    double maxGradientNorm,
    boolean tutorial,
    long seed,
    NetworkSettings network) {
  public DqnSettings {
    require("batchSize", batchSize >= 1, "1 or more", batchSize);
    require("bufferSize", bufferSize >= 1, "1 or more", bufferSize);
    require("bufferInitSteps", bufferInitSteps >= 0, "0 or more", bufferInitSteps);
    require(
        "stepsPerUpdate",
        stepsPerUpdate > 0 && stepsPerUpdate < Double.POSITIVE_INFINITY,
        "above 0",
        stepsPerUpdate);
    require("learningRateWarmup", learningRateWarmup >= 0, "0 or more", learningRateWarmup);
    require("gamma", gamma >= 0 && gamma <= 1, "in [0, 1]", gamma);
    require("targetUpdateInterval", targetUpdateInterval >= 1, "1 or more", targetUpdateInterval);
  }

  static void require(String name, boolean sound, String rule, Number value) {
    if (!sound) {
      throw new IllegalArgumentException("dqn: " + name + " is " + rule + ", got " + value);
    }
  }

  /** The tutorial's figures, and a warm-up, for a run of {@code steps}. */
  public static DqnSettings tutorial(long steps, long seed) {
    return new DqnSettings(
        32,
        10_000,
        5_000,
        1,
        2.5e-4,
        1000,
        0.9,
        500,
        new Epsilon(1.0, 0.1, 0.05, Math.round(0.8 * steps)),
        Double.POSITIVE_INFINITY,
        false,
        seed,
        NetworkSettings.DEFAULT);
  }

  public DqnSettings withSizes(int batchSize, int bufferSize, int bufferInitSteps) {
    return new DqnSettings(
        batchSize,
        bufferSize,
        bufferInitSteps,
        stepsPerUpdate,
        learningRate,
        learningRateWarmup,
        gamma,
        targetUpdateInterval,
        epsilon,
        maxGradientNorm,
        tutorial,
        seed,
        network);
  }

  public DqnSettings withLearningRateWarmup(int learningRateWarmup) {
    return new DqnSettings(
        batchSize,
        bufferSize,
        bufferInitSteps,
        stepsPerUpdate,
        learningRate,
        learningRateWarmup,
        gamma,
        targetUpdateInterval,
        epsilon,
        maxGradientNorm,
        tutorial,
        seed,
        network);
  }
}
