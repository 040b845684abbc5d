package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.CapturedStep;
import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.DeviceMemoryException;
import bellman.engine.Precision;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.backend.Kernel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a GPU has: its memory's end, its compiler, its recordings, its math modes. */
@Tag("gpu")
class CudaBackendTest {
  private static CudaBackend open(Precision precision) {
    return open(precision, true);
  }

  private static CudaBackend open(Precision precision, boolean reproducible) {
    try {
      return CudaBackend.open(0, precision, reproducible);
    } catch (IllegalStateException e) {
      return Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
    }
  }

  @Test
  void outOfMemorySaysWhatIsHeldAndTheDeviceGoesOn() {
    try (CudaBackend backend = open(Precision.FP32)) {
      Buffer held = backend.allocate(DType.FLOAT32, 1 << 20);
      assertThatThrownBy(() -> backend.allocate(DType.FLOAT32, 1L << 40))
          .isInstanceOf(OutOfMemoryError.class)
          .hasMessageStartingWith("allocate: 4,398,046,511,104 bytes; the GPU has ")
          .hasMessageContaining("this device holds 4,194,304;");
      backend.fill(held, 3);
      float[] back = new float[1 << 20];
      backend.read(held, 0, back, 0, back.length);
      assertThat(back[77]).isEqualTo(3);
      backend.release(held);
    }
  }

