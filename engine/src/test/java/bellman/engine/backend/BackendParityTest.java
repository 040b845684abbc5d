package bellman.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.DType;
import bellman.engine.backend.Twin.Pair;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kernel of every backend against the reference; a subclass names other backends. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BackendParityTest {
  private static final float[] SPECIAL = {
    Float.NaN,
    Float.intBitsToFloat(0xffc00000), // the NaN that x86 makes: its sign is set
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    0f,
    -0f,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    1e-40f,
    -1e-40f,
    1f,
    -1f,
    0.25f,
    -0.25f,
    3f,
    -3f
  };

  private static final String NOTHING = "extern \"C\" __global__ void k(float* y, int n) {}";

  /** 0, 1, odd, around a block of 2,048, and enough for several parts. */
  private static final int[] COUNTS = {0, 1, 7, 256, 2047, 2049, 70_003};

  Stream<String> backends() {
    return Stream.of("java", "onednn");
  }

  Stream<Arguments> backendsAndRows() {
    return backends().flatMap(b -> Stream.of(Pointwise.values()).map(row -> Arguments.of(b, row)));
  }

  @ParameterizedTest
  @MethodSource("backendsAndRows")
  void pointwise(String backend, Pointwise row) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(1);
      for (int count : COUNTS) {
        Pair x = t.random(random, 3, count);
        Pair y = t.random(random, 5, count);
        check(t, row, x, y, false);
        t.freeAll();
      }
      int n = SPECIAL.length;
      for (int repeat : new int[] {1, 300}) {
        float[] xs = new float[n * n * repeat];
        float[] ys = new float[n * n * repeat];
        for (int i = 0; i < xs.length; i++) {
          xs[i] = SPECIAL[i % n];
          ys[i] = SPECIAL[i / n % n];
        }
        check(t, row, t.floats(xs), t.floats(ys), true);
      }
    }
  }

  private static void check(Twin t, Pointwise row, Pair x, Pair y, boolean special) {
    float a = row == Pointwise.CLIP || row == Pointwise.CLIP_GRADIENT ? -0.5f : 0.75f;
    float b = 0.5f;
    Pair out = t.output(x.tested().count());
    map(t, row, a, b, out, x, y);
    check(t, row.name(), out, special);
    Pair inPlace = t.output(x.tested().count());
    copy(t, x, inPlace);
    map(t, row, a, b, inPlace, inPlace, y);
    check(t, row + " onto x", inPlace, special);
    if (row.operands() == 2) {
      copy(t, y, inPlace);
      map(t, row, a, b, inPlace, x, inPlace);
      check(t, row + " onto y", inPlace, special);
    }
  }

  private static void check(Twin t, String what, Pair out, boolean special) {
    if (special) {
      t.exactly(what, out);
    } else {
      t.same(what, out, 1e-6);
    }
  }

  private static void map(Twin t, Pointwise row, float a, float b, Pair out, Pair x, Pair y) {
    if (row.operands() == 1) {
      t.tested.map(row, a, b, out.tested(), x.tested());
      t.reference.map(row, a, b, out.reference(), x.reference());
    } else {
      t.tested.map(row, a, b, out.tested(), x.tested(), y.tested());
      t.reference.map(row, a, b, out.reference(), x.reference(), y.reference());
    }
  }

  private static void copy(Twin t, Pair x, Pair y) {
    t.tested.copy(x.tested(), y.tested());
    t.reference.copy(x.reference(), y.reference());
  }

  @ParameterizedTest
  @MethodSource("backends")
  void readWriteFillCopySlice(String backend) {
    try (Twin t = Twin.of(backend)) {
      for (DType dtype : DType.values()) {
        for (int count : COUNTS) {
          Pair x = t.empty(dtype, count);
          Pair y = t.empty(dtype, count);
          t.tested.fill(x.tested(), 200);
          t.tested.copy(x.tested(), y.tested());
          for (double value : values(t.tested, y.tested())) {
            assertThat(value).isEqualTo(200);
          }
        }
      }
      Pair x = t.floats(0, 1, 2, 3, 4, 5, 6, 7);
      Buffer inner = x.tested().slice(2, 5).slice(1, 3); // 3 4 5
      t.tested.write(inner, 1, new float[] {-1, 40, -1}, 1, 1);
      float[] out = new float[5];
      t.tested.read(inner, 0, out, 1, 3);
      assertThat(out).containsExactly(0, 3, 40, 5, 0);
      assertThat(inner.version()).isEqualTo(x.tested().version());
      byte[] bytes = {1, (byte) 200, 3};
      Pair b = t.bytes(bytes);
      assertThat(values(t.tested, b.tested())[1]).isEqualTo(200);
      byte[] back = new byte[3];
      t.tested.read(b.tested(), 0, back, 0, 3);
      assertThat(back).isEqualTo(bytes);
    }
  }

  /** Height, width and channels of a picture, and how many neighbours become one pixel. */
  @ParameterizedTest
  @CsvSource({
    "64, 84, 3, 4",
    "6, 8, 1, 2",
    "4, 8, 2, 2",
    "12, 4, 4, 4",
    "9, 6, 1, 3",
    "5, 7, 3, 1",
    "19, 17, 4, 4", // whose last rows and columns are left over
    "7, 6, 3, 2"
  })
  void aPictureIsFoldedOnItsWay(int h, int w, int c, int by) {
    byte[] picture = new byte[h * w * c];
    new Random(5).nextBytes(picture);
    Fold fold = new Fold(h, w, c, by);
    byte[] folded = new byte[16 + fold.folded() + 16]; // between other bytes
    byte[] back = picture.clone();
    for (int y = 0; y < h / by * by; y++) {
      for (int x = 0; x < w / by * by; x++) {
        int pixel = y / by * (w / by) + x / by;
        int at = 16 + ((pixel * by + y % by) * by + x % by) * c;
        System.arraycopy(picture, (y * w + x) * c, folded, at, c);
        Arrays.fill(back, (y * w + x) * c, (y * w + x + 1) * c, (byte) 0);
      }
    }
    fold.unfold(folded, 16, back);
    assertThat(back).isEqualTo(picture);
    backends()
        .forEach(
            name -> {
              try (Twin t = Twin.of(name)) {
                Buffer to = t.empty(DType.UINT8, folded.length).tested();
                t.tested.fill(to, 0);
                t.tested.write(to, 16, new byte[fold.folded()], 0, fold.folded());
                t.tested.write(to, 16, picture, fold); // in place of what is under way
                byte[] read = new byte[folded.length];
                t.tested.read(to, 0, read, 0, read.length);
                assertThat(read).as(name).isEqualTo(folded);
              }
            });
  }

  /** All elements through the backend's own read; a byte counts as 0…255. */
  private static double[] values(Backend backend, Buffer x) {
    int n = (int) x.count();
    double[] all = new double[n];
    float[] floats = new float[n];
    int[] ints = new int[n];
    byte[] bytes = new byte[n];
    switch (x.dtype()) {
      case FLOAT32 -> backend.read(x, 0, floats, 0, n);
      case INT32 -> backend.read(x, 0, ints, 0, n);
      case UINT8 -> backend.read(x, 0, bytes, 0, n);
    }
    for (int i = 0; i < n; i++) {
      all[i] = floats[i] + ints[i] + (bytes[i] & 0xff);
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everyWriteRaisesTheVersion(String backend) {
    try (Twin t = Twin.of(backend)) {
      Buffer x = t.floats(1, 2, 3, 4).tested();
      Buffer y = t.floats(1, 2, 3, 4).tested();
      long[] before = {y.version()};
      Runnable[] writes = {
        () -> t.tested.fill(y, 1),
        () -> t.tested.copy(x, y),
        () -> t.tested.map(Pointwise.RELU, 0, 0, y, x),
        () -> t.tested.gemm(false, false, 2, 2, 2, x, x, y),
        () -> t.tested.launch(new Kernel("k", NOTHING, (a, from, to) -> {}), 1, y)
      };
      for (Runnable write : writes) {
        write.run();
        assertThat(y.version()).isGreaterThan(before[0]);
        before[0] = y.version();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void toFloatAndMaskedFill(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(2);
      for (int count : COUNTS) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        int[] ints = random.ints(count).toArray();
        byte[] mask = new byte[count];
        for (int i = 0; i < count; i++) {
          mask[i] = (byte) (i % 3 == 0 ? i | 1 : 0);
        }
        Pair b = t.bytes(bytes);
        Pair y = t.output(count);
        t.tested.toFloat(b.tested(), 255, y.tested());
        t.reference.toFloat(b.reference(), 255, y.reference());
        t.same("toFloat of bytes", y, 0);
        Pair i = t.ints(ints);
        t.tested.toFloat(i.tested(), 3, y.tested());
        t.reference.toFloat(i.reference(), 3, y.reference());
        t.same("toFloat of ints", y, 0);
        Pair m = t.bytes(mask);
        Pair x = t.random(random, count);
        t.tested.maskedFill(x.tested(), m.tested(), -9, y.tested());
        t.reference.maskedFill(x.reference(), m.reference(), -9, y.reference());
        t.same("maskedFill", y, 0);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void gemm(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(3);
      int[][] sizes = {
        {1, 1, 1},
        {2, 3, 4},
        {0, 3, 4},
        {3, 0, 4},
        {3, 4, 0},
        {5, 7, 9},
        {33, 65, 31},
        {1, 512, 179},
        {32, 5, 512},
        {5, 512, 32},
        {130, 129, 127},
        {70, 300, 35},
        {257, 3, 66}
      };
      for (int[] s : sizes) {
        for (int transposed = 0; transposed < 4; transposed++) {
          boolean ta = (transposed & 1) != 0;
          boolean tb = (transposed & 2) != 0;
          int m = s[0];
          int n = s[1];
          int k = s[2];
          Pair a = t.random(random, 3, m * k);
          Pair b = t.random(random, 1, k * n);
          Pair c = t.output(2L + m * n).slice(2, (long) m * n);
          t.tested.gemm(ta, tb, m, n, k, a.tested(), b.tested(), c.tested());
          t.reference.gemm(ta, tb, m, n, k, a.reference(), b.reference(), c.reference());
          t.same("gemm " + m + "×" + n + "×" + k + " " + ta + " " + tb, c, 1e-5);
          t.freeAll();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void linearLayersAndTheirRelus(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(9);
      for (int[] s : new int[][] {{0, 3, 2}, {1, 1, 1}, {5, 3, 7}, {32, 130, 60}, {3, 0, 2}}) {
        int rows = s[0];
        int in = s[1];
        int out = s[2];
        String size = " " + rows + "×" + in + "×" + out;
        Pair x = t.random(random, 1, rows * in);
        Pair w = t.random(random, 2, out * in);
        Pair bias = t.random(random, 1, out);
        Pair y = t.output((long) rows * out);
        for (boolean relu : new boolean[] {false, true}) {
          t.tested.linear(rows, in, out, x.tested(), w.tested(), bias.tested(), relu, y.tested());
          t.reference.linear(
              rows, in, out, x.reference(), w.reference(), bias.reference(), relu, y.reference());
          t.same("linear" + size + (relu ? " relu" : ""), y, 1e-5);
        }
        Pair dx = t.output((long) rows * in);
        t.tested.linearDataGradientRelu(
            rows, in, out, w.tested(), y.tested(), x.tested(), dx.tested());
        t.reference.linearDataGradientRelu(
            rows, in, out, w.reference(), y.reference(), x.reference(), dx.reference());
        t.same("its data gradient" + size, dx, 1e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rowsAndColumns(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(4);
      int[][] sizes = {
        {0, 3}, {3, 0}, {1, 1}, {5, 3}, {1, 2049}, {40, 5000}, {3000, 32}, {999, 67}
      };
      for (int[] s : sizes) {
        int rows = s[0];
        int cols = s[1];
        String size = " [" + rows + ", " + cols + "]";
        Pair x = t.random(random, 7, rows * cols);
        Pair row = t.random(random, 2, cols);
        Pair y = t.output((long) rows * cols);
        t.tested.addRow(x.tested(), row.tested(), rows, cols, y.tested());
        t.reference.addRow(x.reference(), row.reference(), rows, cols, y.reference());
        t.same("addRow" + size, y, 1e-7);
        t.tested.addRow(y.tested(), row.tested(), rows, cols, y.tested());
        t.reference.addRow(y.reference(), row.reference(), rows, cols, y.reference());
        t.same("addRow in place" + size, y, 1e-6);
        Pair sums = t.output(cols);
        t.tested.sumRows(x.tested(), rows, cols, sums.tested());
        t.reference.sumRows(x.reference(), rows, cols, sums.reference());
        t.same("sumRows" + size, sums, 2e-6);
        Pair sum = t.output(1);
        t.tested.sum(x.tested(), sum.tested());
        t.reference.sum(x.reference(), sum.reference());
        t.same("sum" + size, sum, 5e-6);
        t.tested.spread(sum.tested(), y.tested());
        t.reference.spread(sum.reference(), y.reference());
        t.same("spread" + size, y, 5e-6);
        Pair best = t.empty(DType.INT32, rows);
        t.tested.rowArgmax(x.tested(), rows, cols, best.tested());
        t.reference.rowArgmax(x.reference(), rows, cols, best.reference());
        t.sameInts("rowArgmax" + size, best);
        int[] index = new int[rows];
        for (int r = 0; r < rows; r++) {
          index[r] = random.nextInt(cols + 2) - 1; // −1 and cols lie outside
        }
        Pair at = t.ints(index);
        Pair picked = t.output(rows);
        t.tested.pick(x.tested(), rows, cols, at.tested(), picked.tested());
        t.reference.pick(x.reference(), rows, cols, at.reference(), picked.reference());
        t.same("pick" + size, picked, 0);
        t.tested.place(picked.tested(), rows, cols, at.tested(), y.tested());
        t.reference.place(picked.reference(), rows, cols, at.reference(), y.reference());
        t.same("place" + size, y, 0);
        t.tested.oneHot(at.tested(), rows, cols, y.tested());
        t.reference.oneHot(at.reference(), rows, cols, y.reference());
        t.same("oneHot" + size, y, 0);
        t.freeAll();
      }
    }
  }

  /** Four floats are read at once only where they lie at a multiple of 16 bytes. */
  @ParameterizedTest
  @MethodSource("backends")
  void rowsAtAnyAddress(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(8);
      for (int[] s : new int[][] {{1, 4}, {333, 36}, {1, 2048}, {3000, 64}, {2, 132}}) {
        int rows = s[0];
        int cols = s[1];
        String size = " [" + rows + ", " + cols + "]";
        Pair x = t.random(random, (long) rows * cols);
        Pair row = t.random(random, cols);
        Pair y = t.output((long) rows * cols);
        t.tested.addRow(x.tested(), row.tested(), rows, cols, y.tested());
        t.reference.addRow(x.reference(), row.reference(), rows, cols, y.reference());
        t.same("addRow" + size, y, 1e-7);
        Pair sums = t.output(cols);
        t.tested.sumRows(x.tested(), rows, cols, sums.tested());
        t.reference.sumRows(x.reference(), rows, cols, sums.reference());
        t.same("sumRows" + size, sums, 5e-6); // the CPU adds in float32
        float[] aligned = t.testedFloats(sums);
        Pair odd = t.output((long) rows * cols + 1).slice(1, (long) rows * cols);
        copy(t, x, odd);
        t.tested.sumRows(odd.tested(), rows, cols, sums.tested());
        assertThat(t.testedFloats(sums)).as("the order of additions" + size).isEqualTo(aligned);
        t.tested.addRow(odd.tested(), row.tested(), rows, cols, odd.tested());
        copy(t, y, x);
        t.tested.copy(odd.tested(), x.tested());
        t.same("addRow in place at an odd address" + size, x, 1e-7);
        t.freeAll();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void argmaxOfTiesAndNaN(String backend) {
    try (Twin t = Twin.of(backend)) {
      float nan = Float.NaN;
      float low = Float.NEGATIVE_INFINITY;
      Pair x = t.floats(1, 1, 0, 0, nan, 9, nan, nan, 1, low, low, low, -0f, 0f, -1);
      Pair y = t.empty(DType.INT32, 5);
      t.tested.rowArgmax(x.tested(), 5, 3, y.tested());
      t.reference.rowArgmax(x.reference(), 5, 3, y.reference());
      t.sameInts("rowArgmax", y);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void copyColumnsAndPermute(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(5);
      int[][] sizes = {
        // rows, xCols, xAt, yCols, yAt, n
        {3, 4, 1, 5, 2, 2},
        {9000, 3, 0, 6, 3, 3},
        {500, 6, 3, 3, 0, 3},
        {2, 3000, 10, 2500, 7, 2300},
        {0, 2, 0, 2, 0, 2},
        {4, 2, 0, 2, 0, 0}
      };
      for (int[] s : sizes) {
        Pair x = t.random(random, s[0] * s[1]);
        Pair y = t.output((long) s[0] * s[3]);
        t.tested.copyColumns(x.tested(), s[0], s[1], s[2], y.tested(), s[3], s[4], s[5]);
        t.reference.copyColumns(x.reference(), s[0], s[1], s[2], y.reference(), s[3], s[4], s[5]);
        t.same("copyColumns", y, 0);
      }
      int[][] orders = {{0, 3, 1, 2}, {0, 2, 3, 1}, {3, 2, 1, 0}, {0, 1, 2, 3}};
      for (int[] dims : new int[][] {{2, 3, 4, 5}, {1, 1, 1, 1}, {3, 17, 13, 9}, {2, 0, 3, 4}}) {
        int size = dims[0] * dims[1] * dims[2] * dims[3];
        for (int[] order : orders) {
          Pair x = t.random(random, 1, size);
          Pair y = t.output(size);
          t.tested.permute(x.tested(), dims, order, y.tested());
          t.reference.permute(x.reference(), dims, order, y.reference());
          t.same("permute", y, 0);
        }
      }
    }
  }

  /** NaN, infinities, signed zeros and denormals go through whatever moves, picks or adds them. */
  @ParameterizedTest
  @MethodSource("backends")
  void specialValuesInRows(String backend) {
    try (Twin t = Twin.of(backend)) {
      int rows = 2 * SPECIAL.length;
      int cols = 67;
      float[] values = new float[rows * cols];
      int[] index = new int[rows];
      byte[] mask = new byte[rows * cols];
      for (int r = 0; r < rows; r++) {
        boolean whole = r >= SPECIAL.length; // a row of that number, or one among halves
        Arrays.fill(values, r * cols, (r + 1) * cols, whole ? SPECIAL[r - SPECIAL.length] : 0.5f);
        index[r] = r * 5 % cols;
        values[r * cols + index[r]] = SPECIAL[r % SPECIAL.length];
        mask[r * cols + r] = 1;
      }
      Pair x = t.floats(values);
      Pair y = t.output(values.length);
      Pair row = t.floats(Arrays.copyOf(values, cols));
      t.tested.addRow(x.tested(), row.tested(), rows, cols, y.tested());
      t.reference.addRow(x.reference(), row.reference(), rows, cols, y.reference());
      t.exactly("addRow", y);
      Pair m = t.bytes(mask);
      t.tested.maskedFill(x.tested(), m.tested(), Float.NEGATIVE_INFINITY, y.tested());
      t.reference.maskedFill(x.reference(), m.reference(), Float.NEGATIVE_INFINITY, y.reference());
      t.exactly("maskedFill", y);
      Pair at = t.ints(index);
      Pair picked = t.output(rows);
      t.tested.pick(x.tested(), rows, cols, at.tested(), picked.tested());
      t.reference.pick(x.reference(), rows, cols, at.reference(), picked.reference());
      t.exactly("pick", picked);
      t.tested.place(picked.tested(), rows, cols, at.tested(), y.tested());
      t.reference.place(picked.reference(), rows, cols, at.reference(), y.reference());
      t.exactly("place", y);
      t.tested.permute(x.tested(), new int[] {rows, cols}, new int[] {1, 0}, y.tested());
      t.reference.permute(x.reference(), new int[] {rows, cols}, new int[] {1, 0}, y.reference());
      t.exactly("permute", y);
      t.tested.copyColumns(x.tested(), rows, cols, 3, y.tested(), cols, 1, 40);
      t.reference.copyColumns(x.reference(), rows, cols, 3, y.reference(), cols, 1, 40);
      t.exactly("copyColumns", y);
      Pair sums = t.output(cols);
      t.tested.sumRows(x.tested(), rows, cols, sums.tested());
      t.reference.sumRows(x.reference(), rows, cols, sums.reference());
      t.same("sumRows", sums, 1e-6);
      Pair best = t.empty(DType.INT32, rows);
      t.tested.rowArgmax(x.tested(), rows, cols, best.tested());
      t.reference.rowArgmax(x.reference(), rows, cols, best.reference());
      t.sameInts("rowArgmax", best);
      Pair one = t.output(1);
      for (int r = 0; r < rows; r++) {
        Pair line = x.slice((long) r * cols, cols);
        t.tested.sum(line.tested(), one.tested());
        t.reference.sum(line.reference(), one.reference());
        boolean tiny = Math.abs(t.referenceFloats(one)[0]) < 1e-30;
        t.same("sum of row " + r, one, tiny ? 1e-43 : 1e-6);
        t.tested.maxAbs(line.tested(), one.tested());
        t.reference.maxAbs(line.reference(), one.reference());
        t.exactly("maxAbs of row " + r, one);
      }
    }
  }

  /** One special number in each row of a and in each row of x, among small integers. */
  @ParameterizedTest
  @MethodSource("backends")
  void specialValuesInProducts(String backend) {
    try (Twin t = Twin.of(backend)) {
      int n = SPECIAL.length;
      float[] a = new float[n * n];
      float[] b = new float[n * n];
      for (int i = 0; i < a.length; i++) {
        a[i] = i % 7 - 3;
        b[i] = i % 5 + 1;
      }
      for (int i = 0; i < n; i++) {
        a[i * n + (i * 3 + 1) % n] = SPECIAL[i];
      }
      Pair p = t.floats(a);
      Pair q = t.floats(b);
      Pair c = t.output((long) n * n);
      for (int transposed = 0; transposed < 4; transposed++) {
        boolean ta = (transposed & 1) != 0;
        boolean tb = (transposed & 2) != 0;
        t.tested.gemm(ta, tb, n, n, n, p.tested(), q.tested(), c.tested());
        t.reference.gemm(ta, tb, n, n, n, p.reference(), q.reference(), c.reference());
        product(t, backend, "gemm " + ta + " " + tb, c);
      }
      float[] denormals = new float[n * n];
      Arrays.fill(denormals, 1e-40f);
      Pair d = t.floats(denormals);
      t.tested.gemm(false, false, n, n, n, d.tested(), q.tested(), c.tested());
      t.reference.gemm(false, false, n, n, n, d.reference(), q.reference(), c.reference());
      if (keepsDenormals(backend)) {
        t.exactly("product of denormals", c);
      }
      ConvGeometry g = new ConvGeometry(n, 4, 4, 1, 4, 2, 2, 1, 1, 1, 1); // a picture for each
      Pair w = t.floats(Arrays.copyOf(b, 16));
      Pair y = t.output((long) n * g.oh() * g.ow() * g.k());
      t.tested.conv2d(g, p.tested(), w.tested(), null, y.tested());
      t.reference.conv2d(g, p.reference(), w.reference(), null, y.reference());
      product(t, backend, "conv2d", y);
      Pair dw = t.output(16);
      Pair db = t.output(4);
      Pair dy = t.output(y.tested().count());
      t.tested.conv2dParameterGradients(g, p.tested(), dy.tested(), dw.tested(), db.tested());
      t.reference.conv2dParameterGradients(
          g, p.reference(), dy.reference(), dw.reference(), db.reference());
      product(t, backend, "filter gradient", dw);
      t.same("bias gradient", db, 1e-6);
      Pair dx = t.output((long) n * n);
      t.tested.conv2dDataGradientRelu(g, w.tested(), dy.tested(), p.tested(), dx.tested());
      t.reference.conv2dDataGradientRelu(
          g, w.reference(), dy.reference(), p.reference(), dx.reference());
      t.exactly("data gradient before a relu", dx);
    }
  }

  /** Finite where the reference is, and equal to it; the rest as {@link #keepsInfinity} says. */
  private void product(Twin t, String backend, String what, Pair c) {
    if (keepsInfinity(backend)) {
      t.same(what, c, 1e-6);
      return;
    }
    float[] actual = t.testedFloats(c);
    float[] expected = t.referenceFloats(c);
    for (int i = 0; i < expected.length; i++) {
      if (Float.isFinite(expected[i])) {
        assertThat(actual[i]).as(what).isEqualTo(expected[i]);
      } else {
        assertThat(actual[i]).as(what).isNotFinite();
      }
    }
  }

  /** Whether ∞ · 2 is ∞ in a product; on the GPU's tensor cores it is NaN in FP32. */
  boolean keepsInfinity(String backend) {
    return true;
  }

  boolean keepsDenormals(String backend) {
    return true;
  }

  /** Shapes that nobody thought of. */
  @ParameterizedTest
  @MethodSource("backends")
  void randomShapes(String backend) {
    Random random = new Random(20);
    try (Twin t = Twin.of(backend)) {
      for (int i = 0; i < 40; i++) {
        ConvGeometry g = randomGeometry(random);
        int rows = g.n() * g.oh() * g.ow();
        Pair x = t.random(random, random.nextInt(2), g.n() * g.h() * g.w() * g.c());
        Pair w = t.random(random, random.nextInt(2), g.k() * g.r() * g.s() * g.c());
        Pair bias = t.random(random, g.k());
        Pair dy = t.random(random, random.nextInt(2), rows * g.k());
        Pair y = t.output((long) rows * g.k());
        t.tested.conv2dRelu(g, x.tested(), w.tested(), bias.tested(), y.tested());
        t.reference.conv2dRelu(g, x.reference(), w.reference(), bias.reference(), y.reference());
        t.same("conv2dRelu of " + g, y, 2e-5);
        Pair dx = t.output(x.tested().count());
        t.tested.conv2dDataGradientRelu(g, w.tested(), dy.tested(), x.tested(), dx.tested());
        t.reference.conv2dDataGradientRelu(
            g, w.reference(), dy.reference(), x.reference(), dx.reference());
        t.same("data gradient of " + g, dx, 2e-5);
        Pair dw = t.output(w.tested().count());
        Pair db = t.output(g.k());
        t.tested.conv2dParameterGradients(g, x.tested(), dy.tested(), dw.tested(), db.tested());
        t.reference.conv2dParameterGradients(
            g, x.reference(), dy.reference(), dw.reference(), db.reference());
        double sums = 2e-6 * Math.sqrt(1 + rows);
        t.same("filter gradient of " + g, dw, sums);
        t.same("bias gradient of " + g, db, sums);
        t.freeAll();
      }
      for (int i = 0; i < 40; i++) {
        int rows = 1 + random.nextInt(150);
        int in = 1 + random.nextInt(150);
        int out = 1 + random.nextInt(150);
        String size = rows + "×" + in + "×" + out;
        Pair x = t.random(random, random.nextInt(2), rows * in);
        Pair w = t.random(random, random.nextInt(2), out * in);
        Pair bias = t.random(random, out);
        Pair dy = t.random(random, random.nextInt(2), rows * out);
        Pair y = t.output((long) rows * out);
        boolean relu = random.nextBoolean();
        t.tested.linear(rows, in, out, x.tested(), w.tested(), bias.tested(), relu, y.tested());
        t.reference.linear(
            rows, in, out, x.reference(), w.reference(), bias.reference(), relu, y.reference());
        t.same("linear " + size, y, 2e-5);
        Pair dx = t.output((long) rows * in);
        t.tested.linearDataGradientRelu(
            rows, in, out, w.tested(), dy.tested(), x.tested(), dx.tested());
        t.reference.linearDataGradientRelu(
            rows, in, out, w.reference(), dy.reference(), x.reference(), dx.reference());
        t.same("its data gradient " + size, dx, 2e-5);
        Pair dw = t.output((long) out * in);
        Pair db = t.output(out);
        t.tested.linearParameterGradients(
            rows, in, out, x.tested(), dy.tested(), dw.tested(), db.tested());
        t.reference.linearParameterGradients(
            rows, in, out, x.reference(), dy.reference(), dw.reference(), db.reference());
        t.same("its weight gradient " + size, dw, 2e-5);
        t.same("its bias gradient " + size, db, 2e-5);
        Pair most = t.output(1);
        t.tested.maxAbs(dw.tested(), most.tested());
        t.reference.maxAbs(dw.reference(), most.reference());
        t.same("maxAbs " + size, most, 2e-5);
        t.freeAll();
      }
    }
  }

  private static ConvGeometry randomGeometry(Random random) {
    int r = 1 + random.nextInt(5);
    int s = 1 + random.nextInt(5);
    return new ConvGeometry(
        1 + random.nextInt(5),
        r + random.nextInt(9),
        s + random.nextInt(9),
        1 + random.nextInt(40),
        1 + random.nextInt(40),
        r,
        s,
        1 + random.nextInt(3),
        1 + random.nextInt(3),
        random.nextInt(Math.min(3, r)),
        random.nextInt(Math.min(3, s)));
  }

  Stream<Arguments> convolutions() {
    ConvGeometry[] shapes = {
      new ConvGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
      new ConvGeometry(2, 5, 6, 3, 4, 3, 3, 1, 1, 1, 1),
      new ConvGeometry(3, 9, 7, 2, 5, 3, 2, 2, 3, 2, 0), // rows and columns that no filter reaches
      new ConvGeometry(1, 8, 8, 16, 16, 1, 1, 1, 1, 0, 0),
      new ConvGeometry(2, 4, 4, 5, 7, 5, 5, 1, 1, 2, 2),
      new ConvGeometry(2, 3, 3, 70, 80, 3, 3, 2, 2, 1, 1),
      new ConvGeometry(0, 5, 5, 2, 3, 3, 3, 1, 1, 0, 0),
      new ConvGeometry(2, 5, 5, 0, 3, 3, 3, 1, 1, 0, 0),
      new ConvGeometry(2, 5, 5, 2, 0, 3, 3, 1, 1, 0, 0),
      new ConvGeometry(1, 64, 84, 6, 32, 8, 8, 4, 4, 0, 0),
      new ConvGeometry(1, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0),
      new ConvGeometry(1, 6, 9, 64, 64, 3, 3, 1, 1, 0, 0),
      new ConvGeometry(32, 64, 84, 6, 32, 8, 8, 4, 4, 0, 0),
      new ConvGeometry(32, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0),
      new ConvGeometry(32, 6, 9, 64, 64, 3, 3, 1, 1, 0, 0),
    };
    return backends().flatMap(b -> Stream.of(shapes).map(g -> Arguments.of(b, g)));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void convolution(String backend, ConvGeometry g) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(6);
      int xs = g.n() * g.h() * g.w() * g.c();
      int ws = g.k() * g.r() * g.s() * g.c();
      int ys = g.n() * g.oh() * g.ow() * g.k();
      Pair x = t.random(random, 5, xs);
      Pair w = t.random(random, 16, ws);
      Pair bias = t.random(random, 3, g.k());
      Pair dy = t.random(random, 9, ys);
      Pair y = t.output(ys);
      t.tested.conv2d(g, x.tested(), w.tested(), bias.tested(), y.tested());
      t.reference.conv2d(g, x.reference(), w.reference(), bias.reference(), y.reference());
      t.same("conv2d", y, 2e-5);
      if (g.flops() < 5e7) {
        t.tested.conv2dRelu(g, x.tested(), w.tested(), bias.tested(), y.tested());
        t.reference.conv2dRelu(g, x.reference(), w.reference(), bias.reference(), y.reference());
        t.same("conv2dRelu", y, 2e-5);
      }
      // a second time with new weights in the same buffers: no packed copy may be stale
      boolean large = g.flops() > 5e7; // the reference is slow
      for (int i = 0; i < (large ? 1 : 2); i++) {
        t.tested.map(Pointwise.SCALE, -2, 0, w.tested(), w.tested());
        t.reference.map(Pointwise.SCALE, -2, 0, w.reference(), w.reference());
        if (!large) {
          t.tested.conv2d(g, x.tested(), w.tested(), null, y.tested());
          t.reference.conv2d(g, x.reference(), w.reference(), null, y.reference());
          t.same("conv2d without bias", y, 2e-5);
        }
        if (g.flops() > 2e8) {
          break; // the first layer's gradient for pixels is never asked for
        }
        Pair dx = t.output(xs);
        t.tested.conv2dDataGradient(g, w.tested(), dy.tested(), dx.tested());
        t.reference.conv2dDataGradient(g, w.reference(), dy.reference(), dx.reference());
        t.same("data gradient", dx, 2e-5);
        t.tested.conv2dDataGradientRelu(g, w.tested(), dy.tested(), x.tested(), dx.tested());
        t.reference.conv2dDataGradientRelu(
            g, w.reference(), dy.reference(), x.reference(), dx.reference());
        t.same("data gradient before a relu", dx, 2e-5);
      }
      Pair dw = t.output(ws);
      t.tested.conv2dFilterGradient(g, x.tested(), dy.tested(), dw.tested());
      t.reference.conv2dFilterGradient(g, x.reference(), dy.reference(), dw.reference());
      t.same("filter gradient", dw, 2e-6 * Math.sqrt(1 + (double) g.n() * g.oh() * g.ow()));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void philox(String backend) {
    assertThat(Philox.block(0, 0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    try (Twin t = Twin.of(backend)) {
      Philox.Key key = Philox.Key.of(42, "sample");
      Pair step = t.ints(7);
      for (int bound : new int[] {1, 5, 10_000, Integer.MAX_VALUE}) {
        Pair limit = t.ints(bound);
        Pair y = t.empty(DType.INT32, 40_000);
        t.tested.randomIntegers(key, step.tested(), 3, limit.tested(), y.tested());
        t.reference.randomIntegers(key, step.reference(), 3, limit.reference(), y.reference());
        t.sameInts("randomIntegers", y);
      }
      Pair u = t.output(40_000);
      t.tested.randomUniform(key, step.tested(), 1, u.tested());
      t.reference.randomUniform(key, step.reference(), 1, u.reference());
      t.same("randomUniform", u, 0);
      t.tested.increment(step.tested(), -9);
      t.reference.increment(step.reference(), -9);
      t.sameInts("increment", step);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void adam(String backend) {
    try (Twin t = Twin.of(backend)) {
      Random random = new Random(7);
      int n = 40_001;
      Pair p = t.random(random, n);
      Pair m = t.output(n);
      Pair v = t.output(n);
      for (Pair zero : new Pair[] {m, v}) {
        t.tested.fill(zero.tested(), 0);
        t.reference.fill(zero.reference(), 0);
      }
      Pair lr = t.floats(1e-3f);
      Pair step = t.ints(0);
      Pair largest = t.floats(0);
      for (int i = 0; i < 60; i++) {
        Pair g = t.random(random, n);
        t.tested.adam(
            p.tested(),
            g.tested(),
            m.tested(),
            v.tested(),
            lr.tested(),
            i % 5 == 0 ? 50 : 0,
            step.tested(),
            i < 9 ? null : largest.tested(),
            0.9,
            0.999,
            1e-8,
            i % 2 == 0 ? 0 : 0.01,
            i % 3 < 2);
        t.reference.adam(
            p.reference(),
            g.reference(),
            m.reference(),
            v.reference(),
            lr.reference(),
            i % 5 == 0 ? 50 : 0,
            step.reference(),
            i < 9 ? null : largest.reference(),
            0.9,
            0.999,
            1e-8,
            i % 2 == 0 ? 0 : 0.01,
            i % 3 < 2);
      }
      t.same("p after 60 steps", p, 2e-6);
      t.same("m", m, 1e-6);
      t.same("v", v, 1e-6);
      t.sameInts("t", step);
      t.same("max |g|", largest, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void launch(String backend) {
    Kernel kernel =
        new Kernel(
            "affine",
            """
            extern "C" __global__ void affine(
                const float* x, float* y, float scale, int shift, int n) {
              int i = blockIdx.x * blockDim.x + threadIdx.x;
              if (i < n) y[i] = (float)((double)x[i] * scale + shift);
            }
            """,
            (a, from, to) -> {
              for (int i = from; i < to; i++) {
                a.array(1).set(i, a.array(0).get(i) * a.number(2) + a.integer(3));
              }
            });
    try (Twin t = Twin.of(backend)) {
      for (int n : COUNTS) {
        Pair x = t.random(new Random(8), n);
        Pair y = t.output(n);
        t.tested.launch(kernel, n, x.tested(), y.tested(), 0.5f, 3);
        t.reference.launch(kernel, n, x.reference(), y.reference(), 0.5f, 3);
        t.same("launch", y, 0);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "onednn"})
  void anErrorInsideAKernelReachesTheCaller(String backend) {
    Kernel kernel =
        new Kernel(
            "fails",
            "",
            (a, from, to) -> {
              throw new IllegalStateException("item " + from);
            });
    try (Twin t = Twin.of(backend)) {
      org.assertj.core.api.Assertions.assertThatThrownBy(() -> t.tested.launch(kernel, 10_000))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("item ");
      Pair y = t.output(100_000); // and the workers still work
      t.same("fill", y, 0);
    }
  }
}
