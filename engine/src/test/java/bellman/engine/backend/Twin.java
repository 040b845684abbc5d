package bellman.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import bellman.engine.DType;
import bellman.engine.Precision;
import bellman.engine.cuda.CudaBackend;
import bellman.engine.host.JavaBackend;
import bellman.engine.onednn.OneDnnBackend;
import bellman.engine.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The reference and a backend under test, fed the same values. */
final class Twin implements AutoCloseable {
  static final String REPRODUCIBLE_CUDA = "cuda, reproducible";
  private static final double DENORMAL = 2 * Float.MIN_VALUE; // what two roundings lose there

  final Backend tested;
  final ReferenceBackend reference = ReferenceBackend.floats();
  private final List<Buffer> buffers = new ArrayList<>();

  private Twin(Backend tested) {
    this.tested = tested;
  }

  static Twin of(String name) {
    return of(name, 2);
  }

  static Twin of(String name, int threads) {
    return new Twin(backend(name, threads));
  }

  static Backend backend(String name, int threads) {
    if (name.equals("java")) {
      return new JavaBackend(threads);
    }
    try {
      return name.startsWith("cuda")
          ? CudaBackend.open(0, Precision.FP32, name.equals(REPRODUCIBLE_CUDA))
          : OneDnnBackend.open(threads);
    } catch (IllegalStateException e) {
      return abort("not on this machine: " + e.getMessage()); // reported as skipped
    }
  }

  /** One operand, twice. */
  record Pair(Buffer tested, Buffer reference) {
    Pair slice(long from, long count) {
      return new Pair(tested.slice(from, count), reference.slice(from, count));
    }
  }

  Pair empty(DType dtype, long count) {
    Buffer t = tested.allocate(dtype, count);
    buffers.add(t);
    return new Pair(t, reference.allocate(dtype, count));
  }

  Pair floats(float... values) {
    Pair p = empty(DType.FLOAT32, values.length);
    tested.write(p.tested, 0, values, 0, values.length);
    reference.write(p.reference, 0, values, 0, values.length);
    return p;
  }

  Pair ints(int... values) {
    Pair p = empty(DType.INT32, values.length);
    tested.write(p.tested, 0, values, 0, values.length);
    reference.write(p.reference, 0, values, 0, values.length);
    return p;
  }

  Pair bytes(byte... values) {
    Pair p = empty(DType.UINT8, values.length);
    tested.write(p.tested, 0, values, 0, values.length);
    reference.write(p.reference, 0, values, 0, values.length);
    return p;
  }

  /** Uniform in [−1, 1), behind an offset of {@code skip} elements of the allocation. */
  Pair random(Random random, int skip, int count) {
    float[] values = new float[skip + count];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return floats(values).slice(skip, count);
  }

  Pair random(Random random, long count) {
    return random(random, 0, (int) count);
  }

  /** What an op did not write shows up as 77. */
  Pair output(long count) {
    Pair p = empty(DType.FLOAT32, count);
    tested.fill(p.tested, 77);
    reference.fill(p.reference, 77);
    return p;
  }

  float[] testedFloats(Pair p) {
    float[] values = new float[(int) p.tested.count()];
    tested.read(p.tested, 0, values, 0, values.length);
    return values;
  }

  float[] referenceFloats(Pair p) {
    float[] values = new float[(int) p.reference.count()];
    reference.read(p.reference, 0, values, 0, values.length);
    return values;
  }

  /** Equal within {@code tolerance · (1 + |expected|)}; NaN equals NaN and 0 equals −0. */
  void same(String what, Pair p, double tolerance) {
    compare(what, p, (a, e) -> a == e || Math.abs(a - e) <= tolerance * (1 + Math.abs(e)));
  }

  /**
   * The same to some roundings, with zeros of the same sign and denormals that are not taken for
   * zero.
   */
  void exactly(String what, Pair p) {
    compare(
        what,
        p,
        (a, e) ->
            a == 0 || e == 0
                ? Float.floatToRawIntBits(a) == Float.floatToRawIntBits(e)
                : a == e || Math.abs(a - e) <= 1e-6 * Math.abs(e) + DENORMAL);
  }

  private interface Equality {
    boolean holds(float actual, float expected);
  }

  private void compare(String what, Pair p, Equality equality) {
    float[] actual = testedFloats(p);
    float[] expected = referenceFloats(p);
    for (int i = 0; i < expected.length; i++) {
      float a = actual[i];
      float e = expected[i];
      boolean nan = a != a && e != e;
      if (!nan && !equality.holds(a, e)) {
        throw new AssertionError(
            what + " on " + tested.name() + ": element " + i + " is " + a + ", reference " + e);
      }
    }
  }

  void sameInts(String what, Pair p) {
    int[] actual = new int[(int) p.tested.count()];
    int[] expected = new int[actual.length];
    tested.read(p.tested, 0, actual, 0, actual.length);
    reference.read(p.reference, 0, expected, 0, expected.length);
    assertThat(actual).as(what + " on " + tested.name()).isEqualTo(expected);
  }

  /** Frees the operands, not the backend. */
  void freeAll() {
    buffers.forEach(tested::release);
    buffers.clear();
  }

  @Override
  public void close() {
    freeAll();
    tested.close();
  }
}