  @Test
  void aKernelThatDoesNotCompileIsAnErrorInTheCompilersWords() {
    try (CudaBackend backend = open(Precision.FP32)) {
      Kernel wrong =
          new Kernel("wrong", "extern \"C\" __global__ void wrong(int n) { nonsense; }", null);
      assertThatThrownBy(() -> backend.launch(wrong, 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("kernel wrong does not compile")
          .hasMessageContaining("nonsense");
    }
  }

  /** As with CUDA 12.6 and a GPU of a later year: the driver compiles what the compiler can. */
  @Test
  void aGpuThatTheCompilerDoesNotKnow(@TempDir Path folder) {
    try (CudaBackend backend = open(Precision.FP32);
        Modules modules = new Modules(new CacheFolder(folder), 99, 9, false)) {
      Lane lane = backend.lane();
      Buffer x = backend.allocate(DType.INT32, 1);
      backend.fill(x, 40);
      new Launcher().run(lane.stream, "increment", modules.function("increment"), 1, 1, 1, 1, x, 2);
      int[] value = new int[1];
      backend.read(x, 0, value, 0, 1);
      assertThat(value[0]).isEqualTo(42);
      backend.release(x);
    }
  }

  @Test
  void largeArraysTravelInPieces() {
    try (CudaBackend backend = open(Precision.FP32)) {
      int n = 3_000_001;
      int[] values = new Random(1).ints(n).toArray();
      Buffer x = backend.allocate(DType.INT32, n + 5);
      backend.write(x, 5, values, 0, n);
      int[] back = new int[n];
      backend.read(x, 5, back, 0, n);
      assertThat(back).isEqualTo(values);
      backend.release(x);
    }
  }

  /** Writes of all sizes and places, one over the other, arrive in the order of writing. */
  @Test
  void smallWritesArriveInOrder() {
    try (CudaBackend backend = open(Precision.FP32)) {
      int n = 200_000;
      Buffer x = backend.allocate(DType.UINT8, n);
      backend.fill(x, 0);
      byte[] expected = new byte[n];
      byte[] from = new byte[n];
      Random random = new Random(4);
      byte[] back = new byte[n];
      for (int i = 0; i < 1000; i++) {
        int most = random.nextInt(50) == 0 ? 100_000 : random.nextInt(5) == 0 ? 20_000 : 40;
        int length = 1 + random.nextInt(most);
        int at = random.nextInt(n - length);
        if (i % 3 == 0) { // the wide path
          at = at / 16 * 16;
          length = Math.min((length + 15) / 16 * 16, n - at);
        }
        random.nextBytes(from);
        backend.write(x, at, from, 0, length);
        System.arraycopy(from, 0, expected, at, length);
        if (i % 100 == 99) {
          backend.read(x, 0, back, 0, n);
          assertThat(back).isEqualTo(expected);
        }
      }
      backend.release(x);
    }
  }

  /** What the host writes before each run, with and without waiting in between. */
  @Test
  void aRecordingTakesTheHostsWritesAlong() {
    try (Device device = new Device(open(Precision.FP32))) {
      Tensor x = device.state("x", new float[3], Shape.of(3));
      Tensor sum = device.state("sum", new float[3], Shape.of(3));
      CapturedStep<Tensor> step =
          device.capture(
              "step",
              () -> {
                sum.accumulate(x);
                return x.scale(2);
              });
      CapturedStep<Tensor> other = device.capture("other", () -> x.scale(3));
      float expected = 0;
      for (int i = 1; i <= 300; i++) {
        x.set(new float[] {i, i, i});
        if (i % 7 != 0) {
          x.set(2, new float[] {-i}); // over a part of what waits
        }
        Tensor y = step.run();
        expected += i;
        if (i % 5 == 0) { // nothing waits: x stays
          y = step.run();
          expected += i;
        }
        if (i % 10 == 3) {
          assertThat(other.run().toFloats()[0]).isEqualTo(3f * i);
          assertThat(y.toFloats()).containsExactly(2 * i, 2 * i, i % 7 != 0 ? -2 * i : 2 * i);
        }
      }
      assertThat(sum.toFloats()[0]).isEqualTo(expected);
    }
  }

  @Test
  void sharedMemoryIsReadWhereItLies() {
    Kernel kernel =
        new Kernel(
            "doubled",
            """
            extern "C" __global__ void doubled(const int* x, int* y, int n) {
              int i = blockIdx.x * blockDim.x + threadIdx.x;
              if (i < n) y[i] = 2 * x[i];
            }
            """,
            null);
    try (Device device = new Device(open(Precision.FP32))) {
      Tensor x = device.state("x", new int[5], Shape.of(5));
      try (Scope scope = device.scope("scope")) {
        Tensor y = device.shared("y", DType.INT32, Shape.of(5));
        CapturedStep<Tensor> step =
            device.capture(
                "step",
                () -> {
                  device.launch(kernel, 5, x, y);
                  return y;
                });
        for (int i = 0; i < 20; i++) {
          x.set(new int[] {i, 1, 2, 3, -i});
          assertThat(step.run().toInts()).containsExactly(2 * i, 2, 4, 6, -2 * i);
        }
        y.take();
        for (int i = 0; i < 200; i++) {
          x.set(new int[] {i, 1, 2, 3, -i});
          assertThat(step.run().take()).containsExactly(2 * i, 2, 4, 6, -2 * i);
        }
        assertThatThrownBy(y::take)
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("take: nothing was written to element 0 of 5");
        y.set(1, new int[] {7}); // the host may write it, too
        assertThat(y.toInts()).contains(7);
        step.close();
      }
    }
  }

  @Test
  void theHostCannotReadInsideARecording() {
    try (CudaBackend backend = open(Precision.FP32)) {
      Buffer x = backend.allocate(DType.FLOAT32, 4);
      assertThatThrownBy(() -> backend.record(() -> backend.read(x, 0, new float[4], 0, 4)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("read of 4 elements: the host cannot read or write inside");
      backend.fill(x, 2); // and the stream is whole again
      float[] back = new float[4];
      backend.read(x, 0, back, 0, 4);
      assertThat(back).containsOnly(2);
      backend.release(x);
    }
  }

  /** Other work between replays, of the same sizes, must not touch the step's memory. */
  @Test
  void aRecordedStepOwnsItsMemory() {
    try (Device device = new Device(open(Precision.FP32))) {
      Tensor x = device.state("x", new float[] {1, 2, 3, 4}, Shape.of(2, 2));
      CapturedStep<Tensor> step =
          device.capture(
              "step",
              () -> {
                Tensor sum;
                try (Scope inner = device.scope("inner")) {
                  sum = inner.keep(x.scale(2).relu().sum());
                }
                Tensor other = x.square().sum();
                return sum.add(other);
              });
      for (int i = 1; i <= 6; i++) {
        x.set(new float[] {i, 0, 0, 0});
        Tensor result = step.run();
        try (Scope noise = device.scope("noise")) {
          for (int j = 0; j < 20; j++) {
            device.full(Shape.of(2, 2), 1000).relu();
            device.full(Shape.scalar(), 1000).relu();
          }
          assertThat(result.item()).isEqualTo(2 * i + i * i);
        }
      }
      step.close();
    }
  }

  /** Branches that free memory inside, and join. */
  @Test
  void forkedBranchesComputeWhatTheyWouldInOrder() {
    try (Device device = new Device(open(Precision.FP32))) {
      Random random = new Random(5);
      float[] values = new float[300 * 300];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat() - 0.5f;
      }
      Tensor x = device.state("x", values, Shape.of(300, 300));
      CapturedStep<Tensor> step =
          device.capture(
              "fork",
              () -> {
                Device.Both<Tensor, Tensor> both =
                    device.fork(() -> chain(device, x, 1), () -> chain(device, x, 2));
                return both.first().add(both.second());
              });
      float first = step.run().item(); // one after the other
      for (int i = 0; i < 50; i++) {
        assertThat(step.run().item()).isEqualTo(first); // side by side
      }
      step.close();
    }
  }

  /** Each piece beside the main work waits for what it needs, and joining for all of them. */
  @Test
  void whatRunsBesideIsWhatItWouldBeInOrder() {
    try (Device device = new Device(open(Precision.FP32))) {
      Random random = new Random(6);
      float[] values = new float[300 * 300];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat() - 0.5f;
      }
      Tensor x = device.state("x", values, Shape.of(300, 300));
      CapturedStep<Tensor> step =
          device.capture(
              "beside",
              () -> {
                List<Tensor> sums = new ArrayList<>();
                List<Tensor> behind = new ArrayList<>();
                device.joining(
                    () -> {
                      Tensor y = x;
                      for (int i = 0; i < 6; i++) {
                        y = y.matmul(x).tanh();
                        Tensor now = y;
                        device.beside(() -> sums.add(chain(device, now, 1)));
                        Tensor early = sums.get(i);
                        device.trailing(() -> behind.add(early.add(now.sum())));
                      }
                      sums.add(y.sum());
                    });
                Tensor all = sums.get(0);
                sums.addAll(behind);
                for (Tensor sum : sums.subList(1, sums.size())) {
                  all = all.scale(0.5f).add(sum);
                }
                return all;
              });
      float first = step.run().item(); // in order
      for (int i = 0; i < 50; i++) {
        assertThat(step.run().item()).isEqualTo(first);
      }
      step.close();
    }
  }

  /** What was chosen for a call with bias and relu serves one without. */
  @Test
  void aConvolutionMayLeaveOutItsBias() {
    Random random = new Random(4);
    for (int batch : new int[] {1, 32, 512}) {
      ConvGeometry g = new ConvGeometry(batch, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0);
      try (CudaBackend backend = open(Precision.TF32, false)) {
        Buffer x = uploaded(backend, random, batch * 15 * 20 * 32);
        Buffer w = uploaded(backend, random, 64 * 4 * 4 * 32);
        Buffer none = backend.allocate(DType.FLOAT32, 64);
        backend.fill(none, 0);
        int n = batch * g.oh() * g.ow() * g.k();
        Buffer rectified = backend.allocate(DType.FLOAT32, n);
        Buffer plain = backend.allocate(DType.FLOAT32, n);
        backend.conv2dRelu(g, x, w, none, rectified);
        backend.conv2d(g, x, w, null, plain);
        float[] a = new float[n];
        float[] b = new float[n];
        backend.read(rectified, 0, a, 0, n);
        backend.read(plain, 0, b, 0, n);
        for (int i = 0; i < n; i++) {
          assertThat(a[i]).isCloseTo(Math.max(0, b[i]), within(1e-2f));
        }
      }
    }
  }

  private static Buffer uploaded(CudaBackend backend, Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    Buffer b = backend.allocate(DType.FLOAT32, n);
    backend.write(b, 0, values, 0, n);
    return b;
  }

  /** Whatever is chosen for the shape, relu keeps NaN, as on every backend. */
  @Test
  void nanPassesAConvolutionWithRelu() {
    int n = 512;
    for (Precision precision : new Precision[] {Precision.FP32, Precision.TF32}) {
      try (Device device = new Device(open(precision))) {
        float[] pixels = new float[n * 16 * 21 * 96];
        Random random = new Random(3);
        for (int i = 0; i < pixels.length; i++) {
          pixels[i] = random.nextFloat();
        }
        int image = 16 * 21 * 96;
        pixels[5 * image + (3 * 21 + 4) * 96 + 7] = Float.NaN;
        float[] filter = new float[32 * 2 * 2 * 96];
        for (int i = 0; i < filter.length; i++) {
          filter[i] = random.nextFloat() - 0.5f;
        }
        Tensor y =
            device
                .tensor(pixels, Shape.of(n, 16, 21, 96))
                .conv2dRelu(
                    device.tensor(filter, Shape.of(32, 2, 2, 96)),
                    device.tensor(new float[32], Shape.of(32)),
                    1,
                    0);
        float[] out = y.toFloats();
        int nan = 0;
        for (int i = 0; i < out.length; i++) {
          if (Float.isNaN(out[i])) {
            nan++;
            int place = i / 32 % 300;
            assertThat(i / 32 / 300).isEqualTo(5);
            assertThat(place / 20).isBetween(2, 3);
            assertThat(place % 20).isBetween(3, 4);
          }
        }
        assertThat(nan).isEqualTo(4 * 32); // all places whose filter covers the pixel
      }
    }
  }

  private static Tensor chain(Device device, Tensor x, int by) {
    Tensor y = x;
    for (int i = 0; i < 8; i++) {
      try (Scope inner = device.scope("inner")) {
        y = inner.keep(y.matmul(x).scale(by).tanh());
      }
    }
    return y.sum();
  }

  @Test
  void mathModes() {
    int n = 256;
    float[] a = new float[n * n];
    float[] b = new float[n * n];
    Random random = new Random(2);
    for (int i = 0; i < a.length; i++) {
      a[i] = random.nextFloat() - 0.5f;
      b[i] = random.nextFloat() - 0.5f;
    }
    double[] reference = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < n; k++) {
        for (int j = 0; j < n; j++) {
          reference[i * n + j] += (double) a[i * n + k] * b[k * n + j];
        }
      }
    }
    assertThat(distance(Precision.FP32, n, a, b, reference)).isBetween(1e-9, 1e-6);
    assertThat(distance(Precision.TF32, n, a, b, reference)).isBetween(1e-5, 1e-3);
    // leave to use bfloat16, which cuBLAS does not take for every size
    assertThat(distance(Precision.BF16, n, a, b, reference)).isBetween(1e-5, 1e-2);
  }

