package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.reference.ReferenceBackend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What every op returns, by hand tables that hold decoys: NaN, ties, zeros, all-negative rows. */
class OpValuesTest {
  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  private Tensor vector(float... values) {
    return device.tensor(values, Shape.of(values.length));
  }

  private Tensor matrix(int rows, float... values) {
    return device.tensor(values, Shape.of(rows, values.length / rows));
  }

  private Tensor ints(int... values) {
    return device.tensor(values, Shape.of(values.length));
  }

  private Tensor bytes(int... values) {
    byte[] mask = new byte[values.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = (byte) values[i];
    }
    return device.tensor(mask, Shape.of(mask.length));
  }

  /** dL/dx of L = Σ f(x). */
  private float[] slope(GradientCheck.Op f, float... at) {
    Tensor x = vector(at).requireGradient();
    return f.of(new Tensor[] {x}).sum().backward().of(x).toFloats();
  }

  // ── pointwise ─────────────────────────────────────────────────────────────────────────────────

  @Test
  void relu() {
    assertThat(vector(-2, -0f, 0, 3, NAN, INF, -INF).relu().toFloats())
        .containsExactly(0, 0, 0, 3, NAN, INF, 0);
    assertThat(slope(x -> x[0].relu(), -2, -0f, 0, 3)).containsExactly(0, 0, 0, 1);
  }

  @Test
  void tanh() {
    assertThat(vector(0, 1, -INF, INF, NAN).tanh().toFloats())
        .containsExactly(0, 0.76159416f, -1, 1, NAN);
  }

  @Test
  void sigmoid() {
    assertThat(vector(0, 2, -INF, INF, -1000, NAN).sigmoid().toFloats())
        .containsExactly(0.5f, 0.8807971f, 0, 1, 0, NAN);
  }

  @Test
  void exp() {
    assertThat(vector(0, 1, -INF, 1000, NAN).exp().toFloats())
        .containsExactly(1, 2.7182817f, 0, INF, NAN);
  }

  @Test
  void sqrt() {
    assertThat(vector(0, 9, 2, INF, -1).sqrt().toFloats())
        .containsExactly(0, 3, 1.4142135f, INF, NAN);
  }

  @Test
  void squareAndAbs() {
    assertThat(vector(-3, 0, 4).square().toFloats()).containsExactly(9, 0, 16);
    assertThat(vector(-3, -0f, 4, -INF, NAN).abs().toFloats()).containsExactly(3, 0, 4, INF, NAN);
    assertThat(slope(x -> x[0].abs(), -3, 0, 4)).containsExactly(-1, 0, 1);
  }

  @Test
  void scaleAndShift() {
    assertThat(vector(1, -2).scale(3).toFloats()).containsExactly(3, -6);
    assertThat(vector(1, -2).shift(3).toFloats()).containsExactly(4, 1);
  }

  @Test
  void clip() {
    assertThat(vector(-3, -1, 0.5f, 2, 9, NAN).clip(-1, 2).toFloats())
        .containsExactly(-1, -1, 0.5f, 2, 2, NAN);
    assertThat(slope(x -> x[0].clip(-1, 2), -3, -1, 0.5f, 2, 9)).containsExactly(0, 1, 1, 1, 0);
    assertThat(vector(-3, 9).clip(1, 1).toFloats()).containsExactly(1, 1);
  }

  @Test
  void smoothL1IsPyTorchs() {
    float[] x = {-3, -0.25f, 0, 0.5f, 1, NAN};
    assertThat(vector(x).smoothL1(1).toFloats())
        .containsExactly(2.5f, 0.03125f, 0, 0.125f, 0.5f, NAN);
    assertThat(vector(x).smoothL1(0.5f).toFloats())
        .containsExactly(2.75f, 0.0625f, 0, 0.25f, 0.75f, NAN);
    assertThat(vector(x).smoothL1(2).toFloats())
        .containsExactly(2, 0.015625f, 0, 0.0625f, 0.25f, NAN);
    assertThat(vector(x).smoothL1(0).toFloats()).containsExactly(3, 0.25f, 0, 0.5f, 1, NAN);
    assertThat(slope(v -> v[0].smoothL1(0.5f), x)).containsExactly(-1, -0.5f, 0, 1, 1, NAN);
    assertThat(slope(v -> v[0].smoothL1(0), x)).containsExactly(-1, -1, 0, 1, 1, NAN);
  }

