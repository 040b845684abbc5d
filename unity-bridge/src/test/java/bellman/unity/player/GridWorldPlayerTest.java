package bellman.unity.player;

import static bellman.unity.player.ScriptedTrainer.infos;
import static bellman.unity.player.ScriptedTrainer.list;
import static bellman.unity.player.ScriptedTrainer.orders;
import static bellman.unity.player.ScriptedTrainer.welcome;
import static bellman.unity.player.ScriptedTrainer.withOrders;
import static bellman.unity.player.ScriptedTrainer.withStatus;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.player.GridAreaState.Goal;
import bellman.unity.player.ScriptedTrainer.Transport;
import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLInputProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a trainer hears, message by message, over both transports. */
@Timeout(60)
class GridWorldPlayerTest {
  private static final GridWorldOptions ONE = GridWorldOptions.defaults();

  private static UnityMessageProto golden(String hex) throws Exception {
    return UnityMessageProto.parseFrom(HexFormat.of().parseHex(hex));
  }

  @ParameterizedTest
  @EnumSource
  void theHandshakeIsTheRecordedOne(Transport transport) throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      assertThat(trainer.hear())
          .isEqualTo(
              golden(
                  "0a0308c801123212300a1041636164656d7953696e676c65746f6e1205312e352e303a05332e302e30420e0801100118012001280130013801"));
      trainer.say(
          golden(
              "0a0308c8011a24122208071205312e352e301a05312e312e30220e08011001180120012801300138012801"));
      assertThat(trainer.hear()).isEqualTo(golden("0a0308c801"));
      trainer.say(golden("0a0308c8011a040a022001"));
      UnityMessageProto first = trainer.hear();
      assertThat(first.getHeader().getStatus()).isEqualTo(200);
      assertThat(first.getUnityOutput().getRlInitializationOutput())
          .isEqualTo(
              PlayerMessages.report(List.of(), PlayerMessages.brain(true))
                  .getUnityOutput()
                  .getRlInitializationOutput());
      assertThat(infos(first)).hasSize(1);
      assertThat(infos(first).get(0).getReward()).isZero();
      assertThat(infos(first).get(0).getDone()).isFalse();

