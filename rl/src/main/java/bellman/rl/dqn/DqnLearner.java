package bellman.rl.dqn;

import bellman.engine.CapturedStep;
import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.RandomStream;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Adam;
import bellman.nn.Huber;
import bellman.nn.Loss;
import bellman.nn.Sequential;
import bellman.nn.Weights;
import bellman.rl.Agent;
import bellman.rl.env.Spec;
import bellman.rl.replay.Batch;
import bellman.rl.replay.Replay;

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
  private final Sequential online; // Q(·, ·; θ)
  private final Sequential target; // Q(·, ·; θ⁻)
  private final Loss huber = new Huber();
  private final Adam adam;
  private final RandomStream sampling;
  private final CapturedStep<Tensor> update;

  // Over the updates since the last drain: sums of L, mean Q(s, a) and mean y; the largest |∂L/∂θ|.
  private final Tensor lossSum;
  private final Tensor qSum;
  private final Tensor targetSum;
  private final Tensor largestGradient;
  private long updates;
  private long drained;

  public DqnLearner(Device device, Spec spec, Replay replay, DqnSettings settings) {
    this.device = device;
    this.settings = settings;
    this.replay = replay;
    onlineWeights = new Weights(device, settings.seed());
    online = QNetworks.of(onlineWeights, spec);
    targetWeights = new Weights(device, settings.seed());
    target = QNetworks.of(targetWeights, spec);
    adam =
        new Adam(
            onlineWeights,
            Adam.Settings.defaults()
                .withLearningRate(settings.learningRate())
                .withMaxGradientNorm(settings.maxGradientNorm()));
    sampling = device.random(settings.seed(), "sampling");
    lossSum = device.state("loss", new float[1], Shape.scalar());
    qSum = device.state("mean Q", new float[1], Shape.scalar());
    targetSum = device.state("mean target", new float[1], Shape.scalar());
    largestGradient = device.state("largest gradient", new float[1], Shape.scalar());
    update = device.capture("update", this::learn);
    syncTarget();
  }

  /** One update; the replay must hold a transition. */
  public void update() {
    update.run();
    updates++;
  }

  /** L(θ) = mean Huber(Q(s, a; θ) − y). Returns L. */
  private Tensor learn() {
    Batch b = replay.sample(sampling, settings.batchSize());
    Device.Both<Tensor, Tensor> both =
        device.fork(
            () -> online.forward(b.s()).pick(b.a()).named("Q(s,a)"),
            () -> Tensor.withoutGradient(() -> bellman(b)));
    Tensor q = both.first(); // [B]
    Tensor y = both.second(); // [B]
    Tensor loss = huber.of(q, y); // []
    Gradients gradients = loss.backward();
    lossSum.accumulate(loss);
    qSum.accumulate(q.mean());
    targetSum.accumulate(y.mean());
    largestGradient.accumulateMax(gradients.of(onlineWeights.parameters()).maxAbs());
    adam.step(gradients);
    sampling.advance();
    return loss;
  }

  /** y = r + γ max_a Q(s′, a; θ⁻). γ and terminals are already in discount. */
  private Tensor bellman(Batch b) {
    Tensor qNext = target.forward(b.sNext());
    return TdTarget.qLearning(b.r(), b.discount(), qNext, b.forbiddenNext());
  }

  /** θ⁻ ← θ. */
  public void syncTarget() {
    targetWeights.copyFrom(onlineWeights);
  }

  /** The network that acts. */
  public Sequential online() {
    return online;
  }

  public long updates() {
    return updates;
  }

  public double learningRate() {
    return settings.learningRate();
  }

  /** Means over the updates since the last call. */
  public Agent.Statistics drainStatistics() {
    long n = updates - drained;
    if (n == 0) {
      return Agent.Statistics.none();
    }
    Agent.Statistics statistics =
        new Agent.Statistics(
            n, lossSum.item() / n, qSum.item() / n, targetSum.item() / n, largestGradient.item());
    for (Tensor sum : new Tensor[] {lossSum, qSum, targetSum, largestGradient}) {
      sum.set(new float[1]);
    }
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

  /** Goes on counting from a saved number; what was gathered since the last drain is dropped. */
  void restoreUpdates(long updates) {
    drainStatistics();
    this.updates = updates;
    this.drained = updates;
  }

  @Override
  public void close() {
    update.close();
  }
}
