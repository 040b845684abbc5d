package bellman.nn;

import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Parameters;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Buffer;
import java.util.List;
import java.util.Map;

/**
 * Adam (Kingma &amp; Ba 2015, algorithm 1) as PyTorch's {@code torch.optim.Adam} defines it, one
 * kernel over all parameters:
 *
 * <pre>
 * t ← t + 1            g ← g + decay·p
 * m ← β₁m + (1−β₁)g    v ← β₂v + (1−β₂)g²
 * p ← p − lr·min(1, t/warmup)/(1−β₁ᵗ) · m / (√v / √(1−β₂ᵗ) + ε)
 * </pre>
 *
 * <p>The learning rate and t lie on the device, so that a captured step counts and follows a new
 * rate. Between runs the host reads and writes them.
 */
public final class Adam {
  /**
   * @param learningRate lr, 0 or more
   * @param warmup steps over which the rate rises to lr, in equal parts; 0: none
   * @param beta1 of the mean m, in [0, 1)
   * @param beta2 of the mean square v, in [0, 1)
   * @param epsilon ε, 0 or more
   * @param weightDecay factor of the L2 penalty's gradient, 0 or more (not AdamW's)
   * @param maxGradientNorm limit of {@link GradientNorm#clip} before the step; infinite: none
   */
  public record Settings(
      double learningRate,
      int warmup,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      double maxGradientNorm) {
    public Settings {
      require(
          "learningRate",
          learningRate >= 0 && learningRate < Float.MAX_VALUE,
          "0 or more",
          learningRate);
      require("warmup", warmup >= 0, "0 or more", warmup);
      require("beta1", beta1 >= 0 && beta1 < 1, "in [0, 1)", beta1);
      require("beta2", beta2 >= 0 && beta2 < 1, "in [0, 1)", beta2);
      require("epsilon", epsilon >= 0, "0 or more", epsilon);
      require("weightDecay", weightDecay >= 0, "0 or more", weightDecay);
      require("maxGradientNorm", maxGradientNorm > 0, "above 0", maxGradientNorm);
    }

    private static void require(String name, boolean sound, String rule, Object value) {
      if (!sound) {
        throw new IllegalArgumentException("adam: " + name + " is " + rule + ", got " + value);
      }
    }

    /** PyTorch's: lr 10⁻³ without a warm-up, β 0.9 and 0.999, ε 10⁻⁸, no decay, no clipping. */
    public static Settings defaults() {
      return new Settings(1e-3, 0, 0.9, 0.999, 1e-8, 0, Double.POSITIVE_INFINITY);
    }

    public Settings withLearningRate(double learningRate) {
      return new Settings(
          learningRate, warmup, beta1, beta2, epsilon, weightDecay, maxGradientNorm);
    }

    public Settings withWarmup(int warmup) {
      return new Settings(
          learningRate, warmup, beta1, beta2, epsilon, weightDecay, maxGradientNorm);
    }

    public Settings withBetas(double beta1, double beta2) {
      return new Settings(
          learningRate, warmup, beta1, beta2, epsilon, weightDecay, maxGradientNorm);
    }

    public Settings withEpsilon(double epsilon) {
      return new Settings(
          learningRate, warmup, beta1, beta2, epsilon, weightDecay, maxGradientNorm);
    }

    public Settings withWeightDecay(double weightDecay) {
      return new Settings(
          learningRate, warmup, beta1, beta2, epsilon, weightDecay, maxGradientNorm);
    }

    public Settings withMaxGradientNorm(double maxGradientNorm) {
      return new Settings(
          learningRate, warmup, beta1, beta2, epsilon, weightDecay, maxGradientNorm);
    }
  }

  /** All that a checkpoint must hold: steps taken, and m and v by parameter, as in PyTorch. */
  public record State(int t, Map<String, Values> m, Map<String, Values> v) {}

  private final Weights weights;
  private final Settings settings;
  private final Tensor m; // [places of all parameters]
  private final Tensor v;
  private final Tensor lr; // []
  private final Tensor t; // int32 []

