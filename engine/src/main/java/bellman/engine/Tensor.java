package bellman.engine;

import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.BytePictures;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.backend.Fold;
import bellman.engine.backend.Pointwise;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * An array of numbers on a device: dtype, shape, and a contiguous row-major buffer. Tensors are
 * immutable, save parameters and states, which are written in place.
 *
 * <p>Ops compute at once and remember how gradients flow back: an op is a forward line and one line
 * per input. Shapes must fit exactly; nothing broadcasts. In the formulas dy is the gradient of the
 * op's result.
 */
public final class Tensor {
  /** How the gradient flows from a result to one of its inputs. */
  static final class Edge {
    private final Tensor input;
    private final UnaryOperator<Tensor> value; // dy → dx
    private final BiConsumer<Tensor, Tensor> into; // (dy, dx) writes dx
    private final Tensor known; // dx for dy = 1

    private Edge(
        Tensor input, UnaryOperator<Tensor> value, BiConsumer<Tensor, Tensor> into, Tensor known) {
      this.input = input;
      this.value = value;
      this.into = into;
      this.known = known;
    }

    boolean isKnown() {
      return known != null;
    }

    Tensor input() {
      return input;
    }

    /** dx, written to {@code place} if the op can and place is given; a dy of null is 1. */
    Tensor gradient(Tensor dy, Tensor place) {
      if (dy == null) {
        return known;
      }
      if (value != null) {
        return value.apply(dy);
      }
      Tensor dx = place != null ? place : input.device.empty(input.shape, DType.FLOAT32);
      into.accept(dy, dx);
      return dx;
    }
  }

  private static final ThreadLocal<int[]> WITHOUT_GRADIENT =
      ThreadLocal.withInitial(() -> new int[1]);

  private final Device device;
  private final Shape shape;
  private final DType dtype;
  private final Tensor base; // the tensor that owns the memory; null: this one
  private final Parameters parameters;
  private final int parameterIndex;
  private final long sequence; // rises with every tensor of the device
  private Buffer buffer;
  private Scope scope;
  private String name;
  private boolean mutable;
  private boolean leaf;
  private List<Edge> edges = List.of();
  private Together together; // for the edges' gradients; null: each by itself
  private Tensor unrectified; // before the relu that this came out of, in the same memory; or null
  private BytePictures pictures; // that this is as floats; null: no such
  private Consumer<Tensor> maker; // of the floats, until somebody wants them
  private String step; // the captured step in which that must happen; null: anywhere

  Tensor(Device device, Shape shape, DType dtype, Buffer buffer, Scope scope) {
    this(device, shape, dtype, buffer, scope, null, null, -1);
    scope.own(this);
  }

  private Tensor(
      Device device,
      Shape shape,
      DType dtype,
      Buffer buffer,
      Scope scope,
      Tensor base,
      Parameters parameters,
      int parameterIndex) {
    this.device = device;
    this.sequence = device.nextSequence();
    this.shape = shape;
    this.dtype = dtype;
    this.buffer = buffer;
    this.scope = scope;
    this.base = base;
    this.parameters = parameters;
    this.parameterIndex = parameterIndex;
  }

  static Tensor pictures(
      Device device, Shape shape, BytePictures pictures, Consumer<Tensor> maker, Scope scope) {
    Tensor x = new Tensor(device, shape, DType.FLOAT32, null, scope);
    x.pictures = pictures;
    x.maker = maker;
    x.step = device.recording();
    return x;
  }

  static Tensor parameter(Device device, Parameters owner, int index, Shape shape, String name) {
    Tensor p = new Tensor(device, shape, DType.FLOAT32, null, null, null, owner, index);
    p.name = name;
    p.leaf = true;
    p.mutable = true;
    return p;
  }

  void bind(Tensor flat, Buffer slice) {
    this.buffer = slice;
    this.scope = flat.scope;
  }

  // ── what it is ────────────────────────────────────────────────────────────────────────────────

  public Device device() {
    return device;
  }

  public Shape shape() {
    return shape;
  }

  public DType dtype() {
    return dtype;
  }

  /** Its memory, for code that defines ops. */
  public Buffer buffer() {
    device.checkUse();
    if (buffer == null && parameters != null) {
      parameters.layOut();
    }
    if (maker != null) {
      make();
    }
    Tensor owner = memory();
    if (owner.scope != null && !owner.scope.isOpen()) {
      throw new IllegalStateException(
          described()
              + " was used after its scope '"
              + owner.scope.name()
              + "' closed; keep() it, or use it inside");
    }
    if (owner.scope != null) {
      device.used(owner.scope, this);
    }
    return buffer;
  }

  private void make() {
    if (step != null && !device.isRecording()) {
      throw new IllegalStateException(
          described()
              + " was not read inside the captured step '"
              + step
              + "' that it belongs to, so that no run of it makes it; read it there");
    }
    Consumer<Tensor> maker = this.maker;
    this.maker = null;
    buffer = device.take(dtype, shape.size());
    maker.accept(this);
  }

  /** Names the tensor in errors; returns it. */
  public Tensor named(String name) {
    this.name = name;
    return this;
  }

