package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import bellman.engine.reference.ReferenceBackend;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The words a user reads: op, labelled shapes, rule, remedy. Every text of Tensor, whole. */
class ErrorTextTest {
  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  private Tensor floats(int... dims) {
    return device.zeros(Shape.of(dims));
  }

  private Tensor ints(int... dims) {
    return device.state("a", DType.INT32, Shape.of(dims));
  }

  private Tensor bytes(int... dims) {
    return device.state("pixels", DType.UINT8, Shape.of(dims));
  }

  private static void shape(Runnable op, String text) {
    assertThat(catchThrowable(op::run)).isInstanceOf(ShapeException.class).hasMessage(text);
  }

  private static void argument(Runnable op, String text) {
    assertThat(catchThrowable(op::run))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(text);
  }

  private static void state(Runnable op, String text) {
    assertThat(catchThrowable(op::run)).isInstanceOf(IllegalStateException.class).hasMessage(text);
  }

  // ── shapes differ ─────────────────────────────────────────────────────────────────────────────

  @Test
  void subOfARowAndAColumn() {
    shape(
        () -> floats(32).named("td target").sub(floats(32, 1).named("Q(s,a)")),
        "sub: shapes differ: left [32] (td target), right [32, 1] (Q(s,a)). Same elements,"
            + " different rank: sub never broadcasts; reshape one side to [32] or [32, 1].");
  }

  @Test
  void mulOfATransposedShape() {
    shape(
        () -> floats(2, 3).mul(floats(3, 2)),
        "mul: shapes differ: left [2, 3], right [3, 2]. Same elements, different sizes: mul never"
            + " transposes; bring one side into the order of the other.");
  }

  @Test
  void addOfABias() {
    shape(
        () -> floats(2, 3).named("q").add(floats(3).named("bias")),
        "add: shapes differ: left [2, 3] (q), right [3] (bias). add never broadcasts; addRow,"
            + " addChannel and spread repeat values.");
  }

  @Test
  void otherOpsOnEqualShapes() {
    String rest = " never broadcasts; addRow, addChannel and spread repeat values.";
    shape(
        () -> floats(2).maskedFill(bytes(3), 0),
        "maskedFill: shapes differ: left [2], right [3] (pixels). maskedFill" + rest);
    shape(
        () -> floats(2).place(ints(3), 4),
        "place: shapes differ: left [2], right [3] (a). place" + rest);
    Tensor state = device.state("m", DType.FLOAT32, Shape.of(2));
    shape(() -> state.set(floats(3)), "set: shapes differ: left [2] (m), right [3]. set" + rest);
    shape(
        () -> state.accumulate(floats(3)),
        "accumulate: shapes differ: left [2] (m), right [3]. accumulate" + rest);
    shape(
        () -> state.accumulateMax(floats(3)),
        "accumulateMax: shapes differ: left [2] (m), right [3]. accumulateMax" + rest);
  }

  @Test
  void lastSizesDiffer() {
    shape(
        () -> floats(2, 3).named("q").addRow(floats(2).named("bias")),
        "addRow: the last sizes differ: [2, 3] (q) + [2] (bias) needs [3]");
    shape(
        () -> floats(2, 3).addRow(floats(1, 3)),
        "addRow: the last sizes differ: [2, 3] + [1, 3] needs [3]");
    shape(
        () -> floats(1, 2, 2, 3).addChannel(floats(2)),
        "addChannel: the last sizes differ: [1, 2, 2, 3] + [2] needs [3]");
  }

  // ── matrices and convolutions ─────────────────────────────────────────────────────────────────

  @Test
  void innerSizesDiffer() {
    shape(
        () -> floats(32, 8).named("obs").matmul(floats(4, 64).named("head.weight")),
        "matmul: inner sizes differ: [32, 8] (obs) × [4, 64] (head.weight) needs 8 = 4");
    shape(
        () -> floats(32, 8).named("obs").linear(floats(64, 4).named("head.weight")),
        "linear: input sizes differ: x [32, 8] (obs) has 8, w [64, 4] (head.weight) takes 4");
    shape(
        () -> floats(32, 8).linear(floats(64, 8), floats(8).named("head.bias")),
        "linear: bias [8] (head.bias) needs [64], the rows of w");
  }

