package bellman.rl.dqn;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.Pointwise;
import bellman.engine.cuda.CudaBackend;
import bellman.rl.env.Observation;
import bellman.rl.replay.Replay;
import java.util.Arrays;
import java.util.Locale;
import jcuda.driver.JCudaDriver;

/**
 * How long an update, an action and a copy take on the GPU: the median with a wait behind each, and
 * the mean of many without. The same two figures as {@code torch_update.py} prints for PyTorch.
 */
final class CudaTimes {
  private CudaTimes() {}

  public static void main(String[] arguments) {
    if (arguments.length > 0) { // one update, kernel by kernel, for a profiler
      Precision precision = Precision.valueOf(arguments[0]);
      int batch = Integer.parseInt(arguments[1]);
      Device device = Devices.open("cuda", new DeviceOptions(1, precision, false));
      try (Device eager = CudaUpdateTest.eager(device)) {
        DqnLearner learner = learner(eager, batch);
        learner.update();
        learner.update();
        eager.synchronize();
        JCudaDriver.cuProfilerStart();
        learner.update();
        eager.synchronize();
        JCudaDriver.cuProfilerStop();
      }
      return;
    }
    for (Precision precision : new Precision[] {Precision.FP32, Precision.TF32}) {
      for (boolean reproducible : new boolean[] {false, true}) {
        DeviceOptions options = new DeviceOptions(1, precision, reproducible);
        for (int batch : new int[] {32, 1024}) {
          if (batch == 1024 && reproducible) {
            continue;
          }
          update("graph ", Devices.open("cuda", options), batch, precision, reproducible, 300);
          if (batch == 32) {
            update(
                "direct",
                CudaUpdateTest.eager(Devices.open("cuda", options)),
                batch,
                precision,
                reproducible,
                100);
          }
        }
      }
      act(Devices.open("cuda", new DeviceOptions(1, precision, false)), precision);
    }
    pointwise();
  }

  private static DqnLearner learner(Device device, int batch) {
    Replay replay = CudaUpdateTest.replay(device, 2000);
    DqnSettings settings =
        DqnSettings.tutorial(50_000, 1)
            .withSizes(batch, replay.capacity(), 5_000)
            .withLearningRateWarmup(0);
    return new DqnLearner(device, CudaUpdateTest.GRID_WORLD, replay, settings);
  }

  private static void update(
      String how, Device device, int batch, Precision precision, boolean reproducible, int runs) {
    try (device) {
      DqnLearner learner = learner(device, batch);
      for (int i = 0; i < 30; i++) {
        learner.update();
      }
      report(
          "update "
              + how
              + " batch "
              + batch
              + " "
              + precision
              + (reproducible ? " reproducible" : ""),
          device,
          runs,
          learner::update);
      if (device.backend() instanceof CudaBackend cuda && !reproducible) {
        System.out.print(cuda.convolutionPlans());
      }
    }
  }

  /** A picture's bytes in, an action out. */
  private static void act(Device device, Precision precision) {
    try (device) {
      Replay replay = CudaUpdateTest.replay(device, 100);
      DqnLearner learner =
          new DqnLearner(
              device, CudaUpdateTest.GRID_WORLD, replay, DqnSettings.tutorial(50_000, 1));
      GreedyPolicy policy =
          new GreedyPolicy(device, learner.online(), replay.frames(), CudaUpdateTest.GRID_WORLD);
      byte[] pixels = new byte[CudaUpdateTest.GRID_WORLD.frame().size()];
      Runnable act =
          () -> {
            int held = replay.hold(Observation.picture(pixels, 1), null);
            policy.act(new int[] {held}, new boolean[1][]);
            replay.frames().release(held);
          };
      for (int i = 0; i < 30; i++) {
        act.run();
      }
      report("act batch 1 " + precision, device, 1000, act);
    }
  }

  private static void report(String what, Device device, int runs, Runnable run) {
    device.synchronize();
    double[] us = new double[runs];
    for (int i = 0; i < runs; i++) {
      long from = System.nanoTime();
      run.run();
      device.synchronize();
      us[i] = (System.nanoTime() - from) / 1e3;
    }
    Arrays.sort(us);
    long from = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      run.run();
    }
    device.synchronize();
    double mean = (System.nanoTime() - from) / 1e3 / runs;
    System.out.printf(
        Locale.ROOT, "%-44s %9.1f µs synchronised %9.1f µs pipelined%n", what, us[runs / 2], mean);
  }

  private static void pointwise() {
    try (Device device = Devices.open("cuda", new DeviceOptions(1, Precision.FP32, false))) {
      System.out.println(device.name());
      Backend backend = device.backend();
      long n = 1L << 26;
      Buffer x = backend.allocate(DType.FLOAT32, n);
      Buffer y = backend.allocate(DType.FLOAT32, n);
      Buffer z = backend.allocate(DType.FLOAT32, n);
      backend.fill(x, 0.7);
      backend.fill(y, -0.3);
      Tensor key = device.state("step", new int[1], Shape.scalar());
      backend.randomUniform(bellman.engine.backend.Philox.Key.of(1, "x"), key.buffer(), 0, x);
      backend.randomUniform(bellman.engine.backend.Philox.Key.of(1, "y"), key.buffer(), 1, y);
      bandwidth("copy", backend, 2, n, () -> backend.copy(x, z));
      bandwidth("relu", backend, 2, n, () -> backend.map(Pointwise.RELU, 0, 0, z, x));
      bandwidth("add", backend, 3, n, () -> backend.map(Pointwise.ADD, 0, 0, z, x, y));
      bandwidth("sum", backend, 1, n, () -> backend.sum(x, z));
    }
  }

  private static void bandwidth(String what, Backend backend, int moved, long n, Runnable run) {
    for (int i = 0; i < 5; i++) {
      run.run();
    }
    backend.synchronize();
    int runs = 50;
    long from = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      run.run();
    }
    backend.synchronize();
    double s = (System.nanoTime() - from) / 1e9 / runs;
    System.out.printf(
        Locale.ROOT, "%-10s 2^26 floats %8.0f GB/s%n", what, moved * 4.0 * n / s / 1e9);
  }
}