  /** What {@link #named} called it, or null. */
  String name() {
    return name;
  }

  /** {@code [32, 4] (Q(s,a))}. */
  public String described() {
    return name == null ? shape.toString() : shape + " (" + name + ")";
  }

  @Override
  public String toString() {
    return "Tensor" + described();
  }

  Tensor memory() {
    return base == null ? this : base;
  }

  void moveTo(Scope scope) {
    this.scope = scope;
    scope.own(this);
  }

  /** Its memory, without a look at its scope; null: it was never made. */
  Buffer detachBuffer() {
    return buffer;
  }

  Tensor mutable() {
    this.mutable = true;
    return this;
  }

  // ── autograd ──────────────────────────────────────────────────────────────────────────────────

  /** Asks for ∂L/∂this, before this is used; parameters always do. Returns this. */
  public Tensor requireGradient() {
    requireFloat("requireGradient", this);
    leaf = true;
    unrectified = null; // nothing may flow past it
    return this;
  }

  /** Whether a gradient flows through this tensor. */
  public boolean hasGradient() {
    return leaf || !edges.isEmpty();
  }

  boolean isLeaf() {
    return leaf;
  }

  List<Edge> edges() {
    return edges;
  }

  long sequence() {
    return sequence;
  }

  Parameters parameters() {
    return parameters;
  }

  Tensor gradientPlace() {
    Tensor flat = parameters.gradients();
    Tensor place =
        new Tensor(
            device, shape, dtype, parameters.gradientSlice(parameterIndex), null, flat, null, -1);
    return place.named("∂" + name);
  }

  /** States that ∂L/∂input = gradient(dy), where this tensor is the op's new result. */
  public Tensor from(Tensor input, UnaryOperator<Tensor> gradient) {
    return from(input, new Edge(input, gradient, null, null));
  }

  /** The same for a gradient that a kernel writes: {@code gradient(dy, dx)} fills dx. */
  public Tensor into(Tensor input, BiConsumer<Tensor, Tensor> gradient) {
    return from(input, new Edge(input, null, gradient, null));
  }

  /** The same for a scalar [] whose kernel has written ∂this/∂input, so that dx = dy · gradient. */
  public Tensor from(Tensor input, Tensor gradient) {
    requireRank("from", this, 0);
    requireEqualShapes("from", input, gradient);
    UnaryOperator<Tensor> scaled = dy -> gradient.mul(dy.spread(gradient.shape));
    return from(input, new Edge(input, scaled, null, gradient));
  }

  private Tensor from(Tensor input, Edge edge) {
    if (input.hasGradient() && WITHOUT_GRADIENT.get()[0] == 0) {
      if (edges.isEmpty()) {
        edges = new ArrayList<>(2);
      }
      edges.add(edge);
    }
    return this;
  }

  /** Writes the gradients of w and bias at once. */
  @FunctionalInterface
  interface Together {
    void write(Tensor dy, Tensor dw, Tensor db);
  }

  /** States how they are written, if the last two inputs that want a gradient are these. */
  private Tensor together(Tensor w, Tensor bias, Together together) {
    int n = edges.size();
    if (n >= 2 && edges.get(n - 2).input == w && edges.get(n - 1).input == bias) {
      this.together = together;
    }
    return this;
  }

  /** Null: each gradient by itself. */
  Together together() {
    return together;
  }

  /** Computes without recording: no gradient flows through the result. */
  public static <T> T withoutGradient(Supplier<T> computation) {
    int[] depth = WITHOUT_GRADIENT.get();
    depth[0]++;
    try {
      return computation.get();
    } finally {
      depth[0]--;
    }
  }

  /** ∂this/∂x for every parameter and leaf x behind this scalar. */
  public Gradients backward() {
    return Gradients.behind(this, null);
  }

  /**
   * The same with work on gradients that are there while others are still computed.
   *
   * @param arrival told of parameters as their gradients arrive
   */
  public Gradients backward(Gradients.Arrival arrival) {
    return Gradients.behind(this, arrival);
  }

  // ── host ──────────────────────────────────────────────────────────────────────────────────────

  /** The float32 values, row-major; waits for the work that makes them. */
  public float[] toFloats() {
    checkRead("toFloats", DType.FLOAT32);
    float[] values = new float[Math.toIntExact(shape.size())];
    device.backend().read(buffer(), 0, values, 0, values.length);
    return values;
  }

  public int[] toInts() {
    checkRead("toInts", DType.INT32);
    int[] values = new int[Math.toIntExact(shape.size())];
    device.backend().read(buffer(), 0, values, 0, values.length);
    return values;
  }

  /**
   * Takes what kernels write into this int32 tensor of {@link Device#shared} memory, each element
   * once between two takes. Waits for that alone, not for the end of the step; what is taken is
   * gone.
   */
  public int[] take() {
    checkRead("take", DType.INT32);
    int[] values = new int[Math.toIntExact(shape.size())];
    device.backend().take(buffer(), values);
    return values;
  }

  public byte[] toBytes() {
    checkRead("toBytes", DType.UINT8);
    byte[] values = new byte[Math.toIntExact(shape.size())];
    device.backend().read(buffer(), 0, values, 0, values.length);
    return values;
  }

