package bellman.rl.torch;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.io.Safetensors;
import bellman.nn.Adam;
import bellman.nn.Huber;
import bellman.nn.Weights;
import bellman.rl.dqn.NetworkSettings;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Frame;
import bellman.rl.env.Spec;
import bellman.rl.replay.Seen;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A training that PyTorch began goes on here as it does there. */
class ImportedTrainingTest {
  private static final double LIMIT = 1e-5;
  private static final float GAMMA = 0.9f;

  @ParameterizedTest
  @ValueSource(strings = {"java", "onednn"})
  void qAndTheNextUpdateArePyTorchs(String name) throws IOException {
    TorchCheckpoint saved = TorchCheckpoint.read(TorchGolden.file("seed_ckpt_small.pt"));
    TorchCheckpoint.Optimizer optimizer = saved.optimizer().orElseThrow();
    try (Safetensors golden = Safetensors.open(TorchGolden.file("seed_ckpt_small.safetensors"));
        Device device = Devices.open(name, DeviceOptions.defaults().withThreads(1))) {
      Spec spec = new Spec("GridWorld", Frame.picture(36, 36, 3), 2, 4);
      Weights weights = new Weights(device, 1);
      QNetwork online = QNetwork.of(weights, spec, NetworkSettings.DEFAULT, 1);
      Adam adam = new Adam(weights, optimizer.settings());
      weights.load(saved.network());
      adam.restore(optimizer.state());

      Tensor s = pictures(device, golden, "state");
      Tensor sNext = pictures(device, golden, "next_state");
      float[] q = Tensor.withoutGradient(() -> online.forward(new Seen(s, null))).toFloats();
      assertThat(distance(q, golden.entry("ckpt_q").floats())).isLessThan(LIMIT);

      Shape batch = Shape.of(s.shape().dim(0));
      int[] actions = golden.entry("action").ints();
      float[] rewards = golden.entry("reward").floats();
      byte[] done = golden.entry("done").bytes();
      float[] discounts = new float[done.length];
      for (int i = 0; i < done.length; i++) {
        discounts[i] = done[i] == 0 ? GAMMA : 0;
      }
      Tensor y = // r + γ(1 − done) max_a Q(s′, a; θ)
          Tensor.withoutGradient(
              () ->
                  device
                      .state("r", rewards, batch)
                      .add(
                          device
                              .state("discount", discounts, batch)
                              .mul(online.forward(new Seen(sNext, null)).rowMax())));
      Tensor loss =
          new Huber()
              .of(online.forward(new Seen(s, null)).pick(device.state("a", actions, batch)), y);
      assertThat(distance(loss.toFloats(), golden.entry("loss").floats())).isLessThan(LIMIT);
      adam.step(loss.backward());
      assertThat(adam.t()).isEqualTo(101);
      float[] next = Tensor.withoutGradient(() -> online.forward(new Seen(s, null))).toFloats();
      assertThat(distance(next, golden.entry("next_q").floats())).isLessThan(LIMIT);
      assertThat(distance(next, q)).as("the update matters").isGreaterThan(100 * LIMIT);
    }
  }

  private static Tensor pictures(Device device, Safetensors golden, String name)
      throws IOException {
    Tensor bytes = device.state(name, DType.UINT8, golden.entry(name).shape());
    bytes.set(0, golden.entry(name).bytes());
    return bytes.toFloat(255);
  }

  /** ‖x − reference‖₂ / ‖reference‖₂. */
  private static double distance(float[] x, float[] reference) {
    assertThat(x).hasSameSizeAs(reference);
    double difference = 0;
    double length = 0;
    for (int i = 0; i < x.length; i++) {
      difference += ((double) x[i] - reference[i]) * ((double) x[i] - reference[i]);
      length += (double) reference[i] * reference[i];
    }
    return Math.sqrt(difference / length);
  }
}