  private static double distance(
      Precision precision, int n, float[] a, float[] b, double[] reference) {
    try (Device device = new Device(open(precision))) {
      Shape square = Shape.of(n, n);
      float[] c = device.tensor(a, square).matmul(device.tensor(b, square)).toFloats();
      double far = 0;
      double length = 0;
      for (int i = 0; i < c.length; i++) {
        far += (c[i] - reference[i]) * (c[i] - reference[i]);
        length += reference[i] * reference[i];
      }
      return Math.sqrt(far / length);
    }
  }

  /** CUDA keeps no step that waits for the GPU. */
  @Test
  void aStepThatCudaDoesNotRecordRunsKernelByKernel() {
    try (Device device = new Device(open(Precision.FP32))) {
      Tensor counter = device.state("counter", new int[1], Shape.scalar());
      CapturedStep<Void> waits =
          device.capture(
              "waits",
              () -> {
                device.fork(() -> counter.increment(1), () -> device.zeros(Shape.of(100)));
                device.synchronize();
                counter.increment(1);
                return null;
              });
      for (int i = 1; i <= 4; i++) {
        waits.run();
        assertThat(counter.toInts()).containsExactly(2 * i);
      }
      assertThat(waits.refusal()).get().asString().startsWith("CUDA: synchronize answered ");
      CapturedStep<Tensor> other =
          device.capture("other", () -> device.full(Shape.of(3), 2).scale(4));
      for (int i = 0; i < 3; i++) {
        assertThat(other.run().toFloats()).containsExactly(8, 8, 8);
      }
      assertThat(other.refusal()).isEmpty();
    }
  }