  /** Fills {@code values} with the elements from {@code at} on, of a tensor of any size. */
  public void read(long at, float[] values) {
    checkRead("read", DType.FLOAT32);
    checkRange("read", at, values.length);
    device.backend().read(buffer(), at, values, 0, values.length);
  }

  public void read(long at, int[] values) {
    checkRead("read", DType.INT32);
    checkRange("read", at, values.length);
    device.backend().read(buffer(), at, values, 0, values.length);
  }

  public void read(long at, byte[] values) {
    checkRead("read", DType.UINT8);
    checkRange("read", at, values.length);
    device.backend().read(buffer(), at, values, 0, values.length);
  }

  /** The value of a float32 tensor with one element. */
  public float item() {
    if (shape.size() != 1) {
      throw new ShapeException("item: one element needed, got " + described());
    }
    return toFloats()[0];
  }

  private void checkRead(String op, DType wanted) {
    device.checkHost(op);
    if (dtype != wanted) {
      throw new IllegalArgumentException(
          op + ": " + described() + " holds " + dtype + ", not " + wanted);
    }
  }

  // ── in place: parameters and states only ──────────────────────────────────────────────────────

  /**
   * this ← x; equal shape and type. An op that used the old values and whose gradient is still to
   * come would take it from the new ones: write behind backward.
   */
  public void set(Tensor x) {
    requireMutable("set");
    requireEqualShapes("set", this, x);
    if (dtype != x.dtype) {
      throw new IllegalArgumentException(
          "set: " + dtype + " ← " + x.dtype + "; types must be equal");
    }
    device.backend().copy(x.buffer(), buffer());
    buffer().written();
  }

  public void set(float[] values) {
    set(0, values);
  }

  /** Overwrites the elements from {@code at} on. */
  public void set(long at, float[] values) {
    checkSet(at, values.length, DType.FLOAT32);
    device.backend().write(buffer(), at, values, 0, values.length);
    buffer().written();
  }

  public void set(int[] values) {
    set(0, values);
  }

  public void set(long at, int[] values) {
    checkSet(at, values.length, DType.INT32);
    device.backend().write(buffer(), at, values, 0, values.length);
    buffer().written();
  }

  public void set(long at, byte[] values) {
    checkSet(at, values.length, DType.UINT8);
    device.backend().write(buffer(), at, values, 0, values.length);
    buffer().written();
  }

  /** Overwrites the bytes from {@code at} on with a picture, folded. */
  public void set(long at, byte[] picture, Fold fold) {
    if (picture.length != fold.plain()) {
      throw new ShapeException("set: " + picture.length + " bytes are no picture for " + fold);
    }
    checkSet(at, fold.folded(), DType.UINT8);
    device.backend().write(buffer(), at, picture, fold);
    buffer().written();
  }

  /** this ← this + x, for statistics that gather over many steps. */
  public void accumulate(Tensor x) {
    combine("accumulate", Pointwise.ADD, x);
  }

  /** this ← max(this, x), element by element; NaN stays. */
  public void accumulateMax(Tensor x) {
    combine("accumulateMax", Pointwise.MAX, x);
  }

  private void combine(String op, Pointwise row, Tensor x) {
    requireMutable(op);
    requireEqualShapes(op, this, x);
    requireFloat(op, this);
    requireFloat(op, x);
    device.backend().map(row, 0, 0, buffer(), buffer(), x.buffer());
    buffer().written();
  }

  /** this ← this + amount, for an int32 counter []. */
  public void increment(int amount) {
    requireMutable("increment");
    requireRank("increment", this, 0);
    requireType("increment", this, DType.INT32, "counter");
    device.backend().increment(buffer(), amount);
    buffer().written();
  }

  private void checkSet(long at, int length, DType given) {
    device.checkHost("set");
    requireMutable("set");
    if (dtype != given) {
      throw new IllegalArgumentException(
          "set: " + described() + " holds " + dtype + ", not " + given);
    }
    checkRange("set", at, length);
  }

  private void checkRange(String op, long at, int length) {
    if (at < 0 || at > shape.size() - length) {
      throw new ShapeException(
          op + ": " + length + " elements from " + at + " on, of " + described());
    }
  }

  private void requireMutable(String op) {
    if (!mutable) {
      throw new IllegalStateException(
          op + ": " + described() + " is immutable; only parameters and states change in place");
    }
  }

  // ── pointwise ─────────────────────────────────────────────────────────────────────────────────

  /** The method that a row belongs to, for errors: SMOOTH_L1 is smoothL1. */
  private static final String[] OPS = new String[Pointwise.values().length];

  static {
    for (Pointwise row : Pointwise.values()) {
      StringBuilder op = new StringBuilder();
      for (String word : row.name().split("_")) {
        String lower = word.toLowerCase(Locale.ROOT);
        op.append(op.length() == 0 ? lower : word.charAt(0) + lower.substring(1));
      }
      OPS[row.ordinal()] = op.toString();
    }
  }

  private Tensor map(Pointwise row, float a, float b) {
    requireFloat(OPS[row.ordinal()], this);
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().map(row, a, b, y.buffer(), buffer());
    return y;
  }

