package bellman.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Parameters;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What shows only over many kernels: equal runs, steady memory, the number of threads. */
class BackendRunsTest {
  /** A small convolutional network and its Adam. */
  private static final class Net {
    final Parameters parameters;
    final Tensor w1;
    final Tensor b1;
    final Tensor w2;
    final Tensor b2;
    final Tensor m;
    final Tensor v;
    final Tensor lr;
    final Tensor t;

    Net(Device device) {
      Random random = new Random(1);
      parameters = new Parameters(device);
      w1 = add("w1", random, 8, 3, 3, 4);
      b1 = add("b1", random, 8);
      w2 = add("w2", random, 5, 8 * 6 * 6);
      b2 = add("b2", random, 5);
      m = parameters.likeValues("m");
      v = parameters.likeValues("v");
      lr = device.state("lr", new float[] {1e-3f}, Shape.scalar());
      t = device.state("t", new int[1], Shape.scalar());
    }

    private Tensor add(String name, Random random, int... dims) {
      Shape shape = Shape.of(dims);
      float[] values = new float[(int) shape.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (random.nextFloat() - 0.5f) / 4;
      }
      return parameters.add(name, shape, values);
    }

    void update(Tensor x) {
      Tensor y = x.conv2d(w1, b1, 1, 0).relu().flatten().linear(w2).addRow(b2);
      y.square().mean().backward().of(parameters);
      Device device = x.device();
      device
          .backend()
          .adam(
              parameters.values().buffer(),
              parameters.gradients().buffer(),
              m.buffer(),
              v.buffer(),
              lr.buffer(),
              0,
              t.buffer(),
              null,
              0.9,
              0.999,
              1e-8,
              0,
              true);
      parameters.values().buffer().written();
    }
  }

  static float[] train(Backend backend, int steps) {
    try (Device device = new Device(backend)) {
      Net net = new Net(device);
      float[] pixels = new float[4 * 8 * 8 * 4];
      Random random = new Random(2);
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = random.nextFloat();
      }
      Tensor x = device.tensor(pixels, Shape.of(4, 8, 8, 4));
      for (int i = 0; i < steps; i++) {
        try (Scope step = device.scope("step")) {
          net.update(x);
        }
      }
      return net.parameters.values().toFloats();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "onednn"})
  void twoRunsAreEqualToTheLastBit(String backend) {
    float[] first = train(Twin.backend(backend, 2), 50);
    assertThat(first).isEqualTo(train(Twin.backend(backend, 2), 50));
    for (float value : first) {
      assertThat(value).isFinite();
    }
  }

  @Test
  void javaComputesTheSameWithAnyNumberOfThreads() {
    float[] one = train(Twin.backend("java", 1), 30);
    assertThat(train(Twin.backend("java", 2), 30)).isEqualTo(one);
    assertThat(train(Twin.backend("java", 5), 30)).isEqualTo(one);
  }

  @Test
  void nativeMemoryStaysSteadyOverTenThousandSteps() throws Exception {
    Path statm = Path.of("/proc/self/statm");
    assumeTrue(Files.isReadable(statm), "resident pages are read from /proc");
    try (Device device = new Device(Twin.backend("onednn", 2))) {
      Net net = new Net(device);
      Tensor x = device.full(Shape.of(4, 8, 8, 4), 0.5f);
      long pooled = 0;
      long before = 0;
      long smallest = Long.MAX_VALUE; // growth of a window
      for (int window = 0; window < 5; window++) {
        for (int i = 0; i < 2_000; i++) {
          try (Scope step = device.scope("step")) {
            net.update(x);
          }
        }
        System.gc();
        long now = residentKiB(statm);
        if (window == 0) {
          pooled = device.pooledBytes();
        } else {
          smallest = Math.min(smallest, now - before);
        }
        before = now;
      }
      assertThat(device.pooledBytes()).isEqualTo(pooled);
      // The JVM grows now and then; steps that lose a descriptor each grow by more in every window.
      assertThat(smallest).isLessThan(2 * 1024);
    }
  }

  @Test
  void openedAndClosedManyTimesTheProcessDoesNotGrow() throws Exception {
    Path statm = Path.of("/proc/self/statm");
    assumeTrue(Files.isReadable(statm), "resident pages are read from /proc");
    long before = 0;
    for (int i = 0; i < 40; i++) {
      if (i == 10) {
        System.gc();
        before = residentKiB(statm);
      }
      Backend backend = Twin.backend("onednn", 2);
      Buffer b = backend.allocate(DType.FLOAT32, 4 << 20); // 16 MiB
      backend.fill(b, 1);
      backend.release(b);
      train(backend, 2);
    }
    System.gc();
    assertThat(residentKiB(statm) - before).isLessThan(48 * 1024); // 30 × 16 MiB would be 480
  }

  private static long residentKiB(Path statm) throws java.io.IOException {
    return Long.parseLong(Files.readString(statm).split(" ")[1]) * 4;
  }

  @Test
  void theThreadCountIsHonoured() throws Exception {
    Path tasks = Path.of("/proc/self/task");
    assumeTrue(Files.isDirectory(tasks), "threads are counted in /proc");
    int[] grown = new int[1];
    Throwable[] failure = new Throwable[1];
    Thread fresh = // OpenMP keeps a team for every thread that calls it
        new Thread(
            () -> {
              try (Backend backend = Twin.backend("onednn", 4)) {
                assumeTrue(backend.name().endsWith("threads: 4"), backend.name());
                Buffer a = backend.allocate(DType.FLOAT32, 512 * 512);
                Buffer c = backend.allocate(DType.FLOAT32, 512 * 512);
                backend.fill(a, 1);
                int before = openMpThreads(tasks);
                backend.gemm(false, false, 512, 512, 512, a, a, c);
                grown[0] = openMpThreads(tasks) - before;
                backend.release(a);
                backend.release(c);
              } catch (Throwable t) {
                failure[0] = t;
              }
            });
    fresh.start();
    fresh.join();
    if (failure[0] instanceof RuntimeException e) {
      throw e;
    }
    assertThat(failure[0]).isNull();
    assertThat(grown[0]).isEqualTo(3);
  }

  private static int openMpThreads(Path tasks) throws java.io.IOException {
    try (var list = Files.list(tasks)) {
      return (int) list.count();
    }
  }
}
