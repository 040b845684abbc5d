package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.reference.ReferenceBackend;
import org.junit.jupiter.api.Test;

class TdTargetTest {
  @Test
  void qLearningByHand() {
    try (Device device = new Device(ReferenceBackend.floats())) {
      Tensor r = device.tensor(new float[] {1, -1, 0.5f, 2}, Shape.of(4));
      Tensor discount = device.tensor(new float[] {0.9f, 0, 0.5f, 1}, Shape.of(4));
      // Decoys: a forbidden action with the largest Q; a terminal state with a huge Q; all
      // negative.
      Tensor qNext =
          device.tensor(
              new float[] {1, 99, 2, 1000, 2000, 3000, -4, -8, -6, -1, -2, -3}, Shape.of(4, 3));
      Tensor forbidden =
          device.tensor(new byte[] {0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, Shape.of(4, 3));
      float[] y = TdTarget.qLearning(r, discount, qNext, forbidden).toFloats();
      assertThat(y).containsExactly(1 + 0.9f * 2, -1, 0.5f + 0.5f * -4, 2 - 2);
    }
  }
}