  private Tensor map(Pointwise row) {
    return map(row, 0, 0);
  }

  private Tensor zip(Pointwise row, Tensor other, float a, float b) {
    String op = OPS[row.ordinal()];
    requireEqualShapes(op, this, other);
    requireFloat(op, this);
    requireFloat(op, other);
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().map(row, a, b, y.buffer(), buffer(), other.buffer());
    return y;
  }

  private Tensor zip(Pointwise row, Tensor other) {
    return zip(row, other, 0, 0);
  }

  /** max(x, 0). */
  public Tensor relu() {
    Tensor y = map(Pointwise.RELU);
    return y.from(this, dy -> dy.zip(Pointwise.RELU_GRADIENT, y));
  }

  public Tensor tanh() {
    Tensor y = map(Pointwise.TANH);
    return y.from(this, dy -> dy.zip(Pointwise.TANH_GRADIENT, y)); // 1 − y²
  }

  /** 1 / (1 + e⁻ˣ). */
  public Tensor sigmoid() {
    Tensor y = map(Pointwise.SIGMOID);
    return y.from(this, dy -> dy.zip(Pointwise.SIGMOID_GRADIENT, y)); // y(1 − y)
  }

  public Tensor exp() {
    Tensor y = map(Pointwise.EXP);
    return y.from(this, dy -> dy.mul(y));
  }

  public Tensor sqrt() {
    Tensor y = map(Pointwise.SQRT);
    return y.from(this, dy -> dy.zip(Pointwise.SQRT_GRADIENT, y)); // 1/(2y)
  }

  public Tensor square() {
    return map(Pointwise.SQUARE).from(this, dy -> dy.zip(Pointwise.SQUARE_GRADIENT, this)); // 2x
  }

  public Tensor abs() {
    return map(Pointwise.ABS).from(this, dy -> dy.zip(Pointwise.ABS_GRADIENT, this)); // sign x
  }

  /** a x. */
  public Tensor scale(float a) {
    return map(Pointwise.SCALE, a, 0).from(this, dy -> dy.scale(a));
  }

  /** x + a. */
  public Tensor shift(float a) {
    return map(Pointwise.SHIFT, a, 0).from(this, dy -> dy);
  }

  /** x limited to [low, high]; outside, no gradient. */
  public Tensor clip(float low, float high) {
    if (!(low <= high)) {
      throw new IllegalArgumentException("clip: low " + low + " is above high " + high);
    }
    return map(Pointwise.CLIP, low, high)
        .from(this, dy -> dy.zip(Pointwise.CLIP_GRADIENT, this, low, high));
  }

  /** PyTorch's smooth L1 of a difference x: |x| &lt; β ? x²/(2β) : |x| − β/2. β = 0 is |x|. */
  public Tensor smoothL1(float beta) {
    if (!(beta >= 0)) {
      throw new IllegalArgumentException("smoothL1: beta is 0 or more, got " + beta);
    }
    return map(Pointwise.SMOOTH_L1, beta, 0)
        .from(this, dy -> dy.zip(Pointwise.SMOOTH_L1_GRADIENT, this, beta, 0));
  }

  /** Huber's loss of a difference x: |x| ≤ δ ? x²/2 : δ(|x| − δ/2), which is δ · smoothL1(δ). */
  public Tensor huber(float delta) {
    if (!(delta > 0)) {
      throw new IllegalArgumentException("huber: delta is above 0, got " + delta);
    }
    requireFloat("huber", this);
    Tensor y = smoothL1(delta);
    return delta == 1f ? y : y.scale(delta);
  }

  /** Elementwise sum. Shapes must be equal. */
  public Tensor add(Tensor b) {
    return zip(Pointwise.ADD, b).from(this, dy -> dy).from(b, dy -> dy);
  }

  /** Elementwise difference. Shapes must be equal. */
  public Tensor sub(Tensor b) {
    return zip(Pointwise.SUB, b).from(this, dy -> dy).from(b, dy -> dy.scale(-1));
  }

  /** Elementwise product. Shapes must be equal. */
  public Tensor mul(Tensor b) {
    return zip(Pointwise.MUL, b)
        .from(this, dy -> dy.mul(b)) // ∂(ab)/∂a = b
        .from(b, dy -> dy.mul(this)); // ∂(ab)/∂b = a
  }

  /** mask ≠ 0 ? value : x. The mask is uint8 of equal shape; where it is set, no gradient. */
  public Tensor maskedFill(Tensor mask, float value) {
    requireEqualShapes("maskedFill", this, mask);
    requireFloat("maskedFill", this);
    requireType("maskedFill", mask, DType.UINT8, "mask");
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().maskedFill(buffer(), mask.buffer(), value, y.buffer());
    return y.from(this, dy -> dy.maskedFill(mask, 0));
  }

  /** x / divisor as float32, for bytes (0…255) and ints: pixels are {@code toFloat(255)}. */
  public Tensor toFloat(float divisor) {
    if (dtype == DType.FLOAT32) {
      throw new IllegalArgumentException(
          "toFloat: " + described() + " is FLOAT32 already; use scale");
    }
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().toFloat(buffer(), divisor, y.buffer());
    return y;
  }

