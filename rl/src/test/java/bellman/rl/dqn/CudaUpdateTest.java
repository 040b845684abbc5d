package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.backend.Backend;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.replay.Replay;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The update of the tutorial's network as one graph. */
@Tag("gpu")
class CudaUpdateTest {
  static final Spec GRID_WORLD = new Spec("GridWorld", Frame.picture(64, 84, 3), 2, 4);

  static Device cuda() {
    return cuda(Precision.FP32);
  }

  static Device cuda(Precision precision) {
    return cuda(precision, true);
  }

  private static Device cuda(Precision precision, boolean reproducible) {
    try {
      return Devices.open("cuda", new DeviceOptions(1, precision, reproducible));
    } catch (IllegalStateException e) {
      return Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
    }
  }

  /** The same device, on which steps never become recordings. */
  static Device eager(Device device) {
    Backend backend = device.backend();
    return new Device(
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("record")) {
                    ((Runnable) arguments[0]).run();
                    return Optional.empty();
                  }
                  try {
                    return method.invoke(backend, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                }));
  }

  /** n transitions between random pictures. */
  static Replay replay(Device device, int n) {
    Replay replay =
        new Replay(device, GRID_WORLD, n, QNetwork.fold(GRID_WORLD, NetworkSettings.DEFAULT));
    Random random = new Random(3);
    byte[] pixels = new byte[GRID_WORLD.frame().size()];
    int before = -1;
    for (int i = 0; i <= n; i++) {
      random.nextBytes(pixels);
      boolean[] forbidden = {false, i % 5 == 0, false, i % 7 == 0};
      int now = replay.hold(Observation.picture(pixels, i % 2), forbidden);
      if (before >= 0) {
        replay.add(
            before, random.nextInt(4), random.nextFloat() - 0.5f, i % 9 == 0 ? 0 : 0.9f, now);
        replay.frames().release(before);
      }
      before = now;
    }
    return replay;
  }

  private record Outcome(float[] weights, float loss, int[] actions) {}

  private static Outcome learn(Device device, int updates) {
    try (device) {
      return learnOn(device, updates);
    }
  }

  private static Outcome learnOn(Device device, int updates) {
    Replay replay = replay(device, 200);
    try (DqnLearner learner =
            new DqnLearner(device, GRID_WORLD, replay, DqnSettings.tutorial(1000, 4));
        GreedyPolicy policy =
            new GreedyPolicy(device, learner.online(), replay.frames(), GRID_WORLD)) {
      int[] actions = new int[updates];
      byte[] pixels = new byte[GRID_WORLD.frame().size()];
      for (int i = 0; i < updates; i++) {
        learner.update();
        new Random(i).nextBytes(pixels);
        int held = replay.hold(Observation.picture(pixels, i % 2), null);
        actions[i] = policy.act(new int[] {held}, new boolean[1][])[0];
        replay.frames().release(held);
        if (i % 10 == 9) {
          learner.syncTarget();
        }
      }
      return new Outcome(
          learner.onlineWeights().parameters().values().toFloats(),
          (float) learner.drainStatistics().loss(),
          actions);
    }
  }

  /** Both on one backend, so that a shape runs by the same kernels. */
  @ParameterizedTest
  @CsvSource({"FP32, true", "FP32, false", "TF32, true", "TF32, false"})
  void aRecordedUpdateIsTheUpdateToTheLastBit(Precision precision, boolean reproducible) {
    try (Device device = cuda(precision, reproducible)) {
      Outcome recorded = learnOn(device, 40);
      Outcome direct = learnOn(eager(device), 40);
      assertThat(recorded.weights).isEqualTo(direct.weights);
      assertThat(recorded.loss).isEqualTo(direct.loss).isFinite().isPositive();
      assertThat(recorded.actions).isEqualTo(direct.actions);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "TF32"})
  void twoReproducibleRunsAreEqualToTheLastBit(Precision precision) {
    Outcome first = learn(cuda(precision), 40);
    Outcome second = learn(cuda(precision), 40);
    assertThat(first.weights).isEqualTo(second.weights);
    assertThat(first.actions).isEqualTo(second.actions);
  }

  /** Same draws, same data: the GPU's weights stay beside the CPU's. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void fewUpdatesAreThoseOfTheCpu(boolean reproducible) {
    Outcome gpu = learn(cuda(Precision.FP32, reproducible), 6);
    Outcome cpu = learn(Devices.open("java", DeviceOptions.defaults()), 6);
    double far = 0;
    double length = 0;
    for (int i = 0; i < gpu.weights.length; i++) {
      double d = gpu.weights[i] - cpu.weights[i];
      far += d * d;
      length += cpu.weights[i] * cpu.weights[i];
    }
    assertThat(Math.sqrt(far / length)).isLessThan(1e-3);
    assertThat(gpu.loss / cpu.loss).isBetween(0.999f, 1.001f);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tf32LearnsToo(boolean reproducible) {
    Outcome tf32 = learn(cuda(Precision.TF32, reproducible), 40);
    Outcome fp32 = learn(cuda(), 40);
    assertThat(tf32.loss / fp32.loss).isBetween(0.95f, 1.05f);
  }

  /** By the device's own account and by the system's. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void twentyThousandUpdatesHoldTheSameMemory(boolean reproducible) {
    try (Device device = cuda(Precision.FP32, reproducible)) {
      Replay replay = replay(device, 200);
      DqnLearner learner =
          new DqnLearner(device, GRID_WORLD, replay, DqnSettings.tutorial(1000, 4));
      long held = 0;
      long free = 0;
      for (int i = 0; i < 20_000; i++) {
        if (i == 100) {
          held = device.heldBytes();
          free = device.backend().freeBytes().orElseThrow();
        }
        learner.update();
        if (i % 500 == 0) {
          learner.syncTarget();
        }
      }
      assertThat(device.heldBytes()).isEqualTo(held);
      // others may use the GPU, and the driver takes some for itself; 1 KB an update would be 20 MB
      assertThat(free - device.backend().freeBytes().orElseThrow()).isLessThan(8L << 20);
      assertThat(learner.drainStatistics().loss()).isFinite();
      learner.close();
    }
  }
}
