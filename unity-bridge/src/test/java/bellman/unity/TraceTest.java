package bellman.unity;

import static bellman.unity.Trace.ends;
import static bellman.unity.Trace.isCutOff;
import static bellman.unity.Trace.waits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.ObservationTypeProto;
import bellman.unity.proto.SpaceTypeProto;
import bellman.unity.proto.UnityInputProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.proto.UnityRLInputProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Everything that real players do and that a trainer could stumble over, played through the whole
 * trainer side: the player's loop, its end, its observations, its agents.
 */
class TraceTest {
  private static final String BALL = "3DBall?team=0";
  private static final String STRIKER = "Striker?team=0";
  private static final String GOALIE = "Goalie?team=1";

  private static UnityRLInputProto answer(ScriptedPlayer player, int message) {
    return player.replies().get(message).getUnityInput().getRlInput();
  }

  private static List<AgentActionProto> actions(ScriptedPlayer player, int message, String of) {
    return answer(player, message).getAgentActionsOrThrow(of).getValueList();
  }

  // ---- the player's loop

  @ParameterizedTest
  @EnumSource(Transport.class)
  void anAgentThatEndsStandsInFrontOfItsOwnNextEpisode(Transport transport) {
    ScriptedPlayer player =
        new Trace("3.0.0")
            .behavior(BALL, 0, 5)
            .says(waits(BALL, 0), waits(BALL, 1))
            .says(
                isCutOff(BALL, 1, Says.vector(99)).reward(-0.01f),
                waits(BALL, 0).reward(-0.01f),
                waits(BALL, 1, Says.vector(7)))
            .says(ends(BALL, 0).reward(1f), waits(BALL, 0), waits(BALL, 1))
            .says(waits(BALL, 0), waits(BALL, 1))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      env.step();
      Steps steps = env.steps(BALL);
      assertThat(steps.terminals().agentIds()).containsExactly(1);
      assertThat(steps.terminals().agent(1).interrupted()).isTrue();
      assertThat(steps.terminals().agent(1).values(0)).containsExactly(99);
      assertThat(steps.decisions().agentIds()).containsExactly(0, 1);
      assertThat(steps.decisions().agent(1).values(0)).containsExactly(7);
      assertThat(steps.decisions().agent(1).reward()).isZero();
      env.setActions(BALL, ActionTuple.oneBranch(3, 4));
      env.step();
      assertThat(env.steps(BALL).terminals().agent(0).interrupted()).isFalse();
      assertThat(env.steps(BALL).terminals().agent(0).reward()).isOne();
      env.step();
    }
    // One action for each agent that waits, in their order; none for those that ended.
    assertThat(actions(player, 3, BALL))
        .extracting(a -> a.getDiscreteActions(0))
        .containsExactly(3, 4);
  }

  /** As 3DBall does with a decision every five steps. */
  @ParameterizedTest
  @EnumSource(Transport.class)
  void messagesMayHoldOnlyEndsOrOnlySomeAgentsOrNobody(Transport transport) {
    ScriptedPlayer player =
        new Trace("2.0.0")
            .behavior(BALL, 2)
            .says(waits(BALL, 0), waits(BALL, 1), waits(BALL, 2))
            .says(ends(BALL, 2), ends(BALL, 0))
            .says(ends(BALL, 1))
            .says()
            .says(Says.loaded()) // not even an output
            .says(waits(BALL, 2), waits(BALL, 0))
            .says(waits(BALL, 1))
            .says(waits(BALL, 0))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      List<List<Integer>> seen = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        env.step();
        List<Integer> ids = new ArrayList<>();
        env.steps(BALL).terminals().agents().forEach(a -> ids.add(-1 - a.agentId()));
        env.steps(BALL).decisions().agents().forEach(a -> ids.add(a.agentId()));
        seen.add(ids);
      }
      assertThat(seen)
          .containsExactly(
              List.of(-3, -1), List.of(-2), List.of(), List.of(), List.of(2, 0), List.of(1));
      env.setActionForAgent(BALL, 1, ActionTuple.continuous(new float[] {0.5f, -0.5f}));
      env.step();
    }
    assertThat(answer(player, 3).getAgentActionsMap()).isEmpty();
    assertThat(answer(player, 4).getAgentActionsMap()).isEmpty();
    assertThat(actions(player, 7, BALL)).hasSize(2);
    assertThat(actions(player, 8, BALL))
        .singleElement()
        .extracting(AgentActionProto::getContinuousActionsList)
        .isEqualTo(List.of(0.5f, -0.5f));
  }

  /** No ends are told; the step in which the command came goes on with zeros. */
  @ParameterizedTest
  @EnumSource(Transport.class)
  void aResetInMidRunBringsNoEndsButThatStepsReward(Transport transport) {
    ScriptedPlayer player =
        new Trace("3.0.0")
            .behavior(BALL, 0, 5)
            .says(waits(BALL, 0))
            .says(waits(BALL, 0).reward(-0.01f))
            .says(waits(BALL, 0).reward(-0.01f))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThat(env.steps(BALL).decisions().reward(0)).isZero();
      env.step();
      env.setActions(BALL, ActionTuple.oneBranch(4));
      env.reset();
      assertThat(env.steps(BALL).terminals().size()).isZero();
      assertThat(env.steps(BALL).decisions().reward(0)).isEqualTo(-0.01f);
    }
    assertThat(answer(player, 3).getCommand()).isEqualTo(CommandProto.RESET);
    assertThat(answer(player, 3).getAgentActionsMap()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void severalBehaviorsOfSeveralKinds(Transport transport) {
    ScriptedPlayer player =
        new Trace("3.0.0")
            .behavior(STRIKER, 1, 3, 2)
            .behavior(GOALIE, 2)
            .says(waits(STRIKER, 0), waits(STRIKER, 2))
            .says(waits(STRIKER, 2), waits(GOALIE, 1))
            .says(ends(STRIKER, 0), ends(STRIKER, 2), ends(GOALIE, 1), waits(GOALIE, 1))
            .says(waits(GOALIE, 1))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThat(env.behaviorSpecs()).containsOnlyKeys(STRIKER);
      env.setActions(
          STRIKER, new ActionTuple(new float[][] {{0.5f}, {-1f}}, new int[][] {{2, 0}, {1, 1}}));
      env.step();
      assertThat(env.behaviorSpecs().get(GOALIE).actions()).isEqualTo(ActionSpec.continuous(2));
      assertThat(env.steps(STRIKER).decisions().agentIds()).containsExactly(2);
      env.setActions(GOALIE, ActionTuple.continuous(new float[] {0.25f, 0.75f}));
      env.step();
      assertThat(env.steps(STRIKER).decisions().size()).isZero();
      assertThat(env.steps(STRIKER).terminals().size()).isEqualTo(2);
      env.step();
    }
    AgentActionProto hybrid = actions(player, 2, STRIKER).get(1);
    assertThat(hybrid.getContinuousActionsList()).containsExactly(-1f);
    assertThat(hybrid.getDiscreteActionsList()).containsExactly(1, 1);
    assertThat(hybrid.getVectorActionsDeprecatedList()).containsExactly(-1f, 1f, 1f);
    assertThat(actions(player, 3, STRIKER).get(0).getContinuousActionsList()).containsExactly(0f);
    assertThat(actions(player, 3, GOALIE).get(0).getContinuousActionsList())
        .containsExactly(0.25f, 0.75f);
    assertThat(answer(player, 4).getAgentActionsMap()).containsOnlyKeys(GOALIE);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void groupsEndTogether(Transport transport) {
    ScriptedPlayer player =
        new Trace("2.0.0")
            .behavior(STRIKER, 0, 3)
            .says(waits(STRIKER, 0).group(1, 0f), waits(STRIKER, 1).group(1, 0f))
            .says(
                ends(STRIKER, 0).group(1, 0.5f),
                isCutOff(STRIKER, 1).group(1, 0.5f).reward(-1f),
                waits(STRIKER, 1).group(2, 0f))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThat(env.steps(STRIKER).decisions().groupIds()).containsExactly(1, 1);
      env.step();
      TerminalSteps ended = env.steps(STRIKER).terminals();
      assertThat(ended.groupIds()).containsExactly(1, 1);
      assertThat(ended.groupRewards()).containsExactly(0.5f, 0.5f);
      assertThat(ended.rewards()).containsExactly(0f, -1f);
      assertThat(ended.interrupted()).containsExactly(false, true);
      assertThat(env.steps(STRIKER).decisions().agent(1).groupId()).isEqualTo(2);
    }
  }

  // ---- the end

  @ParameterizedTest
  @EnumSource(Transport.class)
  void aPlayerThatQuitsBeforeTheFirstReset(Transport transport) {
    ScriptedPlayer player = new ScriptedPlayer(Says.hello(), Says.status(400));
    assertThatThrownBy(() -> transport.open(player))
        .isInstanceOf(PlayerLeftException.class)
        .hasMessageContaining(
            "ended the exchange by itself (status 400) after it connected, before its second"
                + " message.");
    assertThat(player.replies().get(1).getHeader().getStatus()).isEqualTo(400);
  }

  /** The answer to a goodbye is 400 and nothing else, and so is the trainer's own. */
  @ParameterizedTest
  @EnumSource(Transport.class)
  void closingEndsTheExchangeWith400AndAnEmptyBody(Transport transport) {
    ScriptedPlayer player =
        new Trace("3.0.0").behavior(BALL, 0, 2).says(waits(BALL, 0)).says(waits(BALL, 0)).player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
    }
    assertThat(player.replies()).hasSize(3);
    assertThat(player.replies().get(2)).isEqualTo(Says.status(400));
    assertThat(player.replies().get(2).toByteArray()).containsExactly(10, 3, 8, -112, 3);
  }

  // ---- observations

  @ParameterizedTest
  @EnumSource(Transport.class)
  void bothLayoutsAndTheScrambledNumbersThroughTheWholeWay(Transport transport) {
    // Pixels (1, 2, 3) and (4, 5, 6).
    byte[] png = Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6);
    float[] chw = {1 / 255f, 4 / 255f, 2 / 255f, 5 / 255f, 3 / 255f, 6 / 255f};
    float[] hwc = {1 / 255f, 2 / 255f, 3 / 255f, 4 / 255f, 5 / 255f, 6 / 255f};
    ObservationProto oldPng = Says.png(List.of(1, 2, 3), List.of(2, 2, 1), List.of(), png);
    ObservationProto newPng = Says.png(List.of(3, 1, 2), List.of(1, 2, 2), List.of(), png);
    ObservationProto oldNumbers = Says.numbers(List.of(1, 2, 3), List.of(2, 2, 1), hwc);
    ObservationProto scrambled = Says.numbers(List.of(3, 1, 2), List.of(1, 2, 2), hwc);
    ObservationProto straight = Says.numbers(List.of(3, 1, 2), List.of(1, 2, 2), chw);
    Map<String, List<ObservationProto>> players =
        Map.of(
            "1.0.8", List.of(oldPng.toBuilder().clearDimensionProperties().build()),
            "2.3.0-exp.3", List.of(oldPng, oldNumbers),
            "3.0.0-exp.1", List.of(newPng, scrambled),
            "3.0.0", List.of(newPng, scrambled),
            "4.0.0", List.of(newPng, scrambled),
            "4.0.1", List.of(newPng, straight),
            "4.0.3", List.of(newPng, straight));
    players.forEach(
        (packageVersion, sees) -> {
          ObservationProto[] observations = sees.toArray(ObservationProto[]::new);
          ScriptedPlayer player =
              new Trace(packageVersion)
                  .behavior(BALL, 0, 2)
                  .says(waits(BALL, 0, observations))
                  .player();
          try (UnityEnvironment env = transport.open(player)) {
            env.reset();
            DecisionStep agent = env.steps(BALL).decisions().agent(0);
            for (int o = 0; o < observations.length; o++) {
              assertThat(agent.pixels(o))
                  .as(packageVersion + ", observation " + o)
                  .containsExactly(1, 2, 3, 4, 5, 6);
              assertThat(agent.values(o))
                  .as(packageVersion + ", observation " + o)
                  .containsExactly(packageVersion.compareTo("3") < 0 ? hwc : chw);
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void stacksGraysListsAndGoalsSideBySide(Transport transport) {
    byte[] older = Pngs.rgb(1, 1, 10, 20, 31);
    byte[] newer = Pngs.rgb(1, 1, 40, 50, 61);
    byte[] black = Pngs.rgb(1, 1, 0, 0, 0);
    List<Integer> image = List.of(1, 2, 2);
    ObservationProto goal =
        Says.vector(0, 1).toBuilder().setObservationType(ObservationTypeProto.GOAL_SIGNAL).build();
    ScriptedPlayer player =
        new Trace("3.0.0")
            .behavior(BALL, 0, 2)
            .says(
                waits(
                    BALL,
                    0,
                    // two frames, the older first; at the begin of an episode it is black
                    Says.png(
                        List.of(6, 1, 1),
                        image,
                        List.of(0, 1, 2, 3, 4, 5),
                        Pngs.concat(black, newer)),
                    Says.png(
                        List.of(2, 1, 1),
                        image,
                        List.of(0, 0, 0, 1, 1, 1),
                        Pngs.concat(older, newer)),
                    Says.png(List.of(1, 1, 1), image, List.of(), older),
                    Says.png(List.of(4, 1, 1), image, List.of(), Pngs.concat(older, newer)),
                    Says.numbers(List.of(2, 2), List.of(4, 1), 1, 2, 0, 0),
                    goal))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      DecisionStep agent = env.steps(BALL).decisions().agent(0);
      assertThat(agent.pixels(0)).containsExactly(0, 0, 0, 40, 50, 61);
      assertThat(agent.values(1)).containsExactly(61f / 3 / 255f, 151f / 3 / 255f);
      assertThat(agent.pixels(2)).containsExactly(20);
      assertThat(agent.pixels(3)).containsExactly(10, 20, 31, 40);
      assertThat(agent.values(4)).containsExactly(1, 2, 0, 0);
      List<ObservationSpec> specs = env.behaviorSpecs().get(BALL).observations();
      assertThat(specs.get(4).dimensions().get(0).has(DimensionProperty.VARIABLE_SIZE)).isTrue();
      assertThat(specs.get(4).isVisual()).isFalse();
      assertThat(specs.get(5).type()).isEqualTo(ObservationType.GOAL_SIGNAL);
    }
  }

  // ---- agents

  @ParameterizedTest
  @EnumSource(Transport.class)
  void masksComeLateAndGoStale(Transport transport) {
    ScriptedPlayer player =
        new Trace("3.0.0")
            .behavior(BALL, 0, 3, 2)
            .says(waits(BALL, 0), waits(BALL, 1))
            .says(
                ends(BALL, 1).mask(true, true, true, true, true),
                waits(BALL, 0).mask(false, true, false, true, false),
                waits(BALL, 1))
            .says(
                waits(BALL, 0).mask(false, false, false, false, false),
                waits(BALL, 1).mask(true, true))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThat(env.steps(BALL).decisions().agent(0).mask(0)).containsOnly(false);
      env.step();
      assertThat(env.steps(BALL).decisions().agent(0).mask(0)).containsExactly(false, true, false);
      assertThat(env.steps(BALL).decisions().agent(0).mask(1)).containsExactly(true, false);
      assertThat(env.steps(BALL).decisions().agent(1).mask(0)).containsOnly(false);
      // A mask is advice to the policy: the player alone decides what a masked action does.
      env.setActions(BALL, ActionTuple.discrete(new int[] {1, 0}, new int[] {0, 0}));
      env.step();
      assertThat(env.steps(BALL).decisions().agent(0).mask(0)).containsOnly(false);
      assertThat(env.steps(BALL).decisions().agent(1).mask(0))
          .as("wrong length")
          .containsOnly(false);
    }
    assertThat(actions(player, 3, BALL).get(0).getDiscreteActionsList()).containsExactly(1, 0);
  }

  /**
   * API 1.0: no capabilities beyond the base, no names, no properties, the older words for actions.
   */
  @ParameterizedTest
  @EnumSource(Transport.class)
  void theOldestPlayersAreUnderstood(Transport transport) {
    AgentInfoProto agent =
        Says.agent(
            0,
            0f,
            Says.vector(1, 2).toBuilder().clearName().clearDimensionProperties().build(),
            Says.png(List.of(1, 2, 3), List.of(), List.of(), Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6)));
    UnityOutputProto.Builder first =
        Says.agents(agent).getUnityOutput().toBuilder()
            .setRlInitializationOutput(
                UnityRLInitializationOutputProto.newBuilder()
                    .addBrainParameters(
                        BrainParametersProto.newBuilder()
                            .setBrainName(Says.WALKER)
                            .setIsTraining(true)
                            .addVectorActionSizeDeprecated(2)
                            .setVectorActionSpaceTypeDeprecated(SpaceTypeProto.continuous)));
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello("1.0.8", "1.0.0"), Says.loaded(), Says.ok(first), Says.agents(agent));
    try (UnityEnvironment env = transport.open(player)) {
      assertThat(env.playerCapabilities())
          .isEqualTo(new Capabilities(true, false, false, false, false, false, false));
      env.reset();
      BehaviorSpec spec = env.behaviorSpecs().get(Says.WALKER);
      assertThat(spec.actions()).isEqualTo(ActionSpec.continuous(2));
      assertThat(spec.observations().get(0).name()).isEmpty();
      assertThat(spec.observations().get(1).layout()).isEqualTo(ObservationSpec.Layout.HWC);
      env.setActions(Says.WALKER, ActionTuple.continuous(new float[] {0.5f, -1f}));
      env.step();
    }
    assertThat(actions(player, 2, Says.WALKER).get(0).getVectorActionsDeprecatedList())
        .containsExactly(0.5f, -1f);
  }

  /** What Unity insists on in every answer. */
  @ParameterizedTest
  @EnumSource(Transport.class)
  void answersHoldWhatUnityInsistsOn(Transport transport) {
    ScriptedPlayer player =
        new Trace("3.0.0")
            .behavior(BALL, 0, 2)
            .says(waits(BALL, 0), waits(BALL, 1))
            .says()
            .says(waits(BALL, 0))
            .player();
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      env.step();
      env.step();
    }
    UnityInputProto welcome = player.replies().get(0).getUnityInput();
    assertThat(welcome.getRlInitializationInput().hasCapabilities()).isTrue();
    assertThat(welcome.hasRlInput()).isFalse();
    for (int i = 1; i < 4; i++) {
      assertThat(player.replies().get(i).getHeader().getStatus()).isEqualTo(200);
      assertThat(player.replies().get(i).getUnityInput().hasRlInput()).as("answer " + i).isTrue();
      assertThat(player.replies().get(i).getUnityInput().hasRlInitializationInput()).isFalse();
    }
  }
}