  /** A body's own error is no refusal. */
  @Test
  void anErrorWhileRecordingReachesTheCaller() {
    try (Device device = new Device(open(Precision.FP32))) {
      int[] runs = new int[1];
      Tensor counter = device.state("counter", new int[1], Shape.scalar());
      CapturedStep<Void> step =
          device.capture(
              "step",
              () -> {
                device.fork(
                    () -> counter.increment(1),
                    () -> {
                      if (++runs[0] == 2) {
                        throw new UnsupportedOperationException("once");
                      }
                    });
                return null;
              });
      step.run();
      assertThatThrownBy(step::run).hasMessage("once");
      step.run();
      step.run();
      assertThat(counter.toInts()).containsExactly(3);
      assertThat(step.refusal()).isEmpty();
    }
  }

  @Test
  void aStepThatClosedTakesOtherShapes() {
    int[] batch = {32};
    try (Device device = new Device(open(Precision.TF32, false))) {
      Tensor x = device.full(Shape.of(64, 9, 9, 8), 0.5f);
      Tensor w = device.full(Shape.of(16, 3, 3, 8), 0.25f);
      Tensor b = device.full(Shape.of(16), 1);
      CapturedStep<Tensor> step =
          device.capture(
              "step",
              () -> x.reshape(Shape.of(batch[0], 64 / batch[0] * 9, 9, 8)).conv2d(w, b, 1, 0));
      for (int size : new int[] {32, 64, 16}) {
        batch[0] = size;
        for (int i = 0; i < 3; i++) {
          float[] y = step.run().toFloats();
          assertThat(y).hasSize(size * (64 / size * 9 - 2) * 7 * 16).containsOnly(10);
        }
        step.close();
      }
    }
  }

