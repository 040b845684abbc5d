package bellman.benchmarks;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.rl.dqn.DqnSettings;
import bellman.rl.dqn.NetworkSettings;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.replay.Replay;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * The task that the benchmarks share: the tutorial's GridWorld (pictures of 64 × 84 × 3 bytes, 2
 * goals, so a network input of 64 × 84 × 6, and 4 actions) with random pictures from a fixed seed.
 * The time of a kernel does not depend on what the pictures show.
 */
final class Workload {
  static final Spec SPEC = new Spec("GridWorld", Frame.picture(64, 84, 3), 2, 4);
  static final int FOLD = QNetwork.fold(SPEC, NetworkSettings.DEFAULT);
  static final String ORACLE = "reference";
  static final long SEED = 20;

  // Multiply-adds of one picture: outputs × channels out × inputs of each.
  private static final double CONV1 = 15 * 20 * 32.0 * (8 * 8 * 6);
  private static final double CONV2 = 6 * 9 * 64.0 * (4 * 4 * 32);
  private static final double CONV3 = 4 * 7 * 64.0 * (3 * 3 * 64);
  private static final double FC1 = 4 * 7 * 64 * 512.0;
  private static final double Q = 512 * 4;

  /** Multiplications and additions for Q(s, ·) of one picture. */
  static final double FORWARD_FLOPS = 2 * (CONV1 + CONV2 + CONV3 + FC1 + Q);

  /** Q(s, ·; θ) and Q(s′, ·; θ⁻), ∂L/∂w of every layer, and ∂L/∂x of every layer but the first. */
  static final double UPDATE_FLOPS = 4 * FORWARD_FLOPS - 2 * CONV1;

  private static final int EPISODE = 16; // steps, about as long as an untrained agent's

  private Workload() {}

  /**
   * Opens a device and makes sure that it is the one that was asked for.
   *
   * @param precision fp32, tf32 or bf16
   * @throws IllegalStateException if its name, its number of threads or its precision says
   *     otherwise
   */
  static Device open(String name, int threads, String precision) {
    Device device = Devices.open(name, options(threads, precision));
    try {
      checkOpened(name, threads, precision, device.name(), System.getenv("OMP_NUM_THREADS"));
      return device;
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  static DeviceOptions options(int threads, String precision) {
    for (Precision p : Precision.values()) {
      if (p.name().toLowerCase(Locale.ROOT).equals(precision)) {
        return new DeviceOptions(threads, p, false);
      }
    }
    throw new IllegalArgumentException(
        "precision: '" + precision + "' is unknown; there are fp32, tf32 and bf16");
  }

  /**
   * @param opened what the device calls itself
   * @param ompThreads OMP_NUM_THREADS, which decides where OpenMP cannot be set from Java
   */
  static void checkOpened(
      String name, int threads, String precision, String opened, String ompThreads) {
    if (name.startsWith("cuda") && opened.contains("compute capability")) {
      // Its name is the GPU's, and threads of the CPU are nothing to it.
      if (!opened.endsWith(precision.toUpperCase(Locale.ROOT))) {
        throw new IllegalStateException(
            "benchmark: precision=" + precision + " was asked for, '" + opened + "' was opened");
      }
      return;
    }
    if (!precision.equals("fp32")) {
      throw new IllegalStateException(
          "benchmark: a CPU computes in fp32, precision=" + precision + " was asked for");
    }
    String library = name.equals("onednn") ? "oneDNN " : name.equals("java") ? "Java " : name;
    String count =
        opened.endsWith("as OMP_NUM_THREADS says")
            ? "threads: " + ompThreads
            : opened.substring(opened.lastIndexOf(", ") + 2);
    boolean counted = name.equals(ORACLE) || count.equals("threads: " + threads);
    if (!opened.startsWith(library) || !counted) {
      throw new IllegalStateException(
          "benchmark: device=%s threads=%d was asked for, '%s' (%s) was opened"
              .formatted(name, threads, opened, count));
    }
  }

  /** The tutorial's settings, but for the sizes. */
  static DqnSettings settings(int batch, int transitions) {
    return DqnSettings.tutorial(50_000, SEED)
        .withSizes(batch, transitions, 0)
        .withLearningRateWarmup(0);
  }

  /** A replay full of transitions in episodes, each frame stored once; equal on every device. */
  static Replay filled(Device device, int transitions) {
    Replay replay = new Replay(device, SPEC, transitions, FOLD);
    SplittableRandom random = new SplittableRandom(SEED);
    int s = replay.hold(observation(random), null);
    for (int i = 0; i < transitions; i++) {
      int sNext = replay.hold(observation(random), null);
      boolean last = i % EPISODE == EPISODE - 1;
      float r = last ? (random.nextBoolean() ? 1f : -1f) : -0.01f;
      replay.add(s, random.nextInt(SPEC.actions()), r, last ? 0f : 0.9f, sNext);
      replay.frames().release(s);
      if (last) {
        replay.frames().release(sNext);
        sNext = replay.hold(observation(random), null);
      }
      s = sNext;
    }
    replay.frames().release(s);
    return replay;
  }

  /** A random picture with a random goal. */
  static Observation observation(SplittableRandom random) {
    byte[] pixels = new byte[SPEC.frame().size()];
    random.nextBytes(pixels);
    return Observation.picture(pixels, random.nextInt(SPEC.goals()));
  }

  /** Throws unless a figure is the oracle's, to a relative error. */
  static void checkEqual(String what, double expected, double actual, double relative) {
    if (!(Math.abs(actual - expected) <= relative * Math.abs(expected))) {
      throw new IllegalStateException(
          "benchmark: %s is %.9g, expected %.9g within %.0e of it"
              .formatted(what, actual, expected, relative));
    }
  }
}