  @Test
  void convolutionsThatDoNotFit() {
    Tensor x = floats(1, 4, 4, 3).named("x");
    Tensor filter = floats(2, 3, 3, 3).named("conv1.weight");
    shape(
        () -> x.conv2d(floats(2, 3, 3, 4), floats(2), 1, 0),
        "conv2d: channels differ: x [1, 4, 4, 3] (x) (N,H,W,C) has 3, filter [2, 3, 3, 4]"
            + " (out,kh,kw,in) takes 4");
    shape(
        () -> x.conv2d(filter, floats(3).named("conv1.bias"), 1, 0),
        "conv2d: bias [3] (conv1.bias) needs [2], the filter's outputs");
    shape(
        () -> x.conv2d(floats(2, 7, 3, 3), floats(2), 1, 1),
        "conv2d: the filter [2, 7, 3, 3] (out,kh,kw,in) is larger than x [1, 4, 4, 3] (x) (N,H,W,C)"
            + " with padding 1");
    argument(
        () -> x.conv2d(filter, floats(2), 0, 0),
        "conv2d: stride is 1 or more and padding 0 or more, got 0 and 0");
    argument(
        () -> x.conv2d(filter, floats(2), 1, -1),
        "conv2d: stride is 1 or more and padding 0 or more, got 1 and -1");
  }

  // ── rank ──────────────────────────────────────────────────────────────────────────────────────

  @Test
  void theWrongRank() {
    Tensor x = floats(2, 1, 3).named("x");
    Tensor m = floats(3, 3);
    Tensor v = floats(3);
    String two = ": rank 2 needed, got [2, 1, 3] (x) of rank 3";
    shape(() -> x.addRow(v), "addRow" + two);
    shape(() -> x.sumRows(), "sumRows" + two);
    shape(() -> x.rowArgmax(), "rowArgmax" + two);
    shape(() -> x.rowMax(), "rowMax" + two);
    shape(() -> x.pick(ints(2)), "pick" + two);
    shape(() -> x.matmul(m), "matmul" + two);
    shape(() -> m.matmul(x), "matmul" + two);
    shape(() -> x.linear(m), "linear" + two);
    shape(() -> m.linear(x), "linear" + two);
    String four = ": rank 4 needed, got [2, 1, 3] (x) of rank 3";
    shape(() -> x.addChannel(v), "addChannel" + four);
    shape(() -> x.conv2d(floats(1, 1, 1, 3), v, 1, 0), "conv2d" + four);
    shape(() -> floats(1, 1, 1, 3).conv2d(x, v, 1, 0), "conv2d" + four);
    shape(() -> x.toNchw(), "toNchw" + four);
    shape(() -> x.toNhwc(), "toNhwc" + four);
    shape(() -> x.spread(Shape.of(2)), "spread: rank 0 needed, got [2, 1, 3] (x) of rank 3");
    shape(() -> x.place(ints(2), 3), "place: rank 1 needed, got [2, 1, 3] (x) of rank 3");
    shape(() -> ints(2, 2).oneHot(3), "oneHot: rank 1 needed, got [2, 2] (a) of rank 2");
    shape(() -> floats().flatten(), "flatten: rank 1 or more needed, got [] of rank 0");
    shape(() -> floats().channels(0, 1), "channels: rank 1 or more needed, got [] of rank 0");
    shape(() -> ints(2).increment(1), "increment: rank 0 needed, got [2] (a) of rank 1");
  }

  // ── sizes ─────────────────────────────────────────────────────────────────────────────────────