  // ── rows and columns ──────────────────────────────────────────────────────────────────────────

  /** x[r, c] + row[c]: x [rows, cols], row [cols]. */
  public Tensor addRow(Tensor row) {
    requireRank("addRow", this, 2);
    return addLast("addRow", row);
  }

  /** x[n, h, w, c] + channel[c]: x [n, h, w, c], channel [c]. */
  public Tensor addChannel(Tensor channel) {
    requireRank("addChannel", this, 4);
    return addLast("addChannel", channel);
  }

  private Tensor addLast(String op, Tensor row) {
    requireFloat(op, this);
    requireFloat(op, row);
    int cols = shape.dim(-1);
    if (row.shape.rank() != 1 || row.shape.dim(0) != cols) {
      throw new ShapeException(
          op
              + ": the last sizes differ: "
              + described()
              + " + "
              + row.described()
              + " needs ["
              + cols
              + "]");
    }
    int rows = rowsBefore(shape);
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().addRow(buffer(), row.buffer(), rows, cols, y.buffer());
    return y.from(this, dy -> dy)
        .into(row, (dy, dRow) -> device.backend().sumRows(dy.buffer(), rows, cols, dRow.buffer()));
  }

  /** Σ over rows: [rows, cols] → [cols]. */
  public Tensor sumRows() {
    requireRank("sumRows", this, 2);
    requireFloat("sumRows", this);
    int rows = shape.dim(0);
    int cols = shape.dim(1);
    Tensor y = device.empty(Shape.of(cols), DType.FLOAT32);
    device.backend().sumRows(buffer(), rows, cols, y.buffer());
    return y.from(this, dy -> device.zeros(shape).addRow(dy)); // every row gets dy
  }

  /** Σ of all elements: → []. */
  public Tensor sum() {
    requireFloat("sum", this);
    Tensor y = device.empty(Shape.scalar(), DType.FLOAT32);
    device.backend().sum(buffer(), y.buffer());
    return y.from(this, dy -> dy.spread(shape));
  }

  /** Mean of all elements: → []. */
  public Tensor mean() {
    requireFloat("mean", this);
    if (shape.size() == 0) {
      throw new ShapeException("mean: " + described() + " has no elements");
    }
    return sum().scale(1f / shape.size());
  }

  /** The largest absolute value of all elements: → []; NaN if any is. No gradient flows. */
  public Tensor maxAbs() {
    requireFloat("maxAbs", this);
    Tensor y = device.empty(Shape.scalar(), DType.FLOAT32);
    device.backend().maxAbs(buffer(), y.buffer());
    return y;
  }

  /** A scalar [] in every place of {@code shape}. */
  public Tensor spread(Shape shape) {
    requireRank("spread", this, 0);
    requireFloat("spread", this);
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().spread(buffer(), y.buffer());
    return y.from(this, Tensor::sum);
  }

  /** The smallest column with the row's largest value: [rows, cols] → int32 [rows]. */
  public Tensor rowArgmax() {
    return rowArgmax("rowArgmax");
  }

  private Tensor rowArgmax(String op) {
    requireFloat(op, this);
    requireRank(op, this, 2);
    if (shape.dim(1) == 0) {
      throw new ShapeException(op + ": " + described() + " has no columns");
    }
    Tensor y = device.empty(Shape.of(shape.dim(0)), DType.INT32);
    device.backend().rowArgmax(buffer(), shape.dim(0), shape.dim(1), y.buffer());
    return y;
  }

  /** Each row's largest value: [rows, cols] → [rows]; the gradient goes to {@link #rowArgmax}. */
  public Tensor rowMax() {
    return pick(rowArgmax("rowMax"));
  }

  /** x[r, index[r]]: x [rows, cols], index int32 [rows] → [rows]. */
  public Tensor pick(Tensor index) {
    requireIndex("pick", index);
    int rows = shape.dim(0);
    int cols = shape.dim(1);
    Tensor y = device.empty(Shape.of(rows), DType.FLOAT32);
    device.backend().pick(buffer(), rows, cols, index.buffer(), y.buffer());
    return y.from(this, dy -> dy.place(index, cols));
  }

  /** y[r, c] = c = index[r] ? x[r] : 0: x [rows], index int32 [rows] → [rows, cols]. */
  public Tensor place(Tensor index, int cols) {
    requireRank("place", this, 1);
    requireFloat("place", this);
    requireType("place", index, DType.INT32, "index");
    requireEqualShapes("place", this, index);
    int rows = shape.dim(0);
    Tensor y = device.empty(Shape.of(rows, cols), DType.FLOAT32);
    device.backend().place(buffer(), rows, cols, index.buffer(), y.buffer());
    return y.from(this, dy -> dy.pick(index));
  }

  private void requireIndex(String op, Tensor index) {
    requireRank(op, this, 2);
    requireFloat(op, this);
    requireType(op, index, DType.INT32, "index");
    if (index.shape.rank() != 1 || index.shape.dim(0) != shape.dim(0)) {
      throw new ShapeException(
          op
              + ": one index per row: "
              + described()
              + " needs an index ["
              + shape.dim(0)
              + "], got "
              + index.described());
    }
  }

