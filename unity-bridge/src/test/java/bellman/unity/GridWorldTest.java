package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both ends of this module together. */
class GridWorldTest {
  private static final String GRID_WORLD = "GridWorld?team=0";
  private static final int STEPS = 200;

  /** What an episode of random legal actions looked like, as text. */
  private static List<String> play(Transport transport, String packageVersion, int agents) {
    List<String> seen = new ArrayList<>();
    Random rng = new Random(11);
    GridWorldOptions options =
        GridWorldOptions.defaults().withAgents(agents).withPackageVersion(packageVersion);
    try (UnityEnvironment env = transport.open(new GridWorldPlayer(options), b -> b.seed(4))) {
      env.reset();
      for (int i = 0; i < STEPS; i++) {
        DecisionSteps waiting = env.steps(GRID_WORLD).decisions();
        TerminalSteps ended = env.steps(GRID_WORLD).terminals();
        assertThat(waiting.size()).isEqualTo(agents);
        int[] actions = new int[agents];
        for (int a = 0; a < agents; a++) {
          do {
            actions[a] = rng.nextInt(5);
          } while (waiting.forbidden(a, 0, actions[a]));
          byte[] pixels = waiting.observation(0).pixels(a);
          assertThat(pixels).hasSize(64 * 84 * 3);
          seen.add(
              waiting.agentId(a)
                  + " "
                  + waiting.reward(a)
                  + " "
                  + Arrays.toString(waiting.observation(1).values(a))
                  + " "
                  + Arrays.hashCode(pixels));
        }
        for (int t = 0; t < ended.size(); t++) {
          seen.add(
              "end "
                  + ended.agentId(t)
                  + " "
                  + ended.reward(t)
                  + " "
                  + ended.interrupted(t)
                  + " "
                  + Arrays.hashCode(ended.observation(0).pixels(t)));
        }
        env.setActions(GRID_WORLD, ActionTuple.oneBranch(actions));
        env.step();
      }
    }
    return seen;
  }

  @ParameterizedTest
  @CsvSource({"3.0.0, 1", "3.0.0, 4", "2.0.0, 3"})
  void bothTransportsAndBothLayoutsShowTheSameGame(String packageVersion, int agents) {
    List<String> embedded = play(Transport.IN_PROCESS, packageVersion, agents);
    assertThat(embedded).hasSizeGreaterThan(STEPS * agents);
    assertThat(embedded).anyMatch(line -> line.matches("end \\d 1\\.0 false .*"));
    assertThat(embedded).anyMatch(line -> line.matches("end \\d -1\\.0 false .*"));
    assertThat(play(Transport.TCP, packageVersion, agents)).isEqualTo(embedded);
    String other = packageVersion.startsWith("3") ? "2.0.0" : "3.0.0";
    assertThat(play(Transport.IN_PROCESS, other, agents)).isEqualTo(embedded);
  }

  @Test
  void layoutsAreDeclaredAsTheirPackagesDo() {
    for (String version : List.of("2.0.0", "3.0.0")) {
      GridWorldOptions options = GridWorldOptions.defaults().withPackageVersion(version);
      try (UnityEnvironment env = Transport.IN_PROCESS.open(new GridWorldPlayer(options))) {
        env.reset();
        ObservationSpec image = env.behaviorSpecs().get(GRID_WORLD).observations().get(0);
        assertThat(image.layout())
            .isEqualTo(
                version.startsWith("2") ? ObservationSpec.Layout.HWC : ObservationSpec.Layout.CHW);
        assertThat(List.of(image.height(), image.width(), image.channels()))
            .containsExactly(64, 84, 3);
        assertThat(env.behaviorSpecs().get(GRID_WORLD).observations().get(1).type())
            .isEqualTo(ObservationType.GOAL_SIGNAL);
      }
    }
  }
}