  /** Away from δ = 1, Huber's loss is not smoothL1: it is δ times it. */
  @Test
  void huber() {
    float[] x = {-3, 0.5f, 2, 4};
    assertThat(vector(x).huber(1).toFloats()).containsExactly(2.5f, 0.125f, 1.5f, 3.5f);
    assertThat(vector(x).huber(2).toFloats()).containsExactly(4, 0.125f, 2, 6);
    assertThat(vector(x).huber(0.5f).toFloats()).containsExactly(1.375f, 0.125f, 0.875f, 1.875f);
    assertThat(slope(v -> v[0].huber(2), x)).containsExactly(-2, 0.5f, 2, 2);
  }

  @Test
  void addSubMul() {
    Tensor a = vector(1, 2, 3);
    Tensor b = vector(10, 20, -30);
    assertThat(a.add(b).toFloats()).containsExactly(11, 22, -27);
    assertThat(a.sub(b).toFloats()).containsExactly(-9, -18, 33);
    assertThat(a.mul(b).toFloats()).containsExactly(10, 40, -90);
    assertThat(a.toFloats()).containsExactly(1, 2, 3);
  }

  /** Masking by multiplication would let a masked 0 win over negative values. */
  @Test
  void maskedFill() {
    Tensor q = matrix(1, -5, -1, -3, NAN);
    Tensor mask = bytes(0, 1, 0, 255).reshape(Shape.of(1, 4));
    Tensor masked = q.maskedFill(mask, Float.NEGATIVE_INFINITY);
    assertThat(masked.toFloats()).containsExactly(-5, -INF, -3, -INF);
    assertThat(masked.rowArgmax().toInts()).containsExactly(2);
    assertThat(q.mul(mask.toFloat(1)).rowArgmax().toInts()).isNotEqualTo(new int[] {2});
  }

  @Test
  void maskedPlacesGetNoGradient() {
    assertThat(slope(x -> x[0].maskedFill(bytes(0, 7, 0), 4), 1, 2, 3)).containsExactly(1, 0, 1);
  }

  /** Bytes are 0…255, not −128…127. */
  @Test
  void toFloat() {
    assertThat(bytes(0, 51, 200, 255).toFloat(255).toFloats())
        .containsExactly(0, 0.2f, 200 / 255f, 1);
    assertThat(ints(-7, 3).toFloat(2).toFloats()).containsExactly(-3.5f, 1.5f);
  }

  // ── rows and columns ──────────────────────────────────────────────────────────────────────────

  @Test
  void addRowAndSumRows() {
    Tensor x = matrix(2, 1, 2, 3, 4, 5, 6);
    assertThat(x.addRow(vector(10, 20, 30)).toFloats()).containsExactly(11, 22, 33, 14, 25, 36);
    assertThat(x.sumRows().toFloats()).containsExactly(5, 7, 9);
  }

  @Test
  void addChannel() {
    Tensor x = device.tensor(new float[] {1, 2, 3, 4}, Shape.of(1, 2, 1, 2));
    assertThat(x.addChannel(vector(10, 20)).toFloats()).containsExactly(11, 22, 13, 24);
  }

  @Test
  void sumMeanMaxAbs() {
    Tensor x = matrix(2, -7, -2, -4, -3);
    assertThat(x.sum().item()).isEqualTo(-16);
    assertThat(x.mean().item()).isEqualTo(-4);
    assertThat(x.maxAbs().item()).isEqualTo(7);
    assertThat(vector(1, NAN, 3).maxAbs().item()).isNaN();
    assertThat(device.zeros(Shape.of(0)).sum().item()).isZero();
    assertThat(x.sum().shape()).isEqualTo(Shape.scalar());
    assertThat(x.requireGradient().maxAbs().hasGradient()).isFalse();
  }

  @Test
  void spread() {
    Tensor y = device.full(Shape.scalar(), 3).spread(Shape.of(2, 2));
    assertThat(y.shape()).isEqualTo(Shape.of(2, 2));
    assertThat(y.toFloats()).containsExactly(3, 3, 3, 3);
  }

