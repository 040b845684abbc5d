package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import bellman.engine.reference.ReferenceBackend;
import bellman.nn.Huber;
import bellman.rl.replay.Batch;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernel against the composition that defines it. */
class TdLossTest {
  static Stream<String> devices() {
    return Stream.of("reference", "doubles", "java", "onednn");
  }

  Device open(String name) {
    return name.equals("doubles")
        ? new Device(ReferenceBackend.doubles())
        : Devices.open(name, DeviceOptions.defaults());
  }

  /** B rows of values in steps of 1/4, so that maxima tie; no row forbids all. */
  private static Batch batch(Device device, Random random, int rows, int actions) {
    int[] a = random.ints(rows, 0, actions).toArray();
    float[] r = floats(random, rows);
    float[] discount = new float[rows];
    byte[] forbidden = new byte[rows * actions];
    for (int i = 0; i < rows; i++) {
      discount[i] = random.nextInt(4) == 0 ? 0 : 0.9f;
      for (int j = 0; j < actions - 1; j++) {
        forbidden[i * actions + (i + j) % actions] = (byte) (random.nextInt(3) == 0 ? 200 : 0);
      }
    }
    Shape shape = Shape.of(rows);
    return new Batch(
        null,
        device.tensor(a, shape),
        device.tensor(r, shape),
        device.tensor(discount, shape),
        null,
        device.tensor(forbidden, Shape.of(rows, actions)));
  }

