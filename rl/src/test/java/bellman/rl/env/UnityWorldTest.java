package bellman.rl.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.UnityEnvironment;
import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.sidechannel.EngineConfigurationChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class UnityWorldTest {
  private static UnityWorld open(
      GridWorldOptions options, Optional<String> behavior, OptionalInt firstAction, boolean goals) {
    EngineConfigurationChannel engine = new EngineConfigurationChannel();
    UnityEnvironment unity =
        UnityEnvironment.embedded(new GridWorldPlayer(options)).seed(7).sideChannels(engine).open();
    try {
      return new UnityWorld(unity, engine, behavior, firstAction, goals, Duration.ofSeconds(10));
    } catch (RuntimeException e) {
      unity.close();
      throw e;
    }
  }

  private static UnityWorld open(GridWorldOptions options) {
    return open(options, Optional.empty(), OptionalInt.empty(), true);
  }

  @Test
  void gridWorldIsAPictureAGoalAndFourMoves() {
    try (UnityWorld world = open(GridWorldOptions.defaults())) {
      assertThat(world.spec()).isEqualTo(new Spec("GridWorld", Frame.picture(64, 84, 3), 2, 4));
      Turn turn = world.reset();
      assertThat(turn.endings()).isEmpty();
      assertThat(turn.decisions()).hasSize(1);
      Observation o = turn.decisions().get(0).observation();
      assertThat(o.pixels()).hasSize(64 * 84 * 3);
      assertThat(o.goal()).isBetween(0, 1);
      assertThat(Arrays.copyOf(o.pixels(), 3)) // the side wall, gray
          .containsExactly((byte) 137, (byte) 139, (byte) 143);
    }
  }

  @Test
  void standingStillAndGoalsAreSettings() {
    try (UnityWorld world =
        open(GridWorldOptions.defaults(), Optional.of("GridWorld"), OptionalInt.of(0), false)) {
      assertThat(world.spec()).isEqualTo(new Spec("GridWorld", Frame.picture(64, 84, 3), 0, 5));
      boolean[] forbidden = world.reset().decisions().get(0).forbidden();
      assertThat(forbidden).hasSize(5);
      assertThat(forbidden[0]).isFalse(); // standing still is always allowed
    }
  }

  /** Both layouts of pictures lead to the same bytes, and to the same game. */
  @Test
  void masksRewardsAndEndsOfAWholeGame() {
    assertThat(story("2.0.0")).isEqualTo(story("3.0.0"));
  }

  private static List<String> story(String packageVersion) {
    List<String> story = new ArrayList<>();
    try (UnityWorld world =
        open(GridWorldOptions.defaults().withAgents(3).withPackageVersion(packageVersion))) {
      SplittableRandom random = new SplittableRandom(1);
      Turn turn = world.reset();
      int terminal = 0;
      int cutOff = 0;
      for (int step = 0; step < 600; step++) {
        int[] actions = new int[turn.decisions().size()];
        for (int i = 0; i < actions.length; i++) {
          boolean[] forbidden = turn.decisions().get(i).forbidden();
          do {
            actions[i] = random.nextInt(4);
          } while (forbidden[actions[i]]);
        }
        turn = world.step(actions);
        assertThat(turn.decisions()).extracting(Turn.Decision::agent).containsExactly(0, 1, 2);
        for (Turn.Ending e : turn.endings()) {
          assertThat(e.reward()).isIn(e.interrupted() ? List.of(-0.01f) : List.of(1f, -1f));
          terminal += e.interrupted() ? 0 : 1;
          cutOff += e.interrupted() ? 1 : 0;
          assertThat(turn.decisions().get(e.agent()).reward()).isZero(); // it has begun anew
        }
        story.add(
            Arrays.hashCode(turn.decisions().get(1).observation().pixels())
                + " "
                + turn.endings().size());
      }
      assertThat(terminal).isGreaterThan(20);
      assertThat(cutOff).isLessThan(terminal);
    }
    return story;
  }

  @Test
  void whatCannotBeTrainedIsNamed() {
    assertThatThrownBy(
            () -> open(GridWorldOptions.defaults(), Optional.of("Ball"), OptionalInt.empty(), true))
        .hasMessage("the player has no behavior 'Ball', only [GridWorld?team=0]");
    assertThatThrownBy(
            () -> open(GridWorldOptions.defaults(), Optional.empty(), OptionalInt.of(5), true))
        .hasMessage(
            "first action 5: GridWorld?team=0 has the actions 0 to 4; at least one must remain");
  }
}
