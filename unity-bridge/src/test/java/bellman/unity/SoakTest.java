package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.sidechannel.EnvironmentParametersChannel;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Many exchanges in a row: all answered, and no memory kept. */
class SoakTest {
  private static final String BEHAVIOR = "GridWorld?team=0";

  @ParameterizedTest
  @EnumSource(Transport.class)
  void exchangesWithoutEndKeepNoMemory(Transport transport) {
    int rounds = Soak.ROUNDS / 2; // both transports together
    EnvironmentParametersChannel parameters = new EnvironmentParametersChannel();
    Random random = new Random(1);
    ByteBuffer pixels = ByteBuffer.allocate(64 * 84 * 3);
    long agents = 0;
    long ended = 0;
    long early = 0;
    GridWorldPlayer player = new GridWorldPlayer(GridWorldOptions.defaults());
    try (UnityEnvironment env = transport.open(player, b -> b.sideChannels(parameters))) {
      env.reset();
      long begin = System.nanoTime();
      for (int i = 0; i < rounds; i++) {
        Steps steps = env.steps(BEHAVIOR);
        agents += steps.decisions().size();
        ended += steps.terminals().size();
        steps.decisions().observation(0).pixels(pixels.clear());
        env.setActions(BEHAVIOR, steps.decisions().spec().actions().random(random, 1));
        if (i % 997 == 0) {
          parameters.set("gridSize", 3 + i % 5);
        }
        if (i % 4999 == 4998) {
          env.reset();
        } else {
          env.step();
        }
        if (i == rounds / 4) {
          early = Soak.heap();
        }
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      long late = Soak.heap();
      System.out.printf(
          Locale.ROOT,
          "soak %s: %,d exchanges of one picture in %.1f s (%,.0f/s), heap %,d KB then %,d KB%n",
          transport,
          rounds,
          seconds,
          rounds / seconds,
          early >> 10,
          late >> 10);
      assertThat(agents).isEqualTo(rounds);
      assertThat(ended).isGreaterThan(rounds / 100);
      assertThat(late - early).as("bytes kept").isLessThan(2 << 20);
    }
  }
}