  @Test
  void rowArgmaxIsTheSmallestOfTheLargest() {
    float[][] rows = {
      {1, 3, 3, 2}, {5, 5, 5, 5}, {-4, -2, -3, -2}, {-INF, -INF, -INF, -INF},
      {1, NAN, INF, NAN}, {NAN, 9, 9, 9}, {-0f, 0, -0f, 0}, {0, 1, 2, 3}
    };
    int[] columns = {1, 0, 1, 0, 1, 0, 0, 3};
    for (int r = 0; r < rows.length; r++) {
      assertThat(matrix(1, rows[r]).rowArgmax().toInts())
          .as("row %d", r)
          .containsExactly(columns[r]);
    }
    assertThat(matrix(3, 1, 2, 9, 4, 6, 6).rowArgmax().toInts()).containsExactly(1, 0, 0);
  }

  @Test
  void rowMax() {
    assertThat(matrix(4, -5, -3, -9, 7, 7, 2, 1, NAN, INF, -INF, -INF, -INF).rowMax().toFloats())
        .containsExactly(-3, 7, NAN, -INF);
  }

  /** At a tie the gradient goes to one column, the one that rowArgmax names. */
  @Test
  void rowMaxSendsTheGradientToOneColumn() {
    Tensor x = matrix(2, 5, 5, 1, -2, -1, -1).requireGradient();
    assertThat(x.rowMax().sum().backward().of(x).toFloats()).containsExactly(1, 0, 0, 0, 1, 0);
  }

