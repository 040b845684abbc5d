package bellman.engine.backend;

import bellman.engine.DType;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Kernels over contiguous row-major buffers, and nothing else: no shapes, no autograd, no policy. A
 * matrix is rows × cols; activations are NHWC. Outputs never overlap inputs unless a method says
 * so. All calls come from one thread.
 *
 * <p>Every method is called by one op of {@code Tensor} and has its parity test against the
 * reference.
 */
public interface Backend extends AutoCloseable {
  /** What was opened, for people: {@code oneDNN 3.11, 4 threads}. */
  String name();

  // ── memory ────────────────────────────────────────────────────────────────────────────────────

  /**
   * New memory with undefined contents, aligned to 64 bytes where it is native.
   *
   * @throws OutOfMemoryError if there is not as much; nothing has changed then
   */
  Buffer allocate(DType dtype, long count);

  /**
   * Memory that host and device both see: reading it waits for work but copies nothing. For the few
   * numbers that the host reads after each step; kernels may find it slow.
   */
  default Buffer allocateShared(DType dtype, long count) {
    return allocate(dtype, count);
  }

  /**
   * Takes ints that kernels write into shared memory, each once between two takes: waits until they
   * are there, which may be before their step has ended, and no longer.
   */
  default void take(Buffer shared, int[] to) {
    read(shared, 0, to, 0, to.length);
  }

  /** Bytes that could still be allocated, as far as the system says; empty where it does not. */
  default OptionalLong freeBytes() {
    return OptionalLong.empty();
  }

  /**
   * Tells whom to ask before memory is taken that is in no buffer, such as a workspace. A backend
   * without such memory need not listen.
   */
  default void room(Room room) {}

  /** Who keeps within a limit of memory, and may have some to spare. */
  @FunctionalInterface
  interface Room {
    /**
     * Makes an allocation, if need be after giving back what is free.
     *
     * @param what the subject of the error's sentence: {@code a workspace needs}
     * @param allocation throws OutOfMemoryError, and has changed nothing then
     * @throws bellman.engine.DeviceMemoryException that says who holds what
     */
    void claim(String what, long bytes, Runnable allocation);
  }

  /** Bytes that the backend holds beside buffers, such as workspaces of libraries. */
  default long ownBytes() {
    return 0;
  }

  /** Gives memory back to the system; the buffer and its slices are dead. */
  void release(Buffer buffer);

  void write(Buffer to, long at, float[] from, int start, int n);

  void write(Buffer to, long at, byte[] from, int start, int n);

  void write(Buffer to, long at, int[] from, int start, int n);

  /** The same of a picture, folded. */
  default void write(Buffer to, long at, byte[] picture, Fold fold) {
    byte[] folded = picture;
    if (fold.by() > 1) {
      folded = new byte[fold.folded()];
      fold.fold(picture, folded, 0);
    }
    write(to, at, folded, 0, folded.length);
  }

  /** Waits for the work that produces the values, then copies them. */
  void read(Buffer from, long at, float[] to, int start, int n);

  void read(Buffer from, long at, byte[] to, int start, int n);

  void read(Buffer from, long at, int[] to, int start, int n);

  /** y ← value, of y's type. */
  void fill(Buffer y, double value);

  /** y ← x; equal type and count. */
  void copy(Buffer x, Buffer y);

  // ── pointwise ─────────────────────────────────────────────────────────────────────────────────

  /** out[i] ← op(in₀[i], in₁[i]; a, b). {@code out} may be one of the inputs. */
  void map(Pointwise op, float a, float b, Buffer out, Buffer... in);

  /** y[i] ← x[i] / divisor, x of type uint8 or int32. */
  void toFloat(Buffer x, float divisor, Buffer y);

  /** y[i] ← mask[i] ≠ 0 ? value : x[i], mask of type uint8. */
  void maskedFill(Buffer x, Buffer mask, float value, Buffer y);

  // ── matrices ──────────────────────────────────────────────────────────────────────────────────

