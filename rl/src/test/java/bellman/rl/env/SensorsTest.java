package bellman.rl.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.ActionSpec;
import bellman.unity.BehaviorSpec;
import bellman.unity.DimensionProperty;
import bellman.unity.ObservationSpec;
import bellman.unity.ObservationType;
import bellman.unity.RestartLimits;
import bellman.unity.UnityEnvironment;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SensorsTest {
  private static ObservationSpec camera(String name, int channels, int height, int width) {
    return new ObservationSpec(
        name,
        List.of(channels, height, width),
        Collections.nCopies(3, DimensionProperty.NONE),
        ObservationType.DEFAULT,
        ObservationSpec.Layout.CHW);
  }

  private static ObservationSpec vector(String name, int size, ObservationType type) {
    return new ObservationSpec(
        name, List.of(size), List.of(DimensionProperty.NONE), type, ObservationSpec.Layout.PLAIN);
  }

  private static ObservationSpec vector(String name, int size) {
    return vector(name, size, ObservationType.DEFAULT);
  }

  private static ObservationSpec buffer() {
    return new ObservationSpec(
        "Buffer",
        List.of(8, 3),
        Collections.nCopies(2, DimensionProperty.NONE),
        ObservationType.DEFAULT,
        ObservationSpec.Layout.PLAIN);
  }

  private static final ObservationSpec GOAL = vector("Goal", 3, ObservationType.GOAL_SIGNAL);

  private static Sensors of(List<String> wanted, boolean gate, ObservationSpec... all) {
    return Sensors.of(
        new BehaviorSpec("Ball?team=0", List.of(all), ActionSpec.discrete(4)), wanted, gate);
  }

  private static Sensors all(ObservationSpec... all) {
    return of(List.of(), true, all);
  }

  @Test
  void everythingThatFitsTogether() {
    assertThat(all(camera("A", 3, 64, 84)).frame()).isEqualTo(Frame.picture(64, 84, 3));
    assertThat(all(vector("V", 4)).frame()).isEqualTo(Frame.vector(4));
    // a stack of three is a vector as any other
    assertThat(all(vector("StackingSensor_size3_V", 12), vector("W", 2)).frame())
        .isEqualTo(Frame.vector(14));
    assertThat(all(camera("A", 3, 64, 84), camera("B", 1, 64, 84), vector("V", 4)).frame())
        .isEqualTo(Frame.picture(64, 84, 4).with(4));
    Sensors goal = all(buffer(), camera("A", 3, 64, 84), GOAL, vector("V", 4));
    assertThat(goal.frame()).isEqualTo(Frame.picture(64, 84, 3).with(4));
    assertThat(goal.goals()).isEqualTo(3);
    assertThat(goal)
        .hasToString("1 A [3, 64, 84], goal 2 Goal [3], 3 V [4]; not seen: 0 Buffer [8, 3]");
  }

  @Test
  void withoutAGateTheGoalIsAVector() {
    Sensors sensors = of(List.of(), false, camera("A", 3, 64, 84), GOAL);
    assertThat(sensors.frame()).isEqualTo(Frame.picture(64, 84, 3).with(3));
    assertThat(sensors.goals()).isZero();
    assertThat(sensors.goal()).isEqualTo(-1);
  }

  @Test
  void someByNumberOrName() {
    ObservationSpec[] there = {
      camera("A", 3, 64, 84), camera("B", 3, 32, 32), GOAL, vector("V", 4)
    };
    Sensors some = of(List.of("V", "1", "B"), true, there);
    assertThat(some.pictures()).containsExactly(1);
    assertThat(some.vectors()).containsExactly(3);
    assertThat(some.goal()).isEqualTo(-1);
    assertThat(some).hasToString("1 B [3, 32, 32], 3 V [4]; not seen: 0 A [3, 64, 84], 2 Goal [3]");
    assertThat(of(List.of("3", "Goal"), true, there).goals()).isEqualTo(3);
  }

  @Test
  void whatDoesNotGoTogetherIsNamed() {
    assertThatThrownBy(() -> all(camera("A", 3, 64, 84), camera("B", 3, 32, 32)))
        .hasMessage(
            "Ball?team=0 has pictures of different sizes, 0 A [3, 64, 84], 1 B [3, 32, 32]; no"
                + " network fits: choose one with --observations, or give the sensors one size");
    assertThatThrownBy(() -> all(GOAL, vector("V", 2), GOAL))
        .hasMessage(
            "Ball?team=0 has the goal signals 0 Goal [3], 2 Goal [3]; one can gate what is seen:"
                + " choose with --observations, or take --goal-conditioning none");
    assertThatThrownBy(() -> all(buffer()))
        .hasMessage(
            "Ball?team=0 has neither a picture nor a vector to learn from: 0 Buffer [8, 3]");
    assertThatThrownBy(() -> all(GOAL))
        .hasMessage(
            "Ball?team=0 has neither a picture nor a vector to learn from: 0 Goal [3];"
                + " --goal-conditioning none makes the goal a vector");
    assertThatThrownBy(() -> all())
        .hasMessage(
            "Ball?team=0 has neither a picture nor a vector to learn from: no observations");
    assertThatThrownBy(() -> of(List.of("Buffer"), true, vector("V", 2), buffer()))
        .hasMessage(
            "Ball?team=0: the observation 1 Buffer [8, 3] is neither a picture nor a vector; leave it"
                + " out of --observations");
    assertThatThrownBy(() -> of(List.of("X"), true, vector("V", 2), buffer()))
        .hasMessage(
            "Ball?team=0 has no observation 'X', only 0 V [2], 1 Buffer [8, 3]; give --observations"
                + " names or numbers of them");
    assertThatThrownBy(() -> of(List.of("V"), true, vector("V", 2), vector("V", 3)))
        .hasMessage(
            "Ball?team=0 has several observations 'V' among 0 V [2], 1 V [3]; give --observations"
                + " their numbers");
  }

  /** Through the bridge: what a player says is what the policy sees, in the sensors' order. */
  @Test
  void aPlayersPictureAndVectors() {
    try (UnityWorld world = open(List.of())) {
      assertThat(world.spec())
          .isEqualTo(
              new Spec(
                  "TwoSensors",
                  Frame.picture(20, 20, 1).with(3),
                  0,
                  2,
                  new Signature(
                      List.of(List.of(2, 3), List.of(1, 20, 20), List.of(2), List.of(1)),
                      List.of(1),
                      List.of(2, 3),
                      -1,
                      List.of(new Signature.Branch(2, 0)))));
      assertThat(world.sensors())
          .hasToString("1 Camera [1, 20, 20], 2 V [2], 3 W [1]; not seen: 0 Buffer [2, 3]");
      for (Turn.Decision d : world.reset().decisions()) {
        byte[] pixels = d.observation().pixels();
        assertThat(pixels).hasSize(400);
        assertThat(pixels[0]).isIn((byte) 0, (byte) 255);
        float[] x = d.observation().vector();
        assertThat(x[0] + x[1]).isEqualTo(1);
        assertThat(x[2]).isEqualTo(0.5f);
      }
    }
    try (UnityWorld world = open(List.of("W", "V"))) {
      assertThat(world.spec().frame()).isEqualTo(Frame.vector(3));
      Observation o = world.reset().decisions().get(0).observation();
      assertThat(o.pixels()).isNull();
      assertThat(o.vector()[2]).isEqualTo(0.5f);
    }
  }

  private static UnityWorld open(List<String> observations) {
    return new UnityWorld(
        engine -> UnityEnvironment.embedded(new TwoSensors(3)).sideChannels(engine).open(),
        RestartLimits.NONE,
        new UnityWorld.Choice(Optional.empty(), name -> 0, observations, true),
        Duration.ofSeconds(10));
  }
}