  /** int32 [rows] → float32 [rows, classes] with a single 1 per row. */
  public Tensor oneHot(int classes) {
    requireRank("oneHot", this, 1);
    requireType("oneHot", this, DType.INT32, "index");
    Tensor y = device.empty(Shape.of(shape.dim(0), classes), DType.FLOAT32);
    device.backend().oneHot(buffer(), shape.dim(0), classes, y.buffer());
    return y;
  }

  // ── matrices and convolutions ─────────────────────────────────────────────────────────────────

  /** [m, k] × [k, n] → [m, n]. */
  public Tensor matmul(Tensor b) {
    requireRank("matmul", this, 2);
    requireRank("matmul", b, 2);
    requireFloat("matmul", this);
    requireFloat("matmul", b);
    int m = shape.dim(0);
    int k = shape.dim(1);
    int n = b.shape.dim(1);
    if (b.shape.dim(0) != k) {
      throw new ShapeException(
          "matmul: inner sizes differ: "
              + described()
              + " × "
              + b.described()
              + " needs "
              + k
              + " = "
              + b.shape.dim(0));
    }
    Backend gemm = device.backend();
    Tensor y = device.empty(Shape.of(m, n), DType.FLOAT32);
    gemm.gemm(false, false, m, n, k, buffer(), b.buffer(), y.buffer());
    return y.into(
            this, // dy bᵀ
            (dy, da) -> gemm.gemm(false, true, m, k, n, dy.buffer(), b.buffer(), da.buffer()))
        .into(
            b, // aᵀ dy
            (dy, db) -> gemm.gemm(true, false, k, n, m, buffer(), dy.buffer(), db.buffer()));
  }

  /** x wᵀ: x [rows, in], w [out, in] → [rows, out]. */
  public Tensor linear(Tensor w) {
    checkLinear(w);
    int rows = shape.dim(0);
    int out = w.shape.dim(0);
    Tensor y = device.empty(Shape.of(rows, out), DType.FLOAT32);
    device.backend().gemm(false, true, rows, out, shape.dim(1), buffer(), w.buffer(), y.buffer());
    return linearGradients(w, y);
  }

  /** x wᵀ + bias: bias [out]. */
  public Tensor linear(Tensor w, Tensor bias) {
    return linear(w, bias, false);
  }

  /** max(x wᵀ + bias, 0), without a pass of its own for the relu. */
  public Tensor linearRelu(Tensor w, Tensor bias) {
    return linear(w, bias, true).rectified();
  }

  private Tensor linear(Tensor w, Tensor bias, boolean relu) {
    checkLinear(w);
    requireFloat("linear", bias);
    int rows = shape.dim(0);
    int in = shape.dim(1);
    int out = w.shape.dim(0);
    if (bias.shape.rank() != 1 || bias.shape.dim(0) != out) {
      throw new ShapeException(
          "linear: bias " + bias.described() + " needs [" + out + "], the rows of w");
    }
    Backend gemm = device.backend();
    Tensor y = device.empty(Shape.of(rows, out), DType.FLOAT32);
    gemm.linear(rows, in, out, buffer(), w.buffer(), bias.buffer(), relu, y.buffer());
    return linearGradients(w, y)
        .into(bias, (dy, db) -> gemm.sumRows(dy.buffer(), rows, out, db.buffer()))
        .together(
            w,
            bias,
            (dy, dw, db) ->
                gemm.linearParameterGradients(
                    rows, in, out, buffer(), dy.buffer(), dw.buffer(), db.buffer()));
  }

  private void checkLinear(Tensor w) {
    requireRank("linear", this, 2);
    requireRank("linear", w, 2);
    requireFloat("linear", this);
    requireFloat("linear", w);
    if (w.shape.dim(1) != shape.dim(1)) {
      throw new ShapeException(
          "linear: input sizes differ: x "
              + described()
              + " has "
              + shape.dim(1)
              + ", w "
              + w.described()
              + " takes "
              + w.shape.dim(1));
    }
  }

  private Tensor linearGradients(Tensor w, Tensor y) {
    Backend gemm = device.backend();
    int rows = shape.dim(0);
    int in = shape.dim(1);
    int out = w.shape.dim(0);
    if (unrectified == null) {
      y.into(
          this, // dy w
          (dy, dx) -> gemm.gemm(false, false, rows, in, out, dy.buffer(), w.buffer(), dx.buffer()));
    } else {
      y.into(
          unrectified,
          (dy, dx) ->
              gemm.linearDataGradientRelu(
                  rows, in, out, w.buffer(), dy.buffer(), buffer(), dx.buffer()));
    }
    return y.into(
        w, // dyᵀ x
        (dy, dw) -> gemm.gemm(true, false, out, in, rows, dy.buffer(), buffer(), dw.buffer()));
  }