  @Test
  void theWrongSize() {
    shape(() -> Shape.of(2, -1), "shape: sizes are 0 or more, got [2, -1]");
    shape(
        () -> floats(2, 3).named("x").reshape(Shape.of(4)),
        "reshape: [2, 3] (x) has 6 elements, [4] needs 4");
    shape(() -> floats(2).named("x").item(), "item: one element needed, got [2] (x)");
    shape(() -> floats(0).named("x").mean(), "mean: [0] (x) has no elements");
    shape(() -> floats(2, 0).named("x").rowArgmax(), "rowArgmax: [2, 0] (x) has no columns");
    shape(() -> floats(2, 0).named("x").rowMax(), "rowMax: [2, 0] (x) has no columns");
    shape(
        () -> floats(2, 3).named("Q").pick(ints(3)),
        "pick: one index per row: [2, 3] (Q) needs an index [2], got [3] (a)");
    shape(
        () -> floats(2, 3).concatChannels(floats(3, 3).named("b")),
        "concatChannels: all sizes but the last must be equal: [2, 3] and [3, 3] (b)");
    shape(
        () -> floats().concatChannels(floats()),
        "concatChannels: all sizes but the last must be equal: [] and []");
    shape(() -> floats(2, 3).channels(2, 2), "channels: 2 to 4 of [2, 3]");
    shape(() -> floats(2, 3).channels(-1, 2), "channels: -1 to 1 of [2, 3]");
    shape(() -> device.tensor(new float[5], Shape.of(2, 3)), "tensor: 5 values for shape [2, 3]");
    Tensor state = device.state("ring", new float[4], Shape.of(4));
    shape(() -> state.set(3, new float[2]), "set: 2 elements from 3 on, of [4] (ring)");
    shape(() -> state.read(3, new float[2]), "read: 2 elements from 3 on, of [4] (ring)");
    argument(() -> state.read(0, new int[2]), "read: [4] (ring) holds FLOAT32, not INT32");
    argument(() -> state.read(0, new byte[2]), "read: [4] (ring) holds FLOAT32, not UINT8");
    shape(() -> state.set(-1, new float[2]), "set: 2 elements from -1 on, of [4] (ring)");
    shape(
        () -> state.set(Long.MAX_VALUE, new float[2]),
        "set: 2 elements from 9223372036854775807 on, of [4] (ring)");
  }

  // ── types ─────────────────────────────────────────────────────────────────────────────────────

  @Test
  void theWrongType() {
    Tensor x = bytes(2, 3);
    Tensor f = floats(2, 3);
    String text = ": the operand [2, 3] (pixels) must be FLOAT32, it is UINT8";
    argument(() -> x.relu(), "relu" + text);
    argument(() -> x.tanh(), "tanh" + text);
    argument(() -> x.sigmoid(), "sigmoid" + text);
    argument(() -> x.exp(), "exp" + text);
    argument(() -> x.sqrt(), "sqrt" + text);
    argument(() -> x.square(), "square" + text);
    argument(() -> x.abs(), "abs" + text);
    argument(() -> x.scale(2), "scale" + text);
    argument(() -> x.shift(2), "shift" + text);
    argument(() -> x.clip(0, 1), "clip" + text);
    argument(() -> x.smoothL1(1), "smoothL1" + text);
    argument(() -> x.huber(1), "huber" + text);
    argument(() -> x.add(f), "add" + text);
    argument(() -> f.sub(x), "sub" + text);
    argument(() -> f.mul(x), "mul" + text);
    argument(() -> x.maskedFill(x, 0), "maskedFill" + text);
    argument(() -> x.addRow(floats(3)), "addRow" + text);
    argument(() -> x.sumRows(), "sumRows" + text);
    argument(() -> x.sum(), "sum" + text);
    argument(() -> x.mean(), "mean" + text);
    argument(() -> x.maxAbs(), "maxAbs" + text);
    argument(() -> x.rowMax(), "rowMax" + text);
    argument(() -> x.rowArgmax(), "rowArgmax" + text);
    argument(() -> x.pick(ints(2)), "pick" + text);
    argument(() -> x.matmul(f), "matmul" + text);
    argument(() -> f.linear(x), "linear" + text);
    argument(() -> x.concatChannels(f), "concatChannels" + text);
    argument(() -> x.channels(0, 1), "channels" + text);
    argument(() -> x.requireGradient(), "requireGradient" + text);
    argument(
        () -> bytes(1, 1, 1, 1).toNchw(),
        "toNchw: the operand [1, 1, 1, 1] (pixels) must be FLOAT32, it is UINT8");
    argument(
        () -> bytes(1, 1, 1, 1).toNhwc(),
        "toNhwc: the operand [1, 1, 1, 1] (pixels) must be FLOAT32, it is UINT8");
    argument(() -> f.pick(floats(2)), "pick: the index [2] must be INT32, it is FLOAT32");
    argument(
        () -> floats(2).place(floats(2), 3), "place: the index [2] must be INT32, it is FLOAT32");
    argument(() -> floats(2).oneHot(3), "oneHot: the index [2] must be INT32, it is FLOAT32");
    argument(
        () -> f.maskedFill(floats(2, 3), 0),
        "maskedFill: the mask [2, 3] must be UINT8, it is FLOAT32");
    argument(() -> f.named("x").toFloat(255), "toFloat: [2, 3] (x) is FLOAT32 already; use scale");
    argument(() -> x.toFloats(), "toFloats: [2, 3] (pixels) holds UINT8, not FLOAT32");
    argument(() -> x.toInts(), "toInts: [2, 3] (pixels) holds UINT8, not INT32");
    argument(() -> ints(2).toBytes(), "toBytes: [2] (a) holds INT32, not UINT8");
  }