  /** What a convolution needs beside its operands is claimed from the same limit. */
  @Test
  void workspacesKeepWithinTheLimit() {
    ConvGeometry g = new ConvGeometry(8, 64, 64, 16, 16, 3, 3, 1, 1, 0, 0);
    for (boolean reproducible : new boolean[] {true, false}) {
      CudaBackend backend = open(Precision.FP32, reproducible);
      long limit = backend.ownBytes() + (6L << 20);
      try (Device device = new Device(backend, OptionalLong.of(limit))) {
        Tensor x = device.full(Shape.of(8, 64, 64, 16), 0.5f);
        Tensor w = device.full(Shape.of(16, 3, 3, 16), 0.25f);
        Tensor b = device.full(Shape.of(16), 1);
        try (Scope scope = device.scope("before")) {
          device.zeros(Shape.of(100_000)); // waits in the pool, which is given back first
        }
        if (reproducible) { // columns of pixels, whatever they take
          long columns = 4L * g.n() * g.oh() * g.ow() * 9 * 16;
          assertThat(columns).isEqualTo(17_713_152);
          assertThatThrownBy(() -> x.conv2d(w, b, 1, 0))
              .isInstanceOf(DeviceMemoryException.class)
              .hasMessageStartingWith("out of memory: a workspace needs 17.7 MB and the device (")
              .hasMessageContaining("workspaces ")
              .hasMessageEndingWith("raise --device-memory");
          assertThat(device.pooledBytes()).isZero();
        } else {
          assertThat(x.conv2d(w, b, 1, 0).toFloats()).containsOnly(19);
        }
        assertThat(device.heldBytes()).isLessThanOrEqualTo(limit);
        assertThat(x.sum().item()).isEqualTo(8 * 64 * 64 * 16 / 2); // the device goes on
      }
    }
  }

  @Test
  void aLimitBelowWhatTheLibrariesTakeIsRefused() {
    try (CudaBackend backend = open(Precision.FP32)) {
      assertThatThrownBy(() -> new Device(backend, OptionalLong.of(1_000_000)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("a memory limit of 1.0 MB: NVIDIA ")
          .hasMessageEndingWith("before the first tensor; allow more (--device-memory)");
    }
  }

  @Test
  void anErrorOfALaunchTellsSizesAndTheMemoryInUse() {
    try (CudaBackend backend = open(Precision.FP32)) {
      Buffer x = backend.allocate(DType.FLOAT32, 12);
      Lane lane = backend.lane();
      Launcher launcher = new Launcher();
      assertThatThrownBy(
              () ->
                  launcher.run(
                      lane.stream,
                      "too wide",
                      new Modules(CacheFolder.ofUser(), 9, 0, true).function("increment"),
                      1,
                      1,
                      4096,
                      1,
                      x,
                      5))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("CUDA: too wide(FLOAT32[12], 5) <<<1 × 1, 4096 × 1>>> answered ")
          .hasMessageMatching("(?s).*; [\\d,]+ of the GPU's [\\d,]+ bytes are in use");
    }
  }

  @Test
  void openedAndClosedTheGpuHoldsNoMore() {
    long before = 0;
    for (int i = 0; i < 12; i++) {
      try (Device device = new Device(open(Precision.TF32))) {
        Tensor x = device.full(Shape.of(1000, 1000), 1);
        CapturedStep<Tensor> step = device.capture("step", () -> x.matmul(x).sum());
        step.run();
        step.run();
        assertThat(step.run().item()).isEqualTo(1e9f);
        if (i == 3) {
          before = free();
        }
      }
      open(Precision.FP32).close();
    }
    try (Device device = new Device(open(Precision.TF32))) {
      Tensor x = device.full(Shape.of(1000, 1000), 1);
      CapturedStep<Tensor> step = device.capture("step", () -> x.matmul(x).sum());
      step.run();
      step.run();
      assertThat(before - free()).isLessThan(16L << 20); // eight openings of 90 MB each
    }
  }

  private static long free() {
    long[] free = new long[1];
    JCudaDriver.cuMemGetInfo(free, new long[1]);
    return free[0];
  }
}