  /** C[m, n] ← op(A) · op(B): A is [m, k], or [k, m] when transposed; B is [k, n], or [n, k]. */
  void gemm(
      boolean transposeA, boolean transposeB, int m, int n, int k, Buffer a, Buffer b, Buffer c);

  /**
   * y ← x wᵀ + bias, then max(·, 0) if {@code relu}: x is [rows, in], w [out, in]. A backend that
   * can does it in one pass.
   */
  default void linear(
      int rows, int in, int out, Buffer x, Buffer w, Buffer bias, boolean relu, Buffer y) {
    gemm(false, true, rows, out, in, x, w, y);
    addRow(y, bias, rows, out, y);
    if (relu) {
      map(Pointwise.RELU, 0, 0, y, y);
    }
  }

  /**
   * The gradient of {@link #linear} for x, where x itself came out of a relu: dx ← x ≤ 0 ? 0 : dy
   * w.
   */
  default void linearDataGradientRelu(
      int rows, int in, int out, Buffer w, Buffer dy, Buffer x, Buffer dx) {
    gemm(false, false, rows, in, out, dy, w, dx);
    map(Pointwise.RELU_GRADIENT, 0, 0, dx, dx, x);
  }

  /**
   * The gradients of {@link #linear} for w and bias: dw ← dyᵀ x, db ← Σ_rows dy; a backend that can
   * reads dy once for both.
   */
  default void linearParameterGradients(
      int rows, int in, int out, Buffer x, Buffer dy, Buffer dw, Buffer db) {
    gemm(true, false, out, in, rows, dy, x, dw);
    sumRows(dy, rows, out, db);
  }

  /** y[r, c] ← x[r, c] + row[c]. {@code y} may be {@code x}. */
  void addRow(Buffer x, Buffer row, int rows, int cols, Buffer y);

  /** y[c] ← Σ_r x[r, c]. */
  void sumRows(Buffer x, int rows, int cols, Buffer y);

  /** y[0] ← Σ x. */
  void sum(Buffer x, Buffer y);

  /** y[0] ← max |x|, 0 for no elements; NaN if any is. */
  void maxAbs(Buffer x, Buffer y);

  /** y[i] ← x[0]. */
  void spread(Buffer x, Buffer y);

  /** y[r] ← the smallest c with the largest x[r, c]; NaN is larger than any number. int32. */
  void rowArgmax(Buffer x, int rows, int cols, Buffer y);

  /** y[r] ← x[r, index[r]]; an index outside the row picks NaN. */
  void pick(Buffer x, int rows, int cols, Buffer index, Buffer y);

  /** y[r, c] ← c = index[r] ? x[r] : 0: the gradient of {@link #pick}. */
  void place(Buffer x, int rows, int cols, Buffer index, Buffer y);

  /** y[r, c] ← c = index[r] ? 1 : 0. */
  void oneHot(Buffer index, int rows, int cols, Buffer y);

  /** y[r, yAt + j] ← x[r, xAt + j] for 0 ≤ j &lt; n; other columns of y keep their values. */
  void copyColumns(Buffer x, int rows, int xCols, int xAt, Buffer y, int yCols, int yAt, int n);

  /** y ← x with its dimensions reordered: y's dimension i is x's dimension order[i]. */
  void permute(Buffer x, int[] dims, int[] order, Buffer y);

  // ── convolution ───────────────────────────────────────────────────────────────────────────────

  /** y ← x ∗ w + bias, cross-correlation as in PyTorch; {@code bias} [k] may be null. */
  void conv2d(ConvGeometry g, Buffer x, Buffer w, Buffer bias, Buffer y);

  /** y ← max(x ∗ w + bias, 0); a backend that can does it in one pass. */
  default void conv2dRelu(ConvGeometry g, Buffer x, Buffer w, Buffer bias, Buffer y) {
    conv2d(g, x, w, bias, y);
    map(Pointwise.RELU, 0, 0, y, y);
  }

