package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.rl.TrainLoop;
import bellman.rl.env.Copies;
import bellman.rl.env.Environment;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two whole runs with one seed end with the same bits. */
class SameSeedTest {
  /** Noise to look at; acting changes nothing. */
  private static final class Noise implements Environment {
    private final SplittableRandom random;
    private int steps;

    Noise(long seed) {
      random = new SplittableRandom(seed);
    }

    @Override
    public Spec spec() {
      return new Spec("Noise", Frame.picture(36, 40, 3), 2, 3);
    }

    @Override
    public Turn reset() {
      return new Turn(List.of(), List.of(new Turn.Decision(0, seen(), 0, null)));
    }

    @Override
    public Turn step(int[] actions) {
      float r = random.nextInt(3) - 1;
      return ++steps % 5 == 0
          ? new Turn(List.of(new Turn.Ending(0, seen(), r, steps % 10 == 0)), reset().decisions())
          : new Turn(List.of(), List.of(new Turn.Decision(0, seen(), r, null)));
    }

    private Observation seen() {
      byte[] pixels = new byte[spec().frame().size()];
      random.nextBytes(pixels);
      return Observation.picture(pixels, random.nextInt(2));
    }

    @Override
    public void close() {}
  }

  private static float[] trained(String name, int threads) {
    DqnSettings settings =
        new DqnSettings(
            8,
            40,
            20,
            2,
            1e-3,
            3,
            0.9,
            10,
            new Epsilon(1, 0.1, 0.05, 40),
            1,
            false,
            8,
            NetworkSettings.DEFAULT);
    try (Device device = Devices.open(name, DeviceOptions.defaults().withThreads(threads));
        Environment world = new Copies(2, i -> new Noise(7 + i));
        DqnAgent agent = new DqnAgent(device, world.spec(), settings)) {
      TrainLoop.Plan plan = new TrainLoop.Plan(40, 10, Long.MAX_VALUE, 5, 1, 1);
      new TrainLoop(plan, world, agent).run(List.of(), () -> false);
      assertThat(agent.updates()).isEqualTo(10);
      return agent.learner().onlineWeights().parameters().values().toFloats();
    }
  }

  @ParameterizedTest
  @CsvSource({"onednn, 1", "onednn, 2", "java, 1", "java, 2"})
  void equalSeedsGiveEqualBits(String device, int threads) {
    assertThat(trained(device, threads)).isEqualTo(trained(device, threads));
  }

  @Test
  void javaGivesThemWithAnyNumberOfThreads() {
    assertThat(trained("java", 2)).isEqualTo(trained("java", 1));
  }
}