  private static float[] floats(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (random.nextInt(33) - 16) / 4f;
    }
    return values;
  }

  private static Tensor values(Device device, Random random, int rows, int actions) {
    return device.tensor(floats(random, rows * actions), Shape.of(rows, actions));
  }

  private static Tensor sums(Device device) {
    return device.state("sums", DType.FLOAT32, Shape.of(TdLoss.SUMS));
  }

  /** Beside each other by rounding errors of values around {@code unit}. */
  private static void same(String what, double unit, float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double bound = 1e-6 * Math.max(unit, Math.abs(expected[i]));
      boolean equal = Float.compare(actual[i], expected[i]) == 0; // NaN and infinities too
      if (!equal && !(Math.abs(actual[i] - expected[i]) <= bound)) {
        throw new AssertionError(what + "[" + i + "]: " + actual[i] + ", not " + expected[i]);
      }
    }
  }

  /** Loss, gradient (also behind another factor) and statistics. */
  private static void compare(String what, Huber huber, Batch b, Tensor q, Tensor qNext) {
    q.requireGradient();
    Tensor y = TdTarget.qLearning(b.r(), b.discount(), qNext, b.forbiddenNext());
    Tensor qa = q.pick(b.a());
    Tensor defined = huber.of(qa, y);
    Tensor sums = sums(q.device());
    Tensor loss = TdLoss.qLearning(huber, b, q, qNext, sums);
    double share = 1.0 / q.shape().dim(0);
    same(what + " loss", 1, loss.toFloats(), defined.toFloats());
    same(what + " ∂", share, loss.backward().of(q).toFloats(), defined.backward().of(q).toFloats());
    same(
        what + " 3∂",
        3 * share,
        loss.scale(3).backward().of(q).toFloats(),
        defined.scale(3).backward().of(q).toFloats());
    float[] means = {defined.item(), qa.mean().item(), y.mean().item()};
    same(what + " sums", 1, sums.toFloats(), means);
    Tensor again = TdLoss.qLearning(huber, b, q, qNext, sums);
    assertThat(again.toFloats()).isEqualTo(loss.toFloats());
    float[] twice = {2 * means[0], 2 * means[1], 2 * means[2]};
    same(what + " sums of two", 2, sums.toFloats(), twice);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void isTheComposition(String name) {
    try (Device device = open(name)) {
      Random random = new Random(6);
      for (int rows : new int[] {1, 7, 32, 300, 1025}) {
        for (int actions : new int[] {1, 4, 33}) {
          for (float delta : new float[] {1, 0.6f, 3}) {
            compare(
                rows + " × " + actions + " δ " + delta,
                new Huber(delta),
                batch(device, random, rows, actions),
                values(device, random, rows, actions),
                values(device, random, rows, actions));
          }
        }
      }
    }
  }

  /** Row by row: NaN at one place, nothing allowed, an action that does not exist. */
  @ParameterizedTest
  @MethodSource("devices")
  void specialValuesAreThoseOfTheComposition(String name) {
    float nan = Float.NaN;
    float inf = Float.POSITIVE_INFINITY;
    float[][] cases = { // q; qNext; r, discount, a; forbidden
      {nan, 1, 2, 3, 1, 0.5f, 0, 0, 0},
      {nan, 1, 2, 3, 1, 0.5f, 1, 0, 0}, // NaN where nobody acts
      {0, 1, nan, 3, 1, 0.5f, 1, 0, 0},
      {0, 1, nan, 3, 1, 0.5f, 1, 1, 0}, // a forbidden NaN
      {0, 1, 2, nan, 1, 0, 1, 0, 0}, // 0 · NaN
      {0, 1, 2, 3, nan, 0.5f, 0, 0, 0},
      {0, 1, 2, 3, 1, nan, 0, 0, 0},
      {0, 1, 2, 3, 1, 0.5f, 0, 1, 1}, // y = −∞
      {0, 1, 2, 3, 1, 0, 0, 1, 1}, // y = 0 · −∞
      {inf, 1, 2, 3, 1, 0.5f, 0, 0, 0},
      {0, -inf, 2, 3, 1, 0.5f, 1, 0, 0},
      {0, 1, inf, 3, 1, 0.5f, 1, 0, 0},
      {0, 1, 2, 3, 1, 0.5f, -1, 0, 0},
      {0, 1, 2, 3, 1, 0.5f, 2, 0, 0},
      {2.5f, 1, 2, 3, 1, 0.5f, 0, 0, 0}, // d = 0
    };
    try (Device device = open(name)) {
      for (float[] c : cases) {
        Batch b =
            new Batch(
                null,
                device.tensor(new int[] {(int) c[6]}, Shape.of(1)),
                device.tensor(new float[] {c[4]}, Shape.of(1)),
                device.tensor(new float[] {c[5]}, Shape.of(1)),
                null,
                device.tensor(new byte[] {(byte) c[7], (byte) c[8]}, Shape.of(1, 2)));
        Tensor q = device.tensor(new float[] {c[0], c[1]}, Shape.of(1, 2));
        Tensor qNext = device.tensor(new float[] {c[2], c[3]}, Shape.of(1, 2));
        compare(Arrays.toString(c), new Huber(), b, q, qNext);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void theGreedyActionIsTheFirstOfTheBestAllowed(String name) {
    float nan = Float.NaN;
    float[] q = {1, 3, 3, 2, 9, nan, nan, 5, 4, 7, 7, 8, nan, 1, 2, 3, -3, -2, -1, -2};
    byte[] mask = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 0};
    try (Device device = open(name)) {
      Tensor values = device.tensor(q, Shape.of(5, 4));
      Tensor forbidden = device.tensor(mask, Shape.of(5, 4));
      Tensor action = device.shared("action", DType.INT32, Shape.of(5));
      Greedy.choose(values, forbidden, action);
      assertThat(action.toInts()).containsExactly(1, 1, 1, 0, 1);
      assertThat(action.toInts())
          .isEqualTo(values.maskedFill(forbidden, Float.NEGATIVE_INFINITY).rowArgmax().toInts());
    }
  }

  /** Against ∂L/∂q by differences, in double: the composition is not asked. */
  @Test
  void theGradientIsTheSlope() {
    try (Device device = new Device(ReferenceBackend.doubles())) {
      Random random = new Random(2);
      Batch b = batch(device, random, 3, 4);
      Tensor qNext = values(device, random, 3, 4);
      float[] q = floats(random, 12);
      for (int i = 0; i < 12; i++) {
        q[i] += 0.1f; // off the kinks
      }
      Tensor x = device.tensor(q, Shape.of(3, 4)).requireGradient();
      Tensor sums = sums(device);
      Huber huber = new Huber();
      float[] slope = TdLoss.qLearning(huber, b, x, qNext, sums).backward().of(x).toFloats();
      for (int i = 0; i < 12; i++) {
        float[] up = q.clone();
        float[] down = q.clone();
        up[i] += 1e-2f;
        down[i] -= 1e-2f;
        double rise =
            TdLoss.qLearning(huber, b, device.tensor(up, Shape.of(3, 4)), qNext, sums).item()
                - TdLoss.qLearning(huber, b, device.tensor(down, Shape.of(3, 4)), qNext, sums)
                    .item();
        assertThat(slope[i]).isCloseTo((float) (rise / 2e-2), within(1e-4f));
      }
    }
  }

  @Test
  void wrongShapesAreNamed() {
    try (Device device = open("reference")) {
      Random random = new Random(1);
      Batch b = batch(device, random, 3, 4);
      Tensor q = values(device, random, 3, 4);
      Tensor sums = sums(device);
      assertThatThrownBy(
              () ->
                  TdLoss.qLearning(
                      new Huber(), b, q, values(device, random, 3, 5).named("Q2"), sums))
          .isInstanceOf(ShapeException.class)
          .hasMessage(
              "TD loss: Q(s′, ·) must be FLOAT32 [3, 4] to go with Q(s, ·), got FLOAT32 [3, 5] (Q2)");
      assertThatThrownBy(() -> TdLoss.qLearning(new Huber(), b, b.r(), q, sums))
          .isInstanceOf(ShapeException.class)
          .hasMessage("TD loss: Q(s, ·) is [batch, actions], got [3]");
    }
  }
}