  /** dx ← ∂L/∂x. */
  void conv2dDataGradient(ConvGeometry g, Buffer w, Buffer dy, Buffer dx);

  /** dx ← x ≤ 0 ? 0 : ∂L/∂x, where x came out of a relu: the gradient of what went in. */
  default void conv2dDataGradientRelu(ConvGeometry g, Buffer w, Buffer dy, Buffer x, Buffer dx) {
    conv2dDataGradient(g, w, dy, dx);
    map(Pointwise.RELU_GRADIENT, 0, 0, dx, dx, x);
  }

  /** dw ← ∂L/∂w. */
  void conv2dFilterGradient(ConvGeometry g, Buffer x, Buffer dy, Buffer dw);

  /** The same and db ← ∂L/∂bias [k]; a backend that can reads dy once for both. */
  default void conv2dParameterGradients(ConvGeometry g, Buffer x, Buffer dy, Buffer dw, Buffer db) {
    conv2dFilterGradient(g, x, dy, dw);
    sumRows(dy, g.n() * g.oh() * g.ow(), g.k(), db);
  }

  /** The convolution of such pictures for which no floats are made; empty: there is none. */
  default Optional<BytePictures.Convolution> convolution(ConvGeometry g, BytePictures x) {
    return Optional.empty();
  }

  // ── state ─────────────────────────────────────────────────────────────────────────────────────

  /** y[i] ← Philox integer of (step[0], i, draw) in [0, bound[0]). All int32. */
  void randomIntegers(Philox.Key key, Buffer step, int draw, Buffer bound, Buffer y);

  /** y[i] ← Philox uniform of (step[0], i, draw) in [0, 1). */
  void randomUniform(Philox.Key key, Buffer step, int draw, Buffer y);

  /** counter[0] ← counter[0] + amount, int32. */
  void increment(Buffer counter, int amount);

  /**
   * One step of Adam over parameters (Kingma &amp; Ba 2015, with PyTorch's L2 weight decay):
   *
   * <pre>
   * g ← g + decay·p      m ← β₁m + (1−β₁)g      v ← β₂v + (1−β₂)g²
   * p ← p − lr·min(1, t/warmup)/(1−β₁ᵗ) · m / (√v / √(1−β₂ᵗ) + ε)
   * </pre>
   *
   * {@code lr} (float32) and {@code t} (int32, the steps before this one) have one element and lie
   * on the device.
   *
   * @param warmup steps over which the rate rises to lr; 0: none
   * @param largest [1], raised to max |g| without decay, NaN stays; null: nobody asks
   * @param last whether t is raised, as no other part of the parameters needs this step's any more
   */
  void adam(
      Buffer p,
      Buffer g,
      Buffer m,
      Buffer v,
      Buffer lr,
      int warmup,
      Buffer t,
      Buffer largest,
      double beta1,
      double beta2,
      double epsilon,
      double decay,
      boolean last);

  /** Runs an op from outside over n items; arguments are buffers, Integers and Floats. */
  void launch(Kernel kernel, int n, Object... arguments);

  // ── order ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * Runs work that nothing until the next {@link #join} depends on, so that it may run beside what
   * follows. A host runs it here and now.
   */
  default void beside(Runnable work) {
    work.run();
  }

  /**
   * The same for work behind all that was put beside so far, which nothing waits for until the next
   * {@link #join}, not even what is put beside later.
   */
  default void trailing(Runnable work) {
    work.run();
  }

  /** From here on all that was put beside has ended. */
  default void join() {}

  /**
   * Keeps {@code work} for later: its kernels are recorded with their buffers and do not run until
   * {@link Recording#launch}. A backend that never records, as on the CPU, runs it here and now and
   * answers empty.
   *
   * @throws RecordingException if the system cannot record this; nothing of it was done
   */
  default Optional<Recording> record(Runnable work) {
    work.run();
    return Optional.empty();
  }

  /** Waits until all work given so far is done. */
  default void synchronize() {}

  @Override
  void close();
}
