package bellman.engine;

import static bellman.engine.GradientCheck.distinct;
import static bellman.engine.GradientCheck.input;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.GradientCheck.Input;
import bellman.engine.GradientCheck.Op;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.engine.reference.ReferenceBackend;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every backward of the engine, checked against central differences. */
class GradientTest {
  /** What returns a tensor and is no differentiable op: indices, conversions, marks, and hooks. */
  private static final Set<String> NOT_DIFFERENTIABLE =
      Set.of(
          "rowArgmax", "oneHot", "toFloat", "maxAbs", "named", "requireGradient", "from", "into");

  private static final List<Shape> SHAPES =
      List.of(Shape.scalar(), Shape.of(7), Shape.of(3, 4), Shape.of(2, 3, 2, 2));

  record Case(String method, String label, Op op, Input... inputs) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(label);
      for (Input input : inputs) {
        text.append(' ').append(input.shape());
      }
      return text.toString();
    }
  }

  /** The table of cases. */
  private static final class Table {
    private final List<Case> cases = new ArrayList<>();

    void add(String method, String label, Op op, Input... inputs) {
      cases.add(new Case(method, label, op, inputs));
    }

    void pointwise(String method, String label, Op op, double... kinks) {
      for (Shape shape : SHAPES) {
        add(method, label, op, input("x", cases.size(), shape, kinks));
      }
    }

    void binary(String method, Op op) {
      for (Shape shape : SHAPES) {
        add(method, method, op, input("a", cases.size(), shape), input("b", cases.size(), shape));
      }
    }

    void conv(int stride, int padding, Shape x, Shape filter) {
      long seed = cases.size();
      add(
          "conv2d",
          "conv2d(stride " + stride + ", padding " + padding + ")",
          in -> in[0].conv2d(in[1], in[2], stride, padding),
          input("x", seed, x),
          input("filter", seed, filter),
          input("bias", seed, Shape.of(filter.dim(0))));
      add(
          "conv2dRelu",
          "conv2dRelu(stride " + stride + ", padding " + padding + ")",
          in -> in[0].conv2dRelu(in[1], in[2], stride, padding),
          input("x", seed, x),
          input("filter", seed, filter),
          input("bias", seed, Shape.of(filter.dim(0))));
      for (int computed = 0; computed < 3; computed++) {
        int which = computed;
        add(
            "conv2d",
            "conv2d with computed operand " + which,
            in -> {
              Tensor[] of = in.clone();
              of[which] = of[which].scale(2);
              return of[0].conv2d(of[1], of[2], stride, padding);
            },
            input("x", seed, x),
            input("filter", seed, filter),
            input("bias", seed, Shape.of(filter.dim(0))));
      }
    }
  }

  static List<Case> cases() {
    Table t = new Table();
    t.pointwise("relu", "relu", x -> x[0].relu(), 0);
    t.pointwise("tanh", "tanh", x -> x[0].tanh());
    t.pointwise("sigmoid", "sigmoid", x -> x[0].sigmoid());
    t.pointwise("exp", "exp", x -> x[0].exp());
    for (Shape shape : SHAPES) {
      t.add("sqrt", "sqrt", x -> x[0].sqrt(), input("x", t.cases.size(), 0.2, 3, shape));
    }
    t.pointwise("square", "square", x -> x[0].square());
    t.pointwise("abs", "abs", x -> x[0].abs(), 0);
    t.pointwise("scale", "scale(-1.7)", x -> x[0].scale(-1.7f));
    t.pointwise("shift", "shift(0.3)", x -> x[0].shift(0.3f));
    t.pointwise("clip", "clip(-0.5, 0.8)", x -> x[0].clip(-0.5f, 0.8f), -0.5, 0.8);
    t.pointwise("smoothL1", "smoothL1(0)", x -> x[0].smoothL1(0), 0);
    for (float beta : new float[] {0.5f, 1, 2}) {
      t.pointwise("smoothL1", "smoothL1(" + beta + ")", x -> x[0].smoothL1(beta), -beta, beta);
      t.pointwise("huber", "huber(" + beta + ")", x -> x[0].huber(beta), -beta, beta);
    }
    t.binary("add", x -> x[0].add(x[1]));
    t.binary("sub", x -> x[0].sub(x[1]));
    t.binary("mul", x -> x[0].mul(x[1]));
    t.pointwise("maskedFill", "maskedFill(-3)", x -> x[0].maskedFill(everyThird(x[0]), -3));

    for (Shape shape : List.of(Shape.of(1, 1), Shape.of(3, 4), Shape.of(5, 2))) {
      long seed = t.cases.size();
      Shape row = Shape.of(shape.dim(1));
      t.add(
          "addRow",
          "addRow",
          x -> x[0].addRow(x[1]),
          input("x", seed, shape),
          input("row", seed, row));
      t.add("sumRows", "sumRows", x -> x[0].sumRows(), input("x", seed, shape));
      t.add("rowMax", "rowMax", x -> x[0].rowMax(), distinct("x", seed, shape));
      t.add("pick", "pick", x -> x[0].pick(columns(x[0], 1)), input("x", seed, shape));
      int cols = shape.dim(1);
      Shape column = Shape.of(shape.dim(0));
      t.add("place", "place", x -> x[0].place(columns(x[0], cols), cols), input("x", seed, column));
    }
    for (Shape shape : List.of(Shape.of(1, 1, 1, 1), Shape.of(2, 3, 2, 4))) {
      long seed = t.cases.size();
      Shape channel = Shape.of(shape.dim(3));
      t.add(
          "addChannel",
          "addChannel",
          x -> x[0].addChannel(x[1]),
          input("x", seed, shape),
          input("channel", seed, channel));
      t.add("toNchw", "toNchw", x -> x[0].toNchw(), input("x", seed, shape));
      t.add("toNhwc", "toNhwc", x -> x[0].toNhwc(), input("x", seed, shape));
    }
    t.pointwise("sum", "sum", x -> x[0].sum());
    t.pointwise("mean", "mean", x -> x[0].mean());
    for (Shape shape : SHAPES) {
      t.add(
          "spread",
          "spread to " + shape,
          x -> x[0].spread(shape),
          input("x", t.cases.size(), Shape.scalar()));
    }

    for (int[] mkn : new int[][] {{1, 1, 1}, {2, 3, 4}, {4, 1, 3}, {3, 5, 2}}) {
      long seed = t.cases.size();
      Input a = input("a", seed, Shape.of(mkn[0], mkn[1]));
      t.add(
          "matmul",
          "matmul",
          x -> x[0].matmul(x[1]),
          a,
          input("b", seed, Shape.of(mkn[1], mkn[2])));
      t.add(
          "linear",
          "linear",
          x -> x[0].linear(x[1]),
          a,
          input("w", seed, Shape.of(mkn[2], mkn[1])));
      Input w = input("w", seed, Shape.of(mkn[2], mkn[1]));
      Input b = input("b", seed, Shape.of(mkn[2]));
      t.add("linear", "linear with bias", x -> x[0].linear(x[1], x[2]), a, w, b);
      t.add("linearRelu", "linearRelu", x -> x[0].linearRelu(x[1], x[2]), a, w, b);
      t.add("linear", "computed bias", x -> x[0].linear(x[1], x[2].scale(2)), a, w, b);
      t.add("linear", "computed w", x -> x[0].linear(x[1].scale(2), x[2]), a, w, b);
      t.add("linear", "computed x", x -> x[0].scale(2).linear(x[1], x[2]), a, w, b);
    }
    t.conv(1, 0, Shape.of(1, 1, 1, 1), Shape.of(1, 1, 1, 1));
    t.conv(1, 0, Shape.of(2, 4, 5, 3), Shape.of(2, 3, 2, 3));
    t.conv(2, 0, Shape.of(1, 6, 5, 2), Shape.of(3, 2, 3, 2)); // leaves a row that no filter reads
    t.conv(1, 1, Shape.of(1, 3, 4, 2), Shape.of(2, 3, 3, 2));
    t.conv(2, 2, Shape.of(2, 5, 3, 1), Shape.of(2, 4, 3, 1));
    t.conv(3, 1, Shape.of(1, 7, 6, 1), Shape.of(1, 2, 2, 1)); // gaps between filters

    t.add(
        "reshape",
        "reshape to [2, 6]",
        x -> x[0].reshape(Shape.of(2, 6)),
        input("x", 1, Shape.of(3, 4)));
    t.add(
        "reshape", "reshape to []", x -> x[0].reshape(Shape.scalar()), input("x", 1, Shape.of(1)));
    t.add("flatten", "flatten", x -> x[0].flatten(), input("x", 1, Shape.of(2, 3, 2, 2)));
    t.add("flatten", "flatten", x -> x[0].flatten(), input("x", 1, Shape.of(4)));
    t.add(
        "concatChannels",
        "concatChannels",
        x -> x[0].concatChannels(x[1]),
        input("a", 1, Shape.of(2, 2, 3, 1)),
        input("b", 1, Shape.of(2, 2, 3, 4)));
    t.add(
        "concatChannels",
        "concatChannels",
        x -> x[0].concatChannels(x[1]),
        input("a", 1, Shape.of(3)),
        input("b", 1, Shape.of(2)));
    for (int[] atN : new int[][] {{0, 5}, {0, 2}, {2, 3}, {1, 1}}) {
      t.add(
          "channels",
          "channels(" + atN[0] + ", " + atN[1] + ")",
          x -> x[0].channels(atN[0], atN[1]),
          input("x", 2, Shape.of(2, 1, 2, 5)));
    }
    return t.cases;
  }

  private static Tensor everyThird(Tensor x) {
    byte[] mask = new byte[(int) x.shape().size()];
    for (int i = 1; i < mask.length; i += 3) {
      mask[i] = (byte) (i % 2 == 0 ? 1 : 255);
    }
    return x.device().tensor(mask, x.shape());
  }

  /** One column per row, repeated columns among them. */
  private static Tensor columns(Tensor x, int cols) {
    int rows = x.shape().dim(0);
    int n = x.shape().rank() == 2 ? x.shape().dim(1) : cols;
    int[] index = new int[rows];
    for (int r = 0; r < rows; r++) {
      index[r] = (r * r + 1) % n;
    }
    return x.device().tensor(index, Shape.of(rows));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void backwardEqualsCentralDifferences(Case c) {
    GradientCheck.check(c.toString(), c.op, c.inputs);
  }

  /** The shape of a DQN loss: two layers, a kept action, a difference, a robust mean. */
  @Test
  void aWholeNetworksGradientIsRight() {
    GradientCheck.check(
        "network",
        in -> {
          Tensor x = in[0].conv2d(in[1], in[2], 2, 1).relu().flatten();
          Tensor q = x.linear(in[3]).addRow(in[4]);
          Tensor y = x.device().tensor(new float[] {0.5f, -0.25f}, Shape.of(2));
          return y.sub(q.pick(columns(q, 3))).huber(1).mean();
        },
        input("x", 3, Shape.of(2, 4, 4, 2)),
        input("filter", 3, Shape.of(3, 3, 3, 2)),
        input("bias", 3, Shape.of(3)),
        input("w", 3, Shape.of(3, 12)),
        input("b", 3, Shape.of(3)));
  }

  /** Layers that read a relu's result send their gradient through it; another reader does not. */
  @Test
  void aGradientPassesTheRelusItsLayersMeet() {
    GradientCheck.check(
        "relus",
        in -> {
          Tensor a = in[0].conv2dRelu(in[1], in[2], 1, 1);
          Tensor b = a.conv2dRelu(in[3], in[4], 1, 1);
          Tensor c = b.flatten().linearRelu(in[5], in[6]);
          return c.linear(in[5].reshape(Shape.of(32, 3)), in[7]).sum().add(a.mul(b).sum());
        },
        input("x", 3, Shape.of(2, 4, 4, 2)),
        input("filter1", 4, Shape.of(2, 3, 3, 2)),
        input("bias1", 5, Shape.of(2)),
        input("filter2", 6, Shape.of(2, 3, 3, 2)),
        input("bias2", 7, Shape.of(2)),
        input("w", 8, Shape.of(3, 32)),
        input("b", 9, Shape.of(3)),
        input("b2", 10, Shape.of(32)));
  }

  /** A new op without a case here fails this test: add a row above. */
  @Test
  void everyDifferentiableOpHasACase() {
    Set<String> ops = new TreeSet<>();
    for (Method method : Tensor.class.getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers()) && method.getReturnType() == Tensor.class) {
        ops.add(method.getName());
      }
    }
    assertThat(ops).containsAll(NOT_DIFFERENTIABLE);
    ops.removeAll(NOT_DIFFERENTIABLE);
    Set<String> checked = new TreeSet<>();
    cases().forEach(c -> checked.add(c.method));
    assertThat(checked).isEqualTo(ops);
  }

  // ── ops from outside ──────────────────────────────────────────────────────────────────────────

  private static final Kernel CUBE =
      new Kernel(
          "cube",
          "extern \"C\" __global__ void cube(const float* x, float* y, int n) {}",
          (arguments, from, to) -> {
            HostArray x = arguments.array(0);
            HostArray y = arguments.array(1);
            for (int i = from; i < to; i++) {
              y.set(i, x.get(i) * x.get(i) * x.get(i));
            }
          });

  private static final Kernel CUBE_GRADIENT =
      new Kernel(
          "cube_gradient",
          "extern \"C\" __global__ void cube_gradient(const float* x, const float* dy, float f,"
              + " float* dx, int n) {}",
          (arguments, from, to) -> {
            HostArray x = arguments.array(0);
            HostArray dy = arguments.array(1);
            HostArray dx = arguments.array(3);
            for (int i = from; i < to; i++) {
              dx.set(i, arguments.number(2) * x.get(i) * x.get(i) * dy.get(i));
            }
          });

  private static Tensor cube(Tensor x) {
    Tensor y = x.device().empty(x.shape(), DType.FLOAT32);
    x.device().launch(CUBE, (int) x.shape().size(), x, y);
    return y;
  }

  private static void cubeGradient(Tensor x, Tensor dy, float factor, Tensor dx) {
    x.device().launch(CUBE_GRADIENT, (int) x.shape().size(), x, dy, factor, dx);
  }

  /** Σx² with 2x made in the forward pass. */
  @Test
  void aScalarMayKnowItsGradient() {
    GradientCheck.check(
        "known gradient",
        in -> Tensor.withoutGradient(() -> in[0].square().sum()).from(in[0], in[0].scale(2)),
        input("x", 1, Shape.of(3, 4)));
    try (Device device = new Device(ReferenceBackend.floats())) {
      Tensor x = device.tensor(new float[] {1, -2}, Shape.of(2)).requireGradient();
      Tensor known = Tensor.withoutGradient(() -> x.square().sum()).from(x, x.scale(2));
      assertThat(known.backward().of(x).toFloats()).containsExactly(2, -4); // dy = 1
      assertThat(known.scale(3).backward().of(x).toFloats()).containsExactly(6, -12);
      Tensor both = x.square().sum().from(x, x.scale(2));
      assertThat(both.backward().of(x).toFloats()).containsExactly(4, -8);
      assertThatThrownBy(() -> x.sum().from(x, x.sum()))
          .isInstanceOf(ShapeException.class)
          .hasMessageStartingWith("from: shapes differ: left [2], right []");
    }
  }

  @Test
  void anOpFromOutsideWritesItsGradient() {
    GradientCheck.check(
        "cube",
        in -> cube(in[0]).into(in[0], (dy, dx) -> cubeGradient(in[0], dy, 3, dx)),
        input("x", 1, Shape.of(3, 4)));
  }

  @Test
  void anOpFromOutsideReturnsItsGradient() {
    GradientCheck.check(
        "cube",
        in -> cube(in[0]).from(in[0], dy -> in[0].square().scale(3).mul(dy)),
        input("x", 1, Shape.of(3, 4)));
  }

  // ── the check itself can fail ─────────────────────────────────────────────────────────────────

  @Test
  void aWrongFactorIsFoundAndNamed() {
    Input x = new Input("x", Shape.of(2), new double[] {1, 2});
    assertThatThrownBy(
            () ->
                GradientCheck.check(
                    "cube",
                    in -> cube(in[0]).into(in[0], (dy, dx) -> cubeGradient(in[0], dy, 2, dx)),
                    x))
        .isInstanceOf(AssertionError.class)
        .hasMessageMatching(
            "cube: ∂L/∂x\\[0] of leaf \\[2]: backward gives \\S+, central difference \\S+");
  }

  @Test
  void oneWrongElementIsFound() {
    Input x = input("x", 1, Shape.of(5));
    assertThatThrownBy(
            () ->
                GradientCheck.check(
                    "copy",
                    in -> withoutEdges(in[0]).from(in[0], dy -> dy.maskedFill(lastOnly(dy), 0)),
                    x))
        .hasMessageContaining("∂L/∂x[4]");
  }

  @Test
  void anElementLeftUnwrittenIsFound() {
    assertThatThrownBy(
            () ->
                GradientCheck.check(
                    "lazy",
                    in -> withoutEdges(in[0]).into(in[0], (dy, dx) -> {}),
                    input("x", 1, Shape.of(2))))
        .isInstanceOf(AssertionError.class);
  }

  private static Tensor withoutEdges(Tensor x) {
    return Tensor.withoutGradient(() -> x.shift(0));
  }

  private static Tensor lastOnly(Tensor dy) {
    byte[] mask = new byte[(int) dy.shape().size()];
    Arrays.fill(mask, mask.length - 1, mask.length, (byte) 1);
    return dy.device().tensor(mask, dy.shape());
  }
}
