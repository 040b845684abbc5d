package bellman.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LossTest {
  /** Differences −3, −0.5, 0, 1, 4. */
  private static void check(String backend, Loss loss, float[] each, float[] slope) {
    try (Device device = Backends.open(backend)) {
      Shape five = Shape.of(5);
      Tensor x = device.tensor(new float[] {-2, 0.5f, 1, 2, 5}, five).requireGradient();
      Tensor t = device.tensor(new float[] {1, 1, 1, 1, 1}, five).requireGradient();
      assertThat(loss.each(x, t).toFloats()).containsExactly(each);
      float sum = 0;
      for (float e : each) {
        sum += e;
      }
      Tensor mean = loss.of(x, t);
      assertThat(mean.shape()).isEqualTo(Shape.scalar());
      assertThat(mean.item()).isEqualTo(sum / 5);
      Gradients g = mean.backward();
      for (int i = 0; i < 5; i++) {
        assertThat(g.of(x).toFloats()[i]).isEqualTo(slope[i] / 5);
        assertThat(g.of(t).toFloats()[i]).isEqualTo(-slope[i] / 5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void huber(String backend) {
    check(
        backend,
        new Huber(2),
        new float[] {4, 0.125f, 0, 0.5f, 6},
        new float[] {-2, -0.5f, 0, 1, 2});
    check(
        backend,
        new Huber(),
        new float[] {2.5f, 0.125f, 0, 0.5f, 3.5f},
        new float[] {-1, -0.5f, 0, 1, 1});
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void smoothL1(String backend) {
    check(
        backend,
        new SmoothL1(2),
        new float[] {2, 0.0625f, 0, 0.25f, 3},
        new float[] {-1, -0.25f, 0, 0.5f, 1});
    check(backend, new SmoothL1(0), new float[] {3, 0.5f, 0, 1, 4}, new float[] {-1, -1, 0, 1, 1});
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void mse(String backend) {
    check(backend, new Mse(), new float[] {9, 0.25f, 0, 1, 16}, new float[] {-6, -1, 0, 2, 8});
  }

  @Test
  void wrongSettingsAndShapesAreErrors() {
    assertThatThrownBy(() -> new Huber(0)).hasMessage("huber: delta is above 0, got 0.0");
    assertThatThrownBy(() -> new SmoothL1(-1)).hasMessage("smoothL1: beta is 0 or more, got -1.0");
    try (Device device = Backends.open("reference")) {
      Tensor q = device.zeros(Shape.of(4, 1)).named("Q(s,a)");
      Tensor y = device.zeros(Shape.of(4)).named("y");
      assertThatThrownBy(() -> new Huber().of(q, y))
          .isInstanceOf(ShapeException.class)
          .hasMessage(
              "sub: shapes differ: left [4, 1] (Q(s,a)), right [4] (y). Same elements, different"
                  + " rank: sub never broadcasts; reshape one side to [4, 1] or [4].");
    }
  }
}