  /** Ends the building of the network: its parameters get their memory, here and now. */
  public Adam(Weights weights, Settings settings) {
    Parameters parameters = weights.parameters();
    Device device = parameters.device();
    this.weights = weights;
    this.settings = settings;
    this.m = parameters.likeValues("adam.m");
    this.v = parameters.likeValues("adam.v");
    this.lr =
        device.state("adam.lr", new float[] {(float) settings.learningRate()}, Shape.scalar());
    this.t = device.state("adam.t", new int[1], Shape.scalar());
  }

  /** One step along −g. Every parameter needs a gradient. */
  public void step(Gradients gradients) {
    Parameters parameters = weights.parameters();
    Tensor g = gradients.of(parameters);
    if (clips()) {
      GradientNorm.clip(parameters, gradients, (float) settings.maxGradientNorm());
    }
    step(new Parameters.Range(0, g.shape().size()), null, true);
  }

  /**
   * loss.backward() and one step along −g, in which a parameter is stepped as soon as its gradient
   * is there. Where the gradients' norm is limited, all wait for all.
   *
   * @param largest a state [], raised to max |g|, before g is limited
   */
  public void descend(Tensor loss, Tensor largest) {
    Parameters parameters = weights.parameters();
    if (clips()) {
      Gradients gradients = loss.backward();
      largest.accumulateMax(gradients.of(parameters).maxAbs());
      step(gradients);
      return;
    }
    loss.backward((ready, last) -> step(ready, largest, last)).of(parameters);
    largest.buffer().written();
  }

  private boolean clips() {
    return settings.maxGradientNorm() < Double.POSITIVE_INFINITY;
  }

  private void step(List<Tensor> ready, Tensor largest, boolean last) {
    List<Parameters.Range> ranges = weights.parameters().ranges(ready);
    for (int i = 0; i < ranges.size(); i++) {
      step(ranges.get(i), largest, last && i == ranges.size() - 1);
    }
    if (last && ranges.isEmpty()) {
      t.increment(1);
    }
  }

  private void step(Parameters.Range range, Tensor largest, boolean last) {
    Tensor p = weights.parameters().values();
    p.device()
        .backend()
        .adam(
            part(p, range),
            part(weights.parameters().gradients(), range),
            part(m, range),
            part(v, range),
            lr.buffer(),
            settings.warmup(),
            t.buffer(),
            largest == null ? null : largest.buffer(),
            settings.beta1(),
            settings.beta2(),
            settings.epsilon(),
            settings.weightDecay(),
            last);
    if (last) { // packed copies of those that wait serve until then
      p.buffer().written();
      m.buffer().written();
      v.buffer().written();
      t.buffer().written();
    }
  }

  private static Buffer part(Tensor flat, Parameters.Range range) {
    return flat.buffer().slice(range.at(), range.count());
  }

  public Settings settings() {
    return settings;
  }

  /** The rate behind the warm-up; reads it from the device. */
  public float learningRate() {
    return lr.item();
  }

  /** Changes the rate, for captured steps too. */
  public void learningRate(double learningRate) {
    lr.set(new float[] {(float) settings.withLearningRate(learningRate).learningRate()});
  }

  /** Steps taken so far; reads it from the device. */
  public int t() {
    return t.toInts()[0];
  }

  /** A copy for a checkpoint, in PyTorch's order. The learning rate is a setting, not a state. */
  public State state() {
    return new State(t(), weights.save(m), weights.save(v));
  }

  /** Goes back to a saved state. */
  public void restore(State state) {
    if (state.t < 0) {
      throw new IllegalArgumentException("adam: t counts from 0, got " + state.t);
    }
    weights.requireSame("adam: restore m", state.m); // all or nothing
    weights.requireSame("adam: restore v", state.v);
    weights.load(m, state.m);
    weights.load(v, state.v);
    t.set(new int[] {state.t});
  }
}
