package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.nn.Weights;
import bellman.rl.Agent;
import bellman.rl.env.Observation;
import bellman.rl.replay.Replay;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * oneDNN's packed weights, shared scratch memory and reused buffers in the order of a real run:
 * acting on one picture between updates on 32, copies of the target network, new transitions. Two
 * others make each update from the same θ, θ⁻, m, v, t and draws: a oneDNN device opened just now,
 * on which nothing can be stale, must give the same bits, and plain Java nearly the same numbers.
 * They alone are set back, so that whatever is stale in the run stays so.
 */
class OneDnnUpdateTest {
  private static final int UPDATES = 12;
  private static final int SYNC = 4;
  private static final int MOVES = 50;

  /** Rounding turns a unit on or off now and then, and with it a share of the gradient. */
  private static final double NEARLY = 0.02;

  /** A learner on a device of its own, and the world it has seen. */
  private static final class Side implements AutoCloseable {
    final Device device;
    final Replay replay;
    final DqnLearner learner;
    final GreedyPolicy policy;
    private final SplittableRandom random = new SplittableRandom(3);
    private int before = -1;
    private int steps;

    Side(String name, int moves) {
      device = Devices.open(name, DeviceOptions.defaults().withThreads(1));
      replay =
          new Replay(
              device,
              CudaUpdateTest.GRID_WORLD,
              2 * MOVES,
              QNetwork.fold(CudaUpdateTest.GRID_WORLD, NetworkSettings.DEFAULT));
      for (int i = 0; i < moves; i++) {
        move();
      }
      learner =
          new DqnLearner(
              device,
              CudaUpdateTest.GRID_WORLD,
              replay,
              DqnSettings.tutorial(50_000, 4).withLearningRateWarmup(0));
      policy =
          new GreedyPolicy(device, learner.online(), replay.frames(), CudaUpdateTest.GRID_WORLD);
    }

    /** One step of a world: the pictures of both goals, ends now and then. */
    void move() {
      int now = replay.hold(picture(), mask());
      if (before >= 0) {
        boolean last = ++steps % 7 == 0;
        float r = last ? random.nextInt(3) - 1 : -0.01f;
        replay.add(before, random.nextInt(4), r, last ? 0f : 0.9f, now);
        replay.frames().release(before);
        if (last) {
          replay.frames().release(now);
          now = replay.hold(picture(), mask());
        }
      }
      before = now;
    }

    /** Three squares on an even ground, as in GridWorld: most pixels are the same everywhere. */
    private Observation picture() {
      byte[] pixels = new byte[64 * 84 * 3];
      Arrays.fill(pixels, (byte) 74);
      for (int square = 0; square < 3; square++) {
        int top = 12 * random.nextInt(5);
        int left = 10 + 12 * random.nextInt(5);
        for (int y = top; y < top + 12; y++) {
          for (int x = left; x < left + 12; x++) {
            pixels[(y * 84 + x) * 3 + square] = (byte) 238;
          }
        }
      }
      return Observation.picture(pixels, random.nextInt(2));
    }

    private boolean[] mask() {
      return new boolean[] {random.nextInt(5) == 0, false, random.nextInt(5) == 0, false};
    }

    /** Q of where it stands. */
    float[] act() {
      return policy.choose(new int[] {before}, new boolean[1][]).q()[0];
    }

    float[] weights() {
      return values(learner.onlineWeights());
    }

    /** By parameter. */
    Map<String, float[]> gradients() {
      Map<String, float[]> gradients = new LinkedHashMap<>();
      Weights weights = learner.onlineWeights();
      weights
          .save(weights.parameters().gradients())
          .forEach((name, values) -> gradients.put(name, values.floats()));
      return gradients;
    }

    /** Loss, mean Q, mean target, largest gradient. */
    float[] statistics() {
      Agent.Statistics s = learner.drainStatistics();
      return new float[] {
        (float) s.loss(), (float) s.meanQ(), (float) s.meanTarget(), (float) s.largestGradient()
      };
    }

    /** Goes to where another stands. */
    void follow(Side other) {
      set(learner.onlineWeights(), other.learner.onlineWeights());
      set(learner.targetWeights(), other.learner.targetWeights());
      learner.adam().restore(other.learner.adam().state());
      learner.sampling().restore(other.learner.sampling().step());
    }

    private static void set(Weights to, Weights from) {
      to.parameters().values().set(values(from));
    }

    private static float[] values(Weights weights) {
      return weights.parameters().values().toFloats();
    }

    @Override
    public void close() {
      policy.close();
      learner.close();
      device.close();
    }
  }

  @Test
  void everyUpdateOfARunIsWhatItWouldBeAlone() {
    try (Side run = new Side("onednn", MOVES);
        Side plain = new Side("java", MOVES)) {
      assertThat(run.device.name()).startsWith("oneDNN");
      for (int i = 1; i <= UPDATES; i++) {
        try (Side fresh = new Side("onednn", MOVES + i - 1)) {
          fresh.follow(run);
          plain.follow(run);
          float[] q = run.act();
          assertThat(q).as("Q of act %d", i).isEqualTo(fresh.act());
          close("Q of act " + i, plain.act(), q);
          run.learner.update();
          fresh.learner.update();
          plain.learner.update();
          assertThat(run.weights()).as("θ after update %d", i).isEqualTo(fresh.weights());
          Map<String, float[]> gradients = run.gradients();
          Map<String, float[]> expected = plain.gradients();
          gradients.forEach((name, g) -> close("gradient of " + name, expected.get(name), g));
          close("statistics of update " + i, plain.statistics(), run.statistics());
        }
        run.move();
        plain.move();
        if (i % SYNC == 0) {
          run.learner.syncTarget();
        }
      }
      assertThat(run.learner.adam().t()).isEqualTo(UPDATES);
    }
  }

  /** ‖actual − expected‖ ≤ 2 % of ‖expected‖. */
  private static void close(String what, float[] expected, float[] actual) {
    double far = 0;
    double length = 0;
    for (int i = 0; i < expected.length; i++) {
      far += (double) (actual[i] - expected[i]) * (actual[i] - expected[i]);
      length += (double) expected[i] * expected[i];
    }
    assertThat(Math.sqrt(far))
        .as("distance: %s", what)
        .isLessThanOrEqualTo(NEARLY * Math.sqrt(length));
  }
}
