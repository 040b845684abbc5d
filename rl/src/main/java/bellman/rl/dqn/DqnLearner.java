package bellman.rl.dqn;

import bellman.engine.CapturedStep;
import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.RandomStream;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Adam;
import bellman.nn.Huber;
import bellman.nn.Weights;
import bellman.rl.Agent;
import bellman.rl.env.Spec;
import bellman.rl.replay.Batch;
import bellman.rl.replay.Replay;
import java.util.Arrays;
import java.util.function.Function;

/**
 * The update of DQN (Mnih et al. 2015, algorithm 1): L(θ) = mean Huber(y − Q(s, a; θ)) with y = r +
 * γ max_a Q(s′, a; θ⁻), one step of Adam. From the draw of the batch to the new weights it is one
 * captured step; the host reads nothing but {@link #drainStatistics}.
 */
public final class DqnLearner implements AutoCloseable {
  private final Device device;
  private final DqnSettings settings;
  private final Replay replay;
  private final Weights onlineWeights;
  private final Weights targetWeights;
  private final QNetwork online; // Q(·, ·; θ)
  private final QNetwork target; // Q(·, ·; θ⁻)
  private final Huber huber = new Huber();
  private final Adam adam;
  private final RandomStream sampling;
  private final CapturedStep<Tensor> update;
  private final CapturedStep<Void> sync;

  // Over the updates since the last drain.
  private final Tensor sums; // [3]: of L, mean Q(s, a) and mean y
  private final Tensor largestGradient; // |∂L/∂θ|
  private long updates;
  private long drained;

  /** With the network that fits the world. */
  public DqnLearner(Device device, Spec spec, Replay replay, DqnSettings settings) {
    this(
        device,
        replay,
        settings,
        weights -> QNetwork.of(weights, spec, settings.network(), replay.frames().fold()));
  }

  /**
   * @param network makes Q(s, ·) from new weights
   */
  public DqnLearner(
      Device device, Replay replay, DqnSettings settings, Function<Weights, QNetwork> network) {
    this.device = device;
    this.settings = settings;
    this.replay = replay;
    onlineWeights = new Weights(device, settings.seed());
    online = network.apply(onlineWeights);
    targetWeights = new Weights(device, settings.seed());
    target = network.apply(targetWeights);
    adam =
        new Adam(
            onlineWeights,
            Adam.Settings.defaults()
                .withLearningRate(settings.learningRate())
                .withWarmup(settings.learningRateWarmup())
                .withMaxGradientNorm(settings.maxGradientNorm()));
    sampling = device.random(settings.seed(), "sampling");
    sums = device.state("sums of loss, Q and target", DType.FLOAT32, Shape.of(TdLoss.SUMS));
    largestGradient = device.state("largest gradient", new float[1], Shape.scalar());
    update = device.capture("update", this::learn);
    sync =
        device.capture(
            "target",
            () -> {
              targetWeights.copyFrom(onlineWeights);
              return null;
            });
    syncTarget();
  }

  /** One update; the replay must hold a transition. */
  public void update() {
    update.run();
    updates++;
  }

  /** L(θ) = mean Huber(Q(s, a; θ) − y), y = r + γ max_a Q(s′, a; θ⁻). Returns L. */
  private Tensor learn() {
    Batch b = replay.sample(sampling, settings.batchSize());
    Device.Both<Tensor, Tensor> both =
        device.fork(
            () -> online.forward(b.s()).named("Q(s, ·)"),
            () -> Tensor.withoutGradient(() -> target.forward(b.sNext()).named("Q(s′, ·)")));
    Tensor loss = TdLoss.qLearning(huber, b, both.first(), both.second(), sums); // []
    device.fork(() -> adam.descend(loss, largestGradient), sampling::advance);
    return loss;
  }

  /** θ⁻ ← θ. */
  public void syncTarget() {
    sync.run();
  }

  /** The network that acts. */
  public QNetwork online() {
    return online;
  }

  public long updates() {
    return updates;
  }

  /** Of the last update; of the first before that. */
  public double learningRate() {
    long k = Math.max(1, updates);
    int warmup = settings.learningRateWarmup();
    return settings.learningRate() * (k < warmup ? (double) k / warmup : 1);
  }

  /** Means over the updates since the last call. */
  public Agent.Statistics drainStatistics() {
    long n = updates - drained;
    if (n == 0) {
      return Agent.Statistics.none();
    }
    float[] sum = sums.toFloats();
    Agent.Statistics statistics =
        new Agent.Statistics(n, sum[0] / n, sum[1] / n, sum[2] / n, largestGradient.item());
    sums.set(new float[sum.length]);
    largestGradient.set(new float[1]);
    drained = updates;
    return statistics;
  }

  Weights onlineWeights() {
    return onlineWeights;
  }

  Weights targetWeights() {
    return targetWeights;
  }

  Adam adam() {
    return adam;
  }

  RandomStream sampling() {
    return sampling;
  }

  /**
   * All that is counted.
   *
   * @param drained updates before the last drain
   * @param gathered since then: the sums of loss, Q and target, and the largest gradient
   */
  record Counts(long updates, long drained, float[] gathered) {
    static final int GATHERED = TdLoss.SUMS + 1;

    /** Nothing gathered since the last update. */
    static Counts drained(long updates) {
      return new Counts(updates, updates, new float[GATHERED]);
    }
  }

  Counts counts() {
    float[] gathered = Arrays.copyOf(sums.toFloats(), Counts.GATHERED);
    gathered[TdLoss.SUMS] = largestGradient.item();
    return new Counts(updates, drained, gathered);
  }

  /** Goes on from saved counts. */
  void restore(Counts counts) {
    updates = counts.updates;
    drained = counts.drained;
    sums.set(Arrays.copyOf(counts.gathered, TdLoss.SUMS));
    largestGradient.set(new float[] {counts.gathered[TdLoss.SUMS]});
  }

  @Override
  public void close() {
    update.close();
    sync.close();
  }
}
