package bellman.benchmarks;

import bellman.engine.DType;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.reference.ReferenceBackend;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** One step of Adam over all parameters; by default as many as the tutorial's network has. */
public class AdamBenchmark extends KernelBenchmark {
  private static final double[] SETTINGS = {0.9, 0.999, 1e-8, 0}; // β₁, β₂, ε, decay
  private static final float RATE = 1e-3f;

  @Param("1002148")
  public int parameters = 1_002_148;

  private Buffer p;
  private Buffer g;
  private Buffer m;
  private Buffer v;
  private Tensor rate;
  private Tensor t;
  private float[] first; // the parameters before the first step

  @Override
  public Work work(String method) {
    // By hand from the formula: m 3, v 4, p 5; g is read, p, m and v are read and written.
    return Work.of(12.0 * parameters, 4.0 * 7 * parameters);
  }

  @Override
  void prepare() {
    p = uniform(updated(DType.FLOAT32, parameters), "p");
    g = uniform(read(DType.FLOAT32, parameters), "g");
    m = updated(DType.FLOAT32, parameters);
    v = updated(DType.FLOAT32, parameters);
    backend().fill(m, 0);
    backend().fill(v, 0);
    rate = device().state("rate", new float[] {RATE}, Shape.scalar());
    t = device().state("t", new int[1], Shape.scalar());
    first = Proof.read(backend(), p, 0, parameters);
  }

  @Override
  void kernel() {
    adam(backend(), p, g, m, v, rate.buffer(), t.buffer());
  }

  private static void adam(
      Backend backend, Buffer p, Buffer g, Buffer m, Buffer v, Buffer rate, Buffer t) {
    backend.adam(
        p, g, m, v, rate, 0, t, null, SETTINGS[0], SETTINGS[1], SETTINGS[2], SETTINGS[3], true);
  }

  /** As many steps by the reference, from the same parameters. */
  @Override
  void prove(int calls) {
    if (t.toInts()[0] != calls) {
      throw new IllegalStateException(
          "benchmark: t is %d after %d steps".formatted(t.toInts()[0], calls));
    }
    try (Backend reference = ReferenceBackend.floats()) {
      Buffer twin = Proof.of(reference, first);
      first = null;
      Buffer slope = Proof.copy(backend(), g, 0, parameters, reference);
      Buffer mean = Proof.of(reference, new float[parameters]);
      Buffer square = Proof.of(reference, new float[parameters]);
      Buffer lr = Proof.of(reference, new float[] {RATE});
      Buffer step = reference.allocate(DType.INT32, 1);
      reference.fill(step, 0);
      for (int i = 0; i < calls; i++) {
        adam(reference, twin, slope, mean, square, lr, step);
      }
      compare("p", reference, twin, p);
      compare("m", reference, mean, m);
      compare("v", reference, square, v);
    }
  }

  private void compare(String what, Backend reference, Buffer expected, Buffer actual) {
    float[] e = Proof.read(reference, expected, 0, parameters);
    float[] a = Proof.read(backend(), actual, 0, parameters);
    for (int i = 0; i < parameters; i++) {
      Proof.equal("adam: " + what, i, e[i], a[i], 1e-4 * Math.abs(e[i]) + 1e-6);
    }
  }

  @Benchmark
  public int step() {
    return run();
  }
}
