package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import bellman.engine.reference.ReferenceBackend;
import bellman.nn.Sequential;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.replay.Frames;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class QNetworksTest {
  private static final int PICTURES = 3;

  /** Sizes that 4 does not divide; two goals. */
  private static final Spec SPEC = new Spec("Odd", Frame.picture(39, 42, 3), 2, 4);

  private record Outcome(float[] q, Map<String, Values> weights, Map<String, Values> gradients) {}

  private static Outcome run(int fold) {
    try (Device device = new Device(ReferenceBackend.doubles())) {
      Weights weights = new Weights(device, 5);
      Sequential network = QNetworks.of(weights, SPEC, fold);
      Frames frames = new Frames(device, SPEC, PICTURES, fold);
      SplittableRandom random = new SplittableRandom(2);
      int[] held = new int[PICTURES];
      for (int i = 0; i < held.length; i++) {
        byte[] pixels = new byte[SPEC.frame().size()];
        random.nextBytes(pixels);
        held[i] = frames.hold(Observation.picture(pixels, i % 2), null);
      }
      weights.parameters(); // complete
      Tensor q = network.forward(frames.gather(device.tensor(held, Shape.of(PICTURES))));
      float[] values = q.toFloats();
      Gradients g = q.square().mean().backward();
      return new Outcome(values, weights.save(), weights.save(g.of(weights.parameters())));
    }
  }

  @Test
  void foldedPicturesGiveTheSameValuesAndGradients() {
    Outcome plain = run(1);
    Outcome folded = run(QNetworks.fold(SPEC));
    assertThat(QNetworks.fold(SPEC)).isEqualTo(4);
    assertThat(folded.q).containsExactly(plain.q, org.assertj.core.data.Offset.offset(1e-6f));
    folded.weights.forEach(
        (name, values) ->
            assertThat(values.floats()).as(name).containsExactly(plain.weights.get(name).floats()));
    folded.gradients.forEach(
        (name, values) ->
            assertThat(values.floats())
                .as("gradient of " + name)
                .containsExactly(
                    plain.gradients.get(name).floats(),
                    org.assertj.core.data.Offset.offset(1e-6f)));
  }

  @Test
  void aPictureTooSmallForTheFiltersIsRefused() {
    Spec small = new Spec("Small", Frame.picture(35, 84, 3), 0, 4);
    try (Device device = new Device(ReferenceBackend.floats())) {
      assertThatThrownBy(() -> QNetworks.of(new Weights(device, 1), small, 4))
          .isInstanceOf(ShapeException.class)
          .hasMessage(
              "the picture has 35 × 84 pixels; the network's filters need 36 × 36 or more: enlarge"
                  + " the camera sensor's picture");
    }
  }
}