  @Test
  void pickTakesOnePerRowAndNaNOutside() {
    Tensor q = matrix(4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assertThat(q.pick(ints(2, 0, 3, -1)).toFloats()).containsExactly(3, 4, NAN, NAN);
    q.requireGradient();
    assertThat(q.pick(ints(2, 0, 3, -1)).sum().backward().of(q).toFloats())
        .containsExactly(0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Test
  void place() {
    assertThat(vector(7, 8, 9).place(ints(1, 0, 5), 2).toFloats())
        .containsExactly(0, 7, 8, 0, 0, 0);
  }

  @Test
  void oneHot() {
    Tensor y = ints(2, 0, 3, -1).oneHot(3);
    assertThat(y.shape()).isEqualTo(Shape.of(4, 3));
    assertThat(y.toFloats()).containsExactly(0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  // ── matrices and convolutions ─────────────────────────────────────────────────────────────────

  @Test
  void matmul() {
    Tensor y = matrix(2, 1, 2, 3, 4, 5, 6).matmul(matrix(3, 1, 10, 2, 20, 3, 30));
    assertThat(y.shape()).isEqualTo(Shape.of(2, 2));
    assertThat(y.toFloats()).containsExactly(14, 140, 32, 320);
  }

  @Test
  void linear() {
    Tensor y = matrix(1, 1, 2, 3).linear(matrix(2, 1, 1, 1, 0, 10, -1));
    assertThat(y.shape()).isEqualTo(Shape.of(1, 2));
    assertThat(y.toFloats()).containsExactly(6, 17);
  }

  /** Nothing is turned round: the filter's first element meets the window's first. */
  @Test
  void conv2dIsACrossCorrelation() {
    Tensor x = device.tensor(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, Shape.of(1, 3, 3, 1));
    Tensor filter = device.tensor(new float[] {1, 10, 100, 1000}, Shape.of(1, 2, 2, 1));
    Tensor y = x.conv2d(filter, vector(0.5f), 1, 0);
    assertThat(y.shape()).isEqualTo(Shape.of(1, 2, 2, 1));
    assertThat(y.toFloats()).containsExactly(5421.5f, 6532.5f, 8754.5f, 9865.5f);
  }

  @Test
  void conv2dPadsWithZerosAndStrides() {
    Tensor x = device.tensor(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, Shape.of(1, 3, 3, 1));
    Tensor filter = device.tensor(new float[] {1, 10, 100, 1000}, Shape.of(1, 2, 2, 1));
    Tensor y = x.conv2d(filter, vector(0), 2, 1);
    assertThat(y.shape()).isEqualTo(Shape.of(1, 2, 2, 1));
    assertThat(y.toFloats()).containsExactly(1000, 3200, 7040, 9865);
  }

  @Test
  void conv2dSumsOverChannelsAndKeepsFiltersApart() {
    Tensor x = device.tensor(new float[] {1, 2, 3, 4}, Shape.of(2, 1, 1, 2));
    Tensor filter = device.tensor(new float[] {1, 10, 0, -1, 5, 5}, Shape.of(3, 1, 1, 2));
    Tensor y = x.conv2d(filter, vector(0, 100, 0), 1, 0);
    assertThat(y.shape()).isEqualTo(Shape.of(2, 1, 1, 3));
    assertThat(y.toFloats()).containsExactly(21, 98, 15, 43, 96, 35);
  }

  // ── layout ────────────────────────────────────────────────────────────────────────────────────

  @Test
  void reshapeAndFlatten() {
    Tensor x = device.tensor(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, Shape.of(2, 2, 2));
    assertThat(x.flatten().shape()).isEqualTo(Shape.of(2, 4));
    assertThat(x.flatten().toFloats()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    assertThat(vector(1, 2, 3).flatten().shape()).isEqualTo(Shape.of(3, 1));
    assertThat(ints(1, 2).reshape(Shape.of(2, 1)).toInts()).containsExactly(1, 2);
    assertThat(bytes(1, 255).reshape(Shape.of(2, 1)).toBytes()).containsExactly(1, (byte) 255);
  }

  /** A batch of no agents still has the width that the next layer expects. */
  @Test
  void flattenOfAnEmptyBatchKeepsTheWidth() {
    Tensor x = device.zeros(Shape.of(0, 2, 3, 4)).flatten();
    assertThat(x.shape()).isEqualTo(Shape.of(0, 24));
    assertThat(x.linear(device.zeros(Shape.of(5, 24))).shape()).isEqualTo(Shape.of(0, 5));
  }

  @Test
  void toNchwAndBack() {
    float[] nhwc = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60}; // [1, 2, 3, 2]
    Tensor x = device.tensor(nhwc, Shape.of(1, 2, 3, 2));
    Tensor y = x.toNchw();
    assertThat(y.shape()).isEqualTo(Shape.of(1, 2, 2, 3));
    assertThat(y.toFloats()).containsExactly(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
    assertThat(y.toNhwc().shape()).isEqualTo(x.shape());
    assertThat(y.toNhwc().toFloats()).containsExactly(nhwc);
  }

  @Test
  void channelsAndTheirJoin() {
    Tensor a = matrix(2, 1, 2, 3, 4);
    Tensor b = matrix(2, 10, 20);
    Tensor joined = a.concatChannels(b);
    assertThat(joined.shape()).isEqualTo(Shape.of(2, 3));
    assertThat(joined.toFloats()).containsExactly(1, 2, 10, 3, 4, 20);
    assertThat(joined.channels(1, 2).toFloats()).containsExactly(2, 10, 4, 20);
    assertThat(joined.channels(3, 0).shape()).isEqualTo(Shape.of(2, 0));
  }

  // ── what a tensor is ──────────────────────────────────────────────────────────────────────────

  @Test
  void shapesCompareByValue() {
    Shape shape = Shape.of(2, 3, 4);
    assertThat(shape).isEqualTo(Shape.of(2, 3, 4)).hasSameHashCodeAs(Shape.of(2, 3, 4));
    assertThat(shape).isNotEqualTo(Shape.of(2, 3)).isNotEqualTo(Shape.of(2, 4, 3));
    assertThat(shape).hasToString("[2, 3, 4]");
    assertThat(shape.size()).isEqualTo(24);
    assertThat(shape.dim(-1)).isEqualTo(4);
    assertThat(shape.rank()).isEqualTo(3);
    assertThat(Shape.scalar().size()).isEqualTo(1);
    assertThat(Shape.of(3, 0).size()).isZero();
    int[] dims = {2, 2};
    Shape own = Shape.of(dims);
    dims[0] = 9;
    own.dims()[1] = 9;
    assertThat(own).isEqualTo(Shape.of(2, 2));
  }

  @Test
  void aTensorSaysWhatItIs() {
    Tensor x = vector(1, 2).named("obs");
    assertThat(x).hasToString("Tensor[2] (obs)");
    assertThat(x.reshape(Shape.of(2, 1))).hasToString("Tensor[2, 1] (obs)");
    assertThat(vector(1).dtype()).isEqualTo(DType.FLOAT32);
    assertThat(bytes(1).dtype()).isEqualTo(DType.UINT8);
    assertThat(ints(1).dtype()).isEqualTo(DType.INT32);
  }
}
