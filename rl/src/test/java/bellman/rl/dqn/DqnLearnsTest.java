package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.env.CartPole;
import bellman.rl.env.Copies;
import bellman.rl.env.Corridor;
import bellman.rl.env.Environment;
import bellman.rl.env.IdentityWorld;
import bellman.rl.env.Observation;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Worlds whose answer is known: the values themselves are checked, not only what they choose. */
class DqnLearnsTest {
  private static DqnSettings settings(
      long steps, double learningRate, double gamma, double epsilonFinal) {
    return new DqnSettings(
        32,
        2_000,
        200,
        1,
        learningRate,
        0,
        gamma,
        100,
        new Epsilon(1.0, epsilonFinal, 0, steps / 2),
        Double.POSITIVE_INFINITY,
        false,
        3,
        NetworkSettings.DEFAULT);
  }

  private static Outcome run(Environment world, DqnAgent agent, long steps, long testSteps) {
    TrainLoop.Plan plan = new TrainLoop.Plan(steps, testSteps, Long.MAX_VALUE, 50, 1, 1);
    return new TrainLoop(plan, world, agent).run(List.of(), () -> false);
  }

  private static float[] q(DqnAgent agent, Observation o) {
    int frame = agent.replay().hold(o, null);
    float[] q = agent.policy().choose(new int[] {frame}, new boolean[1][]).q()[0];
    agent.replay().frames().release(frame);
    return q;
  }

  private static Observation oneHot(int n, int i) {
    float[] x = new float[n];
    x[i] = 1;
    return Observation.vector(x);
  }

  @Test
  void identityWorldsValues() {
    int n = 4;
    double gamma = 0.5;
    try (Device device = Devices.open("java", DeviceOptions.defaults());
        Environment world = new Copies(3, i -> new IdentityWorld(n, 10 + i));
        DqnAgent agent = new DqnAgent(device, world.spec(), settings(3_000, 2e-3, gamma, 0.5))) {
      run(world, agent, 3_000, 0);
      for (int s = 0; s < n; s++) {
        float[] q = q(agent, oneHot(n, s));
        for (int a = 0; a < n; a++) {
          assertThat((double) q[a])
              .as("Q(%d, %d)", s, a)
              .isEqualTo(IdentityWorld.q(s, a, gamma), within(0.1));
        }
      }
    }
  }

  @Test
  void corridorsValues() {
    int n = 5;
    double gamma = 0.8;
    try (Device device = Devices.open("java", DeviceOptions.defaults());
        Environment world = new Corridor(n);
        DqnAgent agent = new DqnAgent(device, world.spec(), settings(4_000, 1e-3, gamma, 0.5))) {
      run(world, agent, 4_000, 0);
      for (int cell = 0; cell < n - 1; cell++) {
        float[] q = q(agent, oneHot(n, cell));
        for (int a : new int[] {Corridor.LEFT, Corridor.RIGHT}) {
          assertThat((double) q[a])
              .as("Q(%d, %d)", cell, a)
              .isEqualTo(Corridor.q(n, cell, a, gamma), within(0.05));
        }
      }
    }
  }

  @Test
  void cartPoleStaysUp() {
    try (Device device = Devices.open("java", DeviceOptions.defaults());
        Environment world = new CartPole(1);
        DqnAgent agent = new DqnAgent(device, world.spec(), settings(8_000, 1e-3, 0.98, 0.05))) {
      Outcome outcome = run(world, agent, 8_000, 2_000);
      assertThat(outcome.testMeanReturn()).isGreaterThan(150); // at random: 22
    }
  }
}