      UnityMessageProto second = trainer.step(0);
      assertThat(second.getUnityOutput().hasRlInitializationOutput()).isFalse();
      assertThat(infos(second).get(0).getReward()).isEqualTo(-0.01f);
      trainer.say(golden("0a03089003"));
      assertThat(trainer.exitCode()).isZero();
    }
  }

  @Test
  void aReportHasTheRecordedBytes() {
    byte[] png = HexFormat.of().parseHex("89504e47");
    UnityMessageProto report =
        PlayerMessages.report(
            List.of(
                PlayerMessages.info(3, -0.01f, true, 0b10100)
                    .addObservations(PlayerMessages.picture(png, true))
                    .addObservations(PlayerMessages.goal(Goal.EX, true))
                    .build()),
            PlayerMessages.brain(true));
    assertThat(HexFormat.of().formatHex(report.toByteArray()))
        .isEqualTo(
            "0a0308c801128d010a6c126a0a1047726964576f726c643f7465616d3d3012560a543d0ad723bc50035a0500000100016a200a0303405410011a0489504e47"
                + "3203010202420c43616d65726153656e736f726a220a0102220a0a08000000000000803f3201013801420c566563746f7253656e736f72121d2a1b3a"
                + "1047726964576f726c643f7465616d3d3040014a0510011a0105");
  }

  @ParameterizedTest
  @EnumSource
  void anOlderTrainerReadsTheActionsInTheOldFields(Transport transport) throws Exception {
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE))) {
      trainer.hear();
      UnityMessageProto.Builder welcome = welcome(1, "1.2.0").toBuilder();
      welcome
          .getUnityInputBuilder()
          .getRlInitializationInputBuilder()
          .getCapabilitiesBuilder()
          .setHybridActions(false);
      trainer.say(welcome.build());
      trainer.hear();
      trainer.say(orders(CommandProto.RESET, ""));
      var brain = trainer.hear().getUnityOutput().getRlInitializationOutput().getBrainParameters(0);
      assertThat(brain.getVectorActionSizeDeprecatedList()).containsExactly(5);
      trainer.stop();
    }
  }

  private static byte[] png(GridAreaState area) {
    try (PngEncoder encoder = new PngEncoder(84, 64)) {
      return encoder.encode(GridWorldPicture.draw(area));
    }
  }

  private static void assertObserves(AgentInfoProto info, GridAreaState area) {
    assertThat(info.getObservationsList())
        .containsExactly(
            PlayerMessages.picture(png(area), true), PlayerMessages.goal(area.goal(), true));
  }

  private static Stream<Arguments> transportsAndGoals() {
    return Stream.of(Transport.values())
        .flatMap(t -> Stream.of(true, false).map(toGoal -> Arguments.of(t, toGoal)));
  }

  @ParameterizedTest
  @MethodSource("transportsAndGoals")
  void anEndAndTheNextBeginningShareOneMessage(Transport transport, boolean toGoal)
      throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      UnityMessageProto message = trainer.reset(7, "");
      int ends = 0;
      for (int step = 0; ends < 5 && step < 100; step++) {
        GridAreaState now = player.snapshot().areas().get(0);
        AgentInfoProto decision = infos(message).get(infos(message).size() - 1);
        assertObserves(decision, now);
        Goal target = toGoal == (now.goal() == Goal.PLUS) ? Goal.PLUS : Goal.EX;
        int action = PolicySimulationTest.firstStep(now, target);
        message = trainer.step(action);
        GridArea expected = new GridArea(now);
        expected.decided();
        if (!expected.act(action)) {
          assertThat(infos(message)).hasSize(1);
          continue;
        }
        ends++;
        assertThat(infos(message)).hasSize(2);
        AgentInfoProto done = infos(message).get(0);
        AgentInfoProto next = infos(message).get(1);
        assertThat(done.getDone()).isTrue();
        assertThat(done.getMaxStepReached()).isFalse();
        assertThat(done.getReward()).isEqualTo(toGoal ? 1f : -1f);
        assertThat(done.getActionMaskList()).isEqualTo(decision.getActionMaskList());
        assertObserves(done, expected.state());
        assertThat(next.getDone()).isFalse();
        assertThat(next.getReward()).isZero();
        assertThat(next.getId()).isEqualTo(done.getId());
        assertObserves(next, player.snapshot().areas().get(0));
      }
      assertThat(ends).isEqualTo(5);
      trainer.stop();
      assertThat(trainer.exitCode()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void anEpisodeIsInterruptedAfterAHundredDecisions(Transport transport) throws Exception {
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE))) {
      trainer.reset(7, "");
      for (int episode = 0; episode < 2; episode++) {
        for (int i = 0; i < 99; i++) {
          assertThat(infos(trainer.step(0))).hasSize(1);
        }
        AgentInfoProto done = infos(trainer.step(0)).get(0);
        assertThat(done.getDone()).isTrue();
        assertThat(done.getMaxStepReached()).isTrue();
        assertThat(done.getReward()).isEqualTo(-0.01f);
      }
      trainer.stop();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aResetInMidRunEndsNothingAndItsStepStillCosts(Transport transport) throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      trainer.reset(7, "");
      trainer.step(0);
      GridAreaState before = player.snapshot().areas().get(0);
      trainer.say(orders(CommandProto.RESET, ""));
      UnityMessageProto message = trainer.hear();
      assertThat(infos(message)).hasSize(1);
      assertThat(infos(message).get(0).getDone()).isFalse();
      assertThat(infos(message).get(0).getReward()).isEqualTo(-0.01f);
      GridAreaState after = player.snapshot().areas().get(0);
      assertThat(List.of(after.pluses(), after.exes(), after.x(), after.z()))
          .isNotEqualTo(List.of(before.pluses(), before.exes(), before.x(), before.z()));
      for (int i = 0; i < 99; i++) {
        assertThat(infos(trainer.step(0))).hasSize(1);
      }
      assertThat(infos(trainer.step(0))).hasSize(2);
      trainer.stop();
    }
  }

  @Test
  void aMaskIsEmptyUntilTheAgentFirstMeetsAWall() throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE.withAgents(30));
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      UnityMessageProto message = trainer.reset(3, "");
      boolean[] met = new boolean[30];
      int empty = 0;
      int full = 0;
      int fullAwayFromWalls = 0;
      for (int t = 0; t < 60; t++) {
        List<GridAreaState> areas = player.snapshot().areas();
        List<AgentInfoProto> decisions = infos(message).stream().filter(i -> !i.getDone()).toList();
        int[] actions = new int[30];
        for (int id = 0; id < 30; id++) {
          GridAreaState s = areas.get(id);
          boolean wall = s.x() % 4 == 0 || s.z() % 4 == 0;
          met[id] |= wall;
          if (met[id]) {
            assertThat(decisions.get(id).getActionMaskList())
                .containsExactly(false, s.z() == 4, s.z() == 0, s.x() == 0, s.x() == 4);
            full++;
            fullAwayFromWalls += wall ? 0 : 1;
          } else {
            assertThat(decisions.get(id).getActionMaskList()).isEmpty();
            empty++;
          }
          actions[id] = (t * 7 + id * 3) % 5;
        }
        message = trainer.step(actions);
      }
      assertThat(empty).isPositive();
      assertThat(full).isPositive();
      assertThat(fullAwayFromWalls).isPositive();
      trainer.stop();
    }
  }

  @Test
  void aDoneReportRepeatsTheMaskOfTheLastDecisionEvenAnEmptyOne() throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE.withAgents(60));
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      List<AgentInfoProto> decisions = infos(trainer.reset(3, ""));
      int empty = 0;
      int full = 0;
      for (int t = 0; t < 5; t++) {
        int[] actions =
            player.snapshot().areas().stream()
                .mapToInt(s -> PolicySimulationTest.firstStep(s, s.goal()))
                .toArray();
        List<AgentInfoProto> infos = infos(trainer.step(actions));
        int ends = infos.size() - 60;
        for (AgentInfoProto done : infos.subList(0, ends)) {
          var mask = decisions.get(done.getId()).getActionMaskList();
          assertThat(done.getActionMaskList()).isEqualTo(mask);
          empty += mask.isEmpty() ? 1 : 0;
          full += mask.isEmpty() ? 0 : 1;
        }
        decisions = infos.subList(ends, ends + 60);
      }
      assertThat(empty).isPositive();
      assertThat(full).isPositive();
      trainer.stop();
    }
  }

  @Test
  void masksCanBeTurnedOff() throws Exception {
    try (ScriptedTrainer trainer =
        new ScriptedTrainer(Transport.IN_PROCESS)
            .start(new GridWorldPlayer(ONE.withAgents(20).withMasks(false)))) {
      assertThat(infos(trainer.reset(3, ""))).allMatch(i -> i.getActionMaskCount() == 0);
      trainer.stop();
    }
  }

  @ParameterizedTest
  @EnumSource
  void nineAgentsReportEndsFirstAndKeepTheirOrder(Transport transport) throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE.withAgents(9));
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      trainer.reset(1, "");
      int ends = 0;
      for (int t = 0; t < 12; t++) {
        List<GridAreaState> before = player.snapshot().areas();
        int[] actions = new int[9];
        List<Integer> expectedEnds = new ArrayList<>();
        List<GridArea> expected = new ArrayList<>();
        for (int id = 0; id < 9; id++) {
          // even agents hurry, odd ones wait: only a mix shows a swapped order
          actions[id] = id % 2 == 0 ? PolicySimulationTest.firstStep(before.get(id), Goal.PLUS) : 0;
          GridArea area = new GridArea(before.get(id));
          expected.add(area);
          area.decided();
          if (area.act(actions[id])) {
            expectedEnds.add(id);
          }
        }
        List<AgentInfoProto> infos = infos(trainer.step(actions));
        int e = expectedEnds.size();
        ends += e;
        assertThat(infos).hasSize(e + 9);
        assertThat(infos.subList(0, e)).allMatch(AgentInfoProto::getDone);
        assertThat(infos.subList(0, e).stream().map(AgentInfoProto::getId)).isEqualTo(expectedEnds);
        assertThat(infos.subList(e, e + 9)).noneMatch(AgentInfoProto::getDone);
        for (int id = 0; id < 9; id++) {
          AgentInfoProto info = infos.get(e + id);
          assertThat(info.getId()).isEqualTo(id);
          if (!expectedEnds.contains(id)) {
            assertObserves(info, expected.get(id).state());
          }
        }
      }
      assertThat(ends).isGreaterThan(5);
      trainer.stop();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aParameterTakesEffectWithTheNextEpisode(Transport transport) throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      trainer.reset(7, "");
      UnityMessageProto.Builder step = ScriptedTrainer.actions(0).toBuilder();
      step.getUnityInputBuilder()
          .getRlInputBuilder()
          .setSideChannel(
              orders(CommandProto.STEP, EnvironmentParametersTest.GRID_SIZE_3)
                  .getUnityInput()
                  .getRlInput()
                  .getSideChannel());
      trainer.say(step.build());
      trainer.hear();
      assertThat(player.snapshot().areas().get(0).gridSize()).isEqualTo(5);
      for (int i = 0; i < 98; i++) {
        trainer.step(0);
        assertThat(player.snapshot().areas().get(0).gridSize()).isEqualTo(5);
      }
      assertThat(infos(trainer.step(0))).hasSize(2);
      assertThat(player.snapshot().areas().get(0).gridSize()).isEqualTo(3);
      trainer.stop();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aParameterOfTheFirstResetHoldsFromTheStart(Transport transport) throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      UnityMessageProto first = trainer.reset(7, EnvironmentParametersTest.GRID_SIZE_3);
      GridAreaState area = player.snapshot().areas().get(0);
      assertThat(area.gridSize()).isEqualTo(3);
      assertObserves(infos(first).get(0), area);
      trainer.stop();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "3.0.0, 3.0.0, true",
    "4.0.1, 4.0.1, true",
    "2.0, 2.0.0, false",
    "2.3.0-exp.3, 2.3.0-exp.3, false"
  })
  void packagesDifferInLayoutAndNames(String asked, String said, boolean channelsFirst)
      throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE.withPackageVersion(asked));
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      assertThat(trainer.hear().getUnityOutput().getRlInitializationOutput().getPackageVersion())
          .isEqualTo(said);
      trainer.say(welcome(1, "1.5.0"));
      trainer.hear();
      trainer.say(orders(CommandProto.RESET, ""));
      var observations = infos(trainer.hear()).get(0).getObservationsList();
      assertThat(observations).hasSize(2);
      var picture = observations.get(0);
      var goal = observations.get(1);
      if (channelsFirst) {
        assertThat(picture.getShapeList()).containsExactly(3, 64, 84);
        assertThat(picture.getDimensionPropertiesList()).containsExactly(1, 2, 2);
        assertThat(picture.getName()).isEqualTo("CameraSensor");
        assertThat(goal.getName()).isEqualTo("VectorSensor");
      } else {
        assertThat(picture.getShapeList()).containsExactly(64, 84, 3);
        assertThat(picture.getDimensionPropertiesList()).containsExactly(2, 2, 1);
        assertThat(picture.getName()).isEqualTo("RenderTextureSensor");
        assertThat(goal.getName()).isEqualTo("VectorlSensor");
      }
      assertThat(goal.getObservationTypeValue()).isEqualTo(1);
      trainer.stop();
    }
  }

  @Test
  void oneSeedGivesOneRunAndAnotherSeedAnother() throws Exception {
    List<UnityMessageProto> first = run(Transport.IN_PROCESS, 5);
    assertThat(run(Transport.TCP, 5)).isEqualTo(first);
    assertThat(run(Transport.IN_PROCESS, 6)).isNotEqualTo(first);
  }

  private static List<UnityMessageProto> run(Transport transport, int seed) throws Exception {
    List<UnityMessageProto> heard = new ArrayList<>();
    try (ScriptedTrainer trainer =
        new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE.withAgents(3)))) {
      heard.add(trainer.reset(seed, EnvironmentParametersTest.GRID_SIZE_3_TO_7));
      for (int t = 0; t < 150; t++) {
        heard.add(trainer.step(t % 5, t * 3 % 5, t / 3 % 5));
      }
      trainer.stop();
    }
    return heard;
  }

  @ParameterizedTest
  @EnumSource
  void aSavedPlayerGoesOnAsIfItHadNeverStopped(Transport transport) throws Exception {
    GridWorldOptions options = ONE.withAgents(3);
    List<UnityMessageProto> all = run(Transport.IN_PROCESS, 5);
    int cut = 0; // where an episode has just ended, because that message is the hardest to repeat
    for (int t = 40; cut == 0; t++) {
      cut = infos(all.get(t)).size() > 3 ? t : 0;
    }
    byte[] saved;
    GridWorldPlayer player = new GridWorldPlayer(options);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      trainer.reset(5, EnvironmentParametersTest.GRID_SIZE_3_TO_7);
      for (int t = 0; t < cut; t++) {
        trainer.step(t % 5, t * 3 % 5, t / 3 % 5);
      }
      saved = player.snapshot().toBytes();
      trainer.stop();
    }
    GridWorldPlayer again = new GridWorldPlayer(options, GridWorldState.fromBytes(saved));
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(again)) {
      UnityMessageProto first = trainer.reset(12345, EnvironmentParametersTest.GRID_SIZE_3_TO_7);
      assertThat(first.getUnityOutput().getRlInitializationOutput().getBrainParametersCount())
          .isOne();
      assertThat(first.getUnityOutput().getRlOutput())
          .isEqualTo(all.get(cut).getUnityOutput().getRlOutput());
      for (int t = cut; t < 150; t++) {
        assertThat(trainer.step(t % 5, t * 3 % 5, t / 3 % 5)).isEqualTo(all.get(t + 1));
      }
      trainer.stop();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aTrainerThatDiesIsANormalEnd(Transport transport) throws Exception {
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE))) {
      trainer.reset(7, "");
      trainer.step(1);
      trainer.die();
      assertThat(trainer.exitCode()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aStopBeforeTheFirstResetIsANormalEnd(Transport transport) throws Exception {
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE))) {
      trainer.hear();
      trainer.say(welcome(1, "1.5.0"));
      trainer.hear();
      trainer.stop();
      assertThat(trainer.exitCode()).isZero();
    }
  }

  @Test
  void aLingeringPlayerLivesOnUntilItIsToldToQuit() throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE.withLingers(true));
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      trainer.hear();
      trainer.say(welcome(1, "2.0.0"));
      assertThat(trainer.hearsNothingFor(200)).isTrue();
      assertThat(trainer.hasEnded()).isFalse();
      player.quit();
      assertThat(trainer.exitCode()).isOne();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theCommandToQuitIsFollowedWithAGoodbye(Transport transport) throws Exception {
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE))) {
      trainer.reset(7, "");
      trainer.say(orders(CommandProto.QUIT, ""));
      assertThat(trainer.hear()).isEqualTo(golden("0a03089003"));
      trainer.stop();
      assertThat(trainer.exitCode()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPlayerThatQuitsSaysGoodbye(Transport transport) throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(player)) {
      trainer.reset(7, "");
      player.quit();
      assertThat(trainer.step(0)).isEqualTo(golden("0a03089003"));
      trainer.stop();
      assertThat(trainer.exitCode()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void anotherApiVersionIsAFailure(Transport transport) throws Exception {
    try (ScriptedTrainer trainer = new ScriptedTrainer(transport).start(new GridWorldPlayer(ONE))) {
      trainer.hear();
      trainer.say(welcome(1, "2.0.0"));
      assertThat(trainer.hear().getHeader().getStatus()).isEqualTo(400);
      trainer.stop();
      assertThat(trainer.exitCode()).isOne();
    }
  }

  private static Stream<Arguments> nonsense() {
    UnityRLInputProto.ListAgentActionProto twoBranches =
        UnityRLInputProto.ListAgentActionProto.newBuilder()
            .addValue(AgentActionProto.newBuilder().addDiscreteActions(1).addDiscreteActions(1))
            .addValue(AgentActionProto.newBuilder().addDiscreteActions(1).addDiscreteActions(1))
            .build();
    return Stream.of(
            ScriptedTrainer.actions(1), // two agents wait
            ScriptedTrainer.actions(1, 5),
            withOrders(UnityRLInputProto.newBuilder().putAgentActions("Other?team=0", list(1, 1))),
            withOrders(
                UnityRLInputProto.newBuilder().putAgentActions("GridWorld?team=0", twoBranches)),
            withStatus(200).build(), // no orders at all
            orders(CommandProto.RESET, EnvironmentParametersTest.GRID_SIZE_1))
        .map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("nonsense")
  void anAnswerThatCannotBeFollowedEndsThePlayerWithAGoodbye(UnityMessageProto answer)
      throws Exception {
    try (ScriptedTrainer trainer =
        new ScriptedTrainer(Transport.IN_PROCESS).start(new GridWorldPlayer(ONE.withAgents(2)))) {
      trainer.reset(7, "");
      trainer.say(answer);
      assertThat(trainer.hear()).isEqualTo(golden("0a03089003"));
      trainer.stop();
      assertThat(trainer.exitCode()).isOne();
    }
  }

  @Test
  void noActionsAtAllMeanZeros() throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE.withAgents(2));
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      trainer.reset(7, "");
      List<GridAreaState> before = player.snapshot().areas();
      trainer.say(withOrders(UnityRLInputProto.newBuilder()));
      assertThat(infos(trainer.hear())).allMatch(i -> i.getReward() == -0.01f);
      trainer.say(ScriptedTrainer.actions());
      assertThat(infos(trainer.hear())).allMatch(i -> i.getReward() == -0.01f);
      List<GridAreaState> after = player.snapshot().areas();
      for (int i = 0; i < 2; i++) {
        assertThat(after.get(i).x()).isEqualTo(before.get(i).x());
        assertThat(after.get(i).z()).isEqualTo(before.get(i).z());
        assertThat(after.get(i).steps()).isEqualTo(2);
      }
      trainer.stop();
    }
  }

  @Test
  void realTimeIsDividedByTheTimeScale() throws Exception {
    double one = secondsOf25Steps("", "");
    double hundred = secondsOf25Steps(EnvironmentParametersTest.TIME_SCALE_100, "");
    double fromTheFirstStepOn = secondsOf25Steps("", EnvironmentParametersTest.TIME_SCALE_100);
    assertThat(one).isGreaterThan(0.47);
    assertThat(hundred).isLessThan(one);
    assertThat(fromTheFirstStepOn).isLessThan(one);
    // below 1 the scale is 1
    assertThat(secondsOf25Steps("2c3451e97e4fea11b238784f4387d1f708000000 02000000 00000000", ""))
        .isGreaterThan(0.47);
  }

  private static double secondsOf25Steps(String inReset, String inFirstStep) throws Exception {
    try (ScriptedTrainer trainer =
        new ScriptedTrainer(Transport.IN_PROCESS)
            .start(new GridWorldPlayer(ONE.withRealtime(true)))) {
      trainer.reset(7, inReset);
      long start = System.nanoTime();
      trainer.say(orders(CommandProto.STEP, inFirstStep));
      trainer.hear();
      for (int i = 1; i < 25; i++) {
        trainer.step(0);
      }
      double seconds = (System.nanoTime() - start) * 1e-9;
      trainer.stop();
      return seconds;
    }
  }

  @Test
  void aPlayerPlaysOnce() throws Exception {
    GridWorldPlayer player = new GridWorldPlayer(ONE);
    assertThatThrownBy(player::snapshot)
        .hasMessage(
            "gridworld: nothing to save before the trainer's first reset; reset the environment first");
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      trainer.hear();
      try (Connection connection = trainer.connection()) {
        assertThatThrownBy(() -> player.play(connection))
            .hasMessage(
                "gridworld: this player has played already; make a new one, from a snapshot to go on");
      }
      trainer.stop();
    }
  }

  @Test
  void optionsThatMakeNoSenseAreErrors() {
    assertThatThrownBy(() -> ONE.withAgents(0))
        .hasMessage("gridworld: agents is 0; at least 1 is needed");
    assertThatThrownBy(() -> ONE.withPackageVersion("three"))
        .hasMessage("gridworld: package version 'three' is not of the form 3.0.0");
    assertThatThrownBy(() -> ONE.withPackageVersion("1.9.0"))
        .hasMessage(
            "gridworld: package version '1.9.0' is too old: 2.0.0 is the first that speaks API 1.5.0");
    assertThatThrownBy(() -> ONE.withGrid(1, 1, 1)).hasMessageContaining("has 1 cells");
    assertThatThrownBy(
            () -> new GridWorldPlayer(ONE, new GridWorldState(List.of(), List.of(), List.of(), 1)))
        .hasMessage(
            "gridworld: the saved state holds 0 agents, the options ask for 1; ask for as many as were saved");
  }

  @Test
  void otherBytesAreNoSavedState() {
    assertThatThrownBy(() -> GridWorldState.fromBytes(new byte[8]))
        .hasMessage(
            "gridworld state: begins with 00000000, expected 47574c31; this is no saved GridWorld, or one of another version");
    byte[] cut = new GridWorldState(List.of(), List.of(), List.of(), 1).toBytes();
    assertThatThrownBy(() -> GridWorldState.fromBytes(Arrays.copyOf(cut, 13)))
        .hasMessage("gridworld state: 13 bytes are cut short or damaged; save it anew");
  }
}