  /**
   * The result of an op that took max(·, 0) in place: what was there before, nobody needs. The
   * gradient passes the relu first; a layer that reads the result sends its own straight through.
   */
  private Tensor rectified() {
    Tensor y = new Tensor(device, shape, dtype, buffer(), null, memory(), null, -1);
    y.unrectified = this;
    return y.from(this, dy -> dy.zip(Pointwise.RELU_GRADIENT, y));
  }

  /**
   * Cross-correlation plus bias: x [n, h, w, c], filter [k, r, s, c], bias [k] → [n, oh, ow, k]
   * with oh = ⌊(h + 2·padding − r) / stride⌋ + 1.
   */
  public Tensor conv2d(Tensor filter, Tensor bias, int stride, int padding) {
    return conv2d(filter, bias, stride, padding, false);
  }

  /** max(conv2d, 0), without a pass of its own for the relu. */
  public Tensor conv2dRelu(Tensor filter, Tensor bias, int stride, int padding) {
    return conv2d(filter, bias, stride, padding, true).rectified();
  }

  private Tensor conv2d(Tensor filter, Tensor bias, int stride, int padding, boolean relu) {
    requireRank("conv2d", this, 4);
    requireRank("conv2d", filter, 4);
    requireFloat("conv2d", this);
    requireFloat("conv2d", filter);
    requireFloat("conv2d", bias);
    if (stride < 1 || padding < 0) {
      throw new IllegalArgumentException(
          "conv2d: stride is 1 or more and padding 0 or more, got " + stride + " and " + padding);
    }
    ConvGeometry g =
        new ConvGeometry(
            shape.dim(0),
            shape.dim(1),
            shape.dim(2),
            shape.dim(3),
            filter.shape.dim(0),
            filter.shape.dim(1),
            filter.shape.dim(2),
            stride,
            stride,
            padding,
            padding);
    if (filter.shape.dim(3) != g.c()) {
      throw new ShapeException(
          "conv2d: channels differ: x "
              + described()
              + " (N,H,W,C) has "
              + g.c()
              + ", filter "
              + filter.described()
              + " (out,kh,kw,in) takes "
              + filter.shape.dim(3));
    }
    if (bias.shape.rank() != 1 || bias.shape.dim(0) != g.k()) {
      throw new ShapeException(
          "conv2d: bias " + bias.described() + " needs [" + g.k() + "], the filter's outputs");
    }
    if (g.h() + 2 * padding < g.r() || g.w() + 2 * padding < g.s()) {
      throw new ShapeException(
          "conv2d: the filter "
              + filter.described()
              + " (out,kh,kw,in) is larger than x "
              + described()
              + " (N,H,W,C) with padding "
              + padding);
    }
    Backend conv = device.backend();
    Tensor y = device.empty(Shape.of(g.n(), g.oh(), g.ow(), g.k()), DType.FLOAT32);
    int rows = g.n() * g.oh() * g.ow();
    boolean unmade = maker != null && !hasGradient();
    var bytes = unmade ? conv.convolution(g, pictures) : Optional.<BytePictures.Convolution>empty();
    if (bytes.isPresent()) {
      bytes.get().forward(filter.buffer(), bias.buffer(), relu, y.buffer());
      return y.into(filter, (dy, dw) -> bytes.get().filterGradient(dy.buffer(), dw.buffer()))
          .into(bias, (dy, db) -> conv.sumRows(dy.buffer(), rows, g.k(), db.buffer()));
    }
    if (relu) {
      conv.conv2dRelu(g, buffer(), filter.buffer(), bias.buffer(), y.buffer());
    } else {
      conv.conv2d(g, buffer(), filter.buffer(), bias.buffer(), y.buffer());
    }
    if (unrectified == null) {
      y.into(
          this, (dy, dx) -> conv.conv2dDataGradient(g, filter.buffer(), dy.buffer(), dx.buffer()));
    } else {
      y.into(
          unrectified,
          (dy, dx) ->
              conv.conv2dDataGradientRelu(g, filter.buffer(), dy.buffer(), buffer(), dx.buffer()));
    }
    return y.into(
            filter, (dy, dw) -> conv.conv2dFilterGradient(g, buffer(), dy.buffer(), dw.buffer()))
        .into(bias, (dy, db) -> conv.sumRows(dy.buffer(), rows, g.k(), db.buffer()))
        .together(
            filter,
            bias,
            (dy, dw, db) ->
                conv.conv2dParameterGradients(g, buffer(), dy.buffer(), dw.buffer(), db.buffer()));
  }

  // ── layout ────────────────────────────────────────────────────────────────────────────────────

  /** The same values in another shape of equal size, sharing memory. */
  public Tensor reshape(Shape shape) {
    if (shape.size() != this.shape.size()) {
      throw new ShapeException(
          "reshape: "
              + described()
              + " has "
              + this.shape.size()
              + " elements, "
              + shape
              + " needs "
              + shape.size());
    }
    Tensor y = new Tensor(device, shape, dtype, buffer(), null, memory(), null, -1);
    y.name = name;
    y.unrectified = unrectified == null ? null : unrectified.reshape(shape);
    return y.from(this, dy -> dy.reshape(this.shape));
  }