  /** In a Turkish locale, lower case of CLIP has no dot on its i. */
  @Test
  void opsAreNamedAlikeInEveryLocale() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("tr"));
    try {
      argument(
          () -> bytes(1).clip(0, 1), "clip: the operand [1] (pixels) must be FLOAT32, it is UINT8");
    } finally {
      Locale.setDefault(before);
    }
  }

  // ── arguments and states ──────────────────────────────────────────────────────────────────────

  @Test
  void argumentsOutOfRange() {
    argument(() -> floats(2).clip(2, 1), "clip: low 2.0 is above high 1.0");
    argument(() -> floats(2).clip(Float.NaN, 1), "clip: low NaN is above high 1.0");
    argument(() -> floats(2).smoothL1(-1), "smoothL1: beta is 0 or more, got -1.0");
    argument(() -> floats(2).smoothL1(Float.NaN), "smoothL1: beta is 0 or more, got NaN");
    argument(() -> floats(2).huber(0), "huber: delta is above 0, got 0.0");
    argument(() -> new DeviceOptions(0, Precision.FP32, false), "threads: at least 1, got 0");
  }

  @Test
  void writesInPlace() {
    Tensor state = device.state("m", DType.FLOAT32, Shape.of(2));
    Tensor fixed = floats(2).named("y");
    String text = ": [2] (y) is immutable; only parameters and states change in place";
    state(() -> fixed.set(state), "set" + text);
    state(() -> fixed.set(new float[2]), "set" + text);
    state(() -> fixed.accumulate(state), "accumulate" + text);
    state(() -> fixed.accumulateMax(state), "accumulateMax" + text);
    state(
        () -> device.tensor(new int[1], Shape.scalar()).named("n").increment(1),
        "increment: [] (n) is immutable; only parameters and states change in place");
    argument(() -> state.set(ints(2)), "set: FLOAT32 ← INT32; types must be equal");
    argument(() -> state.set(new int[2]), "set: [2] (m) holds FLOAT32, not INT32");
    argument(() -> ints(2).set(new float[2]), "set: [2] (a) holds INT32, not FLOAT32");
    argument(() -> state.set(0, new byte[2]), "set: [2] (m) holds FLOAT32, not UINT8");
    argument(
        () -> state.accumulate(ints(2)),
        "accumulate: the operand [2] (a) must be FLOAT32, it is INT32");
    argument(
        () -> ints(2).accumulate(floats(2)),
        "accumulate: the operand [2] (a) must be FLOAT32, it is INT32");
    argument(
        () -> device.state("t", DType.FLOAT32, Shape.scalar()).increment(1),
        "increment: the counter [] (t) must be INT32, it is FLOAT32");
  }
}
