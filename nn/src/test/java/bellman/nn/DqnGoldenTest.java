package bellman.nn;

import static bellman.nn.Golden.assertClose;
import static bellman.nn.Golden.distance;
import static bellman.nn.Golden.floats;
import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.CapturedStep;
import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.io.Safetensors;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole learning curves of the tutorial's network beside PyTorch's. Float32 in another order drifts
 * and Adam amplifies it, so the measure is PyTorch's own: at update k ours may be 5 times as far
 * from its float64 run as its float32 run has been up to k.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DqnGoldenTest {
  List<String> all() {
    return Backends.names();
  }

  List<String> fast() {
    return Backends.fast();
  }

  private static final double FACTOR = 5;

  /** Relative, for a single gradient and step. */
  double limit() {
    return Golden.OPS;
  }

  /** Relative; float32 rounding of the result alone. */
  double floor() {
    return 2e-6;
  }

  private record Update(Tensor loss, Tensor q, Tensor y) {}

  @ParameterizedTest
  @MethodSource("fast")
  void dqnSmall(String backend) throws IOException {
    try (Safetensors file = Golden.open("dqn_small");
        Device device = Backends.open(backend)) {
      Run run = new Run(device, file);
      run.learn(1);
      // ∂L/∂θ of the first update, and θ behind it
      run.check("grad1.", run.weights.save(run.weights.parameters().gradients()), limit());
      run.check("after1.", run.weights.save(), limit());
      run.learn(99);
      run.checkFinal();
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void dqnFull(String backend) throws IOException {
    try (Safetensors file = Golden.open("dqn_full");
        Device device = Backends.open(backend)) {
      new Run(device, file).learn(20);
    }
  }

  /** One learner on a golden file's batches. */
  private final class Run {
    final Device device;
    final Safetensors file;
    final Weights weights;
    final Sequential online;
    final Weights targetWeights;
    final CapturedStep<Update> update;
    final Tensor s;
    final Tensor sNext;
    final Tensor a;
    final Tensor r;
    final Tensor discount;
    final int batch;
    final int batches;
    final double gamma;
    int updates;
    double drift; // largest |float32 − float64| of PyTorch's losses so far
    double driftQ;
    double driftY;

    Run(Device device, Safetensors file) throws IOException {
      this.device = device;
      this.file = file;
      Shape states = file.entry("batch.state").shape(); // [batches, batch, h, w, c]
      batches = states.dim(0);
      batch = states.dim(1);
      gamma = Double.parseDouble(file.metadata().get("gamma"));
      Shape image = Shape.of(states.dim(2), states.dim(3), states.dim(4));
      weights = new Weights(device, 0);
      online = Tutorial.network(weights, image);
      targetWeights = new Weights(device, 1);
      Sequential target = Tutorial.network(targetWeights, image);
      weights.load(Values.read(file, "init."));
      targetWeights.copyFrom(weights);
      Adam adam =
          new Adam(
              weights,
              Adam.Settings.defaults()
                  .withLearningRate(Double.parseDouble(file.metadata().get("lr"))));

      Shape stateBatch = Shape.of(batch, image.dim(0), image.dim(1), image.dim(2));
      s = device.state("s", DType.UINT8, stateBatch);
      sNext = device.state("s′", DType.UINT8, stateBatch);
      a = device.state("a", DType.INT32, Shape.of(batch));
      r = device.state("r", DType.FLOAT32, Shape.of(batch));
      discount = device.state("discount", DType.FLOAT32, Shape.of(batch));
      Loss huber = new Huber();
      update =
          device.capture(
              "update",
              () -> {
                Tensor y = // r + γ(1 − done) max_a Q(s′, a; θ⁻)
                    Tensor.withoutGradient(
                        () -> r.add(discount.mul(target.forward(sNext.toFloat(255)).rowMax())));
                Tensor q = online.forward(s.toFloat(255)).pick(a);
                Tensor loss = huber.of(q, y);
                adam.step(loss.backward());
                return new Update(loss, q, y);
              });
    }

    void learn(int n) throws IOException {
      byte[] states = file.entry("batch.state").bytes();
      byte[] nextStates = file.entry("batch.next_state").bytes();
      int[] actions = file.entry("batch.action").ints();
      float[] rewards = floats(file, "batch.reward");
      byte[] dones = file.entry("batch.done").bytes();
      int pixels = states.length / batches;
      int sync = Integer.parseInt(file.metadata().get("target_sync_every"));
      double[] loss64 = file.entry("loss.f64").doubles();
      double[] loss32 = file.entry("loss.f32").doubles();
      for (int i = 0; i < n; i++) {
        int k = updates++;
        int from = k % batches * batch;
        int at = k % batches * pixels;
        s.set(0, Arrays.copyOfRange(states, at, at + pixels));
        sNext.set(0, Arrays.copyOfRange(nextStates, at, at + pixels));
        a.set(Arrays.copyOfRange(actions, from, from + batch));
        r.set(Arrays.copyOfRange(rewards, from, from + batch));
        float[] discounts = new float[batch];
        for (int j = 0; j < batch; j++) {
          discounts[j] = (float) (gamma * (1 - dones[from + j]));
        }
        discount.set(discounts);
        Update result = update.run();
        drift = Math.max(drift, Math.abs(loss32[k] - loss64[k]));
        assertThat(Math.abs(result.loss.item() - loss64[k]))
            .as("update %d: |loss − %s|, PyTorch's own drift %s", k, loss64[k], drift)
            .isLessThanOrEqualTo(Math.max(FACTOR * drift, floor() * Math.abs(loss64[k])));
        driftQ = checkVector("q", k, result.q, driftQ);
        driftY = checkVector("target", k, result.y, driftY);
        if ((k + 1) % sync == 0) {
          targetWeights.copyFrom(weights);
        }
      }
    }

    /** The same measure for a vector's length; returns the running drift. */
    private double checkVector(String name, int k, Tensor ours, double drift) throws IOException {
      double[] x64 = row(name + ".f64", k);
      double[] x32 = row(name + ".f32", k);
      float[] x = ours.toFloats();
      double far = 0;
      double own = 0;
      double length = 0;
      for (int i = 0; i < batch; i++) {
        far += (x[i] - x64[i]) * (x[i] - x64[i]);
        own += (x32[i] - x64[i]) * (x32[i] - x64[i]);
        length += x64[i] * x64[i];
      }
      drift = Math.max(drift, Math.sqrt(own));
      assertThat(Math.sqrt(far))
          .as("update %d: ‖%s − PyTorch's‖, its own drift %s", k, name, drift)
          .isLessThanOrEqualTo(Math.max(FACTOR * drift, floor() * Math.sqrt(length)));
      return drift;
    }

    private double[] row(String name, int k) throws IOException {
      return Arrays.copyOfRange(file.entry(name).doubles(), k * batch, (k + 1) * batch);
    }

    void check(String prefix, Map<String, Values> ours, double limit) throws IOException {
      Map<String, Values> reference = Values.read(file, prefix);
      assertThat(ours.keySet()).isEqualTo(reference.keySet());
      for (String name : ours.keySet()) {
        Values r = reference.get(name);
        assertThat(ours.get(name).shape()).isEqualTo(r.shape());
        assertClose(prefix + name, ours.get(name).floats(), r.floats(), limit);
      }
    }

    /** Q of batch 0 behind the last update, by our weights and by PyTorch's two runs. */
    void checkFinal() throws IOException {
      s.set(0, Arrays.copyOf(file.entry("batch.state").bytes(), (int) s.shape().size()));
      float[] ours = q();
      Map<String, Values> weightsOurs = weights.save();
      weights.load(Values.read(file, "final.")); // the float64 run
      float[] q64 = q();
      float[] q32 = floats(file, "ckpt_q"); // the float32 run
      double own = distance(q32, q64);
      assertThat(distance(ours, q64)).isLessThan(Math.max(FACTOR * own, floor()));
      check("final.", weightsOurs, 0.05);
    }

    private float[] q() {
      try (Scope scope = device.scope("q")) {
        return Tensor.withoutGradient(() -> online.forward(s.toFloat(255))).toFloats();
      }
    }
  }
}