  /** [n, …] → [n, all the rest]. */
  public Tensor flatten() {
    requireDimensions("flatten", this);
    long rest = 1;
    for (int i = 1; i < shape.rank(); i++) {
      rest *= shape.dim(i);
    }
    return reshape(Shape.of(shape.dim(0), Math.toIntExact(rest)));
  }

  /** [n, h, w, c] → [n, c, h, w]. */
  public Tensor toNchw() {
    requireRank("toNchw", this, 4);
    requireFloat("toNchw", this);
    return permute(0, 3, 1, 2).from(this, Tensor::toNhwc);
  }

  /** [n, c, h, w] → [n, h, w, c]. */
  public Tensor toNhwc() {
    requireRank("toNhwc", this, 4);
    requireFloat("toNhwc", this);
    return permute(0, 2, 3, 1).from(this, Tensor::toNchw);
  }

  private Tensor permute(int... order) {
    int[] dims = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      dims[i] = shape.dim(order[i]);
    }
    Tensor y = device.empty(Shape.of(dims), DType.FLOAT32);
    device.backend().permute(buffer(), shape.dims(), order, y.buffer());
    return y;
  }

  /** Joins on the last dimension: [n, h, w, c₁] and [n, h, w, c₂] → [n, h, w, c₁ + c₂]. */
  public Tensor concatChannels(Tensor b) {
    requireFloat("concatChannels", this);
    requireFloat("concatChannels", b);
    int rank = shape.rank();
    boolean fits = rank >= 1 && b.shape.rank() == rank;
    for (int i = 0; fits && i < rank - 1; i++) {
      fits = shape.dim(i) == b.shape.dim(i);
    }
    if (!fits) {
      throw new ShapeException(
          "concatChannels: all sizes but the last must be equal: "
              + described()
              + " and "
              + b.described());
    }
    int ca = shape.dim(-1);
    int cb = b.shape.dim(-1);
    int rows = rowsBefore(shape);
    int[] dims = shape.dims();
    dims[rank - 1] = ca + cb;
    Tensor y = device.empty(Shape.of(dims), DType.FLOAT32);
    device.backend().copyColumns(buffer(), rows, ca, 0, y.buffer(), ca + cb, 0, ca);
    device.backend().copyColumns(b.buffer(), rows, cb, 0, y.buffer(), ca + cb, ca, cb);
    return y.from(this, dy -> dy.channels(0, ca)).from(b, dy -> dy.channels(ca, cb));
  }

  /** Elements {@code at … at + n − 1} of the last dimension. */
  public Tensor channels(int at, int n) {
    requireDimensions("channels", this);
    requireFloat("channels", this);
    int c = shape.dim(-1);
    if (at < 0 || n < 0 || at + n > c) {
      throw new ShapeException("channels: " + at + " to " + (at + n) + " of " + described());
    }
    int rows = rowsBefore(shape);
    int[] dims = shape.dims();
    dims[dims.length - 1] = n;
    Tensor y = device.empty(Shape.of(dims), DType.FLOAT32);
    device.backend().copyColumns(buffer(), rows, c, at, y.buffer(), n, 0, n);
    return y.into(
        this,
        (dy, dx) -> {
          device.backend().fill(dx.buffer(), 0);
          device.backend().copyColumns(dy.buffer(), rows, n, 0, dx.buffer(), c, at, n);
        });
  }

  private static int rowsBefore(Shape shape) {
    long rows = 1;
    for (int i = 0; i < shape.rank() - 1; i++) {
      rows *= shape.dim(i);
    }
    return Math.toIntExact(rows);
  }

  // ── checks ────────────────────────────────────────────────────────────────────────────────────

  private static void requireFloat(String op, Tensor x) {
    requireType(op, x, DType.FLOAT32, "operand");
  }

  static void requireType(String op, Tensor x, DType dtype, String role) {
    if (x.dtype != dtype) {
      throw new IllegalArgumentException(
          op + ": the " + role + " " + x.described() + " must be " + dtype + ", it is " + x.dtype);
    }
  }

  static void requireRank(String op, Tensor x, int rank) {
    if (x.shape.rank() != rank) {
      throw new ShapeException(
          op + ": rank " + rank + " needed, got " + x.described() + " of rank " + x.shape.rank());
    }
  }

  private static void requireDimensions(String op, Tensor x) {
    if (x.shape.rank() == 0) {
      throw new ShapeException(op + ": rank 1 or more needed, got " + x.described() + " of rank 0");
    }
  }

  private static void requireEqualShapes(String op, Tensor a, Tensor b) {
    if (a.shape.equals(b.shape)) {
      return;
    }
    String remedy;
    if (a.shape.size() != b.shape.size()) {
      remedy = op + " never broadcasts; addRow, addChannel and spread repeat values.";
    } else if (a.shape.rank() == b.shape.rank()) {
      remedy =
          "Same elements, different sizes: "
              + op
              + " never transposes; bring one side into the order of the other.";
    } else {
      remedy =
          "Same elements, different rank: "
              + op
              + " never broadcasts; reshape one side to "
              + a.shape
              + " or "
              + b.shape
              + ".";
    }
    throw new ShapeException(
        op + ": shapes differ: left " + a.described() + ", right " + b.described() + ". " + remedy);
  }
}
