package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLInputProto;
import bellman.unity.proto.UnityRLOutputProto;
import bellman.unity.sidechannel.EnvironmentParametersChannel;
import bellman.unity.sidechannel.StatsChannel;
import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UnityEnvironmentTest {
  private static final List<Integer> BRANCHES = List.of(3, 2);

  private static AgentInfoProto waits(int id) {
    return Says.agent(id, 0f, Says.vector(id));
  }

  private static AgentInfoProto ends(int id) {
    return waits(id).toBuilder().setDone(true).build();
  }

  private static UnityRLInputProto input(ScriptedPlayer player, int reply) {
    return player.replies().get(reply).getUnityInput().getRlInput();
  }

  private static List<AgentActionProto> actions(ScriptedPlayer player, int reply) {
    return input(player, reply).getAgentActionsOrThrow(Says.WALKER).getValueList();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void actionsFollowTheAgentsThatWait(Transport transport) {
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello(),
            Says.loaded(),
            Says.firstAgents(BRANCHES, waits(5), waits(2)),
            Says.agents(ends(5), waits(2), waits(5)),
            Says.agents(ends(2)),
            Says.agents(waits(5), waits(2)),
            Says.agents());
    try (UnityEnvironment env = transport.open(player)) {
      env.step(); // the first step is a reset
      env.setActions(Says.WALKER, ActionTuple.discrete(new int[] {1, 0}, new int[] {2, 1}));
      env.step();
      assertThat(env.steps(Says.WALKER).terminals().agentIds()).containsExactly(5);
      env.setActionForAgent(Says.WALKER, 5, ActionTuple.discrete(new int[] {2, 1}));
      env.step();
      assertThat(env.steps(Says.WALKER).decisions().size()).isZero();
      env.step(); // nobody waits
      env.step(); // nothing chosen
      assertThat(env.behaviorSpecs()).containsOnlyKeys(Says.WALKER);
    }
    assertThat(input(player, 1).getCommand()).isEqualTo(CommandProto.RESET);
    assertThat(actions(player, 2).stream().map(AgentActionProto::getDiscreteActionsList))
        .containsExactly(List.of(1, 0), List.of(2, 1));
    assertThat(actions(player, 3).stream().map(AgentActionProto::getDiscreteActionsList))
        .containsExactly(List.of(0, 0), List.of(2, 1));
    assertThat(input(player, 4).getCommand()).isEqualTo(CommandProto.STEP);
    assertThat(input(player, 4).getAgentActionsMap()).isEmpty();
    assertThat(actions(player, 5).stream().map(AgentActionProto::getDiscreteActionsList))
        .containsExactly(List.of(0, 0), List.of(0, 0));
    assertThat(player.replies().get(6).getHeader().getStatus()).isEqualTo(400);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void chosenActionsAreForgottenByAReset(Transport transport) {
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello(),
            Says.loaded(),
            Says.firstAgents(BRANCHES, waits(0)),
            Says.agents(waits(0)),
            Says.agents(waits(0)));
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      env.setActions(Says.WALKER, ActionTuple.discrete(new int[] {2, 1}));
      env.reset();
      env.step();
    }
    assertThat(input(player, 2).getCommand()).isEqualTo(CommandProto.RESET);
    assertThat(input(player, 2).getAgentActionsMap()).isEmpty();
    assertThat(actions(player, 3).get(0).getDiscreteActionsList()).containsExactly(0, 0);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void behaviorsMayAppearLaterAndBeDescribedEarly(Transport transport) {
    String other = "Other?team=1";
    UnityMessageProto described =
        Says.ok(
            Says.firstAgents(BRANCHES, waits(0)).getUnityOutput().toBuilder()
                .setRlInitializationOutput(
                    Says.firstAgents(BRANCHES)
                        .getUnityOutput()
                        .getRlInitializationOutput()
                        .toBuilder()
                        .addBrainParameters(Says.brain(other, List.of(4)))));
    UnityRLOutputProto.Builder both =
        Says.output(waits(0))
            .putAgentInfos(
                other,
                UnityRLOutputProto.ListAgentInfoProto.newBuilder().addValue(waits(1)).build())
            .putAgentInfos(
                "Silent",
                UnityRLOutputProto.ListAgentInfoProto.newBuilder().addValue(waits(2)).build());
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello(),
            Says.loaded(),
            described,
            Says.ok(UnityOutputProto.newBuilder().setRlOutput(both)),
            Says.agents(waits(0)));
    try (UnityEnvironment env = transport.open(player)) {
      env.reset();
      assertThat(env.behaviorSpecs()).containsOnlyKeys(Says.WALKER);
      env.step();
      assertThat(env.behaviorSpecs()).containsOnlyKeys(Says.WALKER, other);
      assertThat(env.behaviorSpecs().get(other).actions().branches()).containsExactly(4);
      env.setActions(other, ActionTuple.oneBranch(3));
      env.step();
      assertThat(env.steps(other).decisions().size()).isZero();
    }
    assertThat(input(player, 3).getAgentActionsMap()).containsOnlyKeys(Says.WALKER, other);
    assertThat(input(player, 3).getAgentActionsOrThrow(other).getValue(0).getDiscreteActionsList())
        .containsExactly(3);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void sideChannelsTravelBothWays(Transport transport) {
    String stat = "b7f7d8a1c8cef950b78bd3e165a785200d00000001000000610000003f02000000";
    UnityMessageProto first = Says.firstAgents(BRANCHES, waits(0));
    UnityMessageProto withStat =
        Says.ok(
            first.getUnityOutput().toBuilder()
                .setRlOutput(
                    Says.output(waits(0))
                        .setSideChannel(ByteString.copyFrom(HexFormat.of().parseHex(stat)))));
    ScriptedPlayer player =
        new ScriptedPlayer(Says.hello(), Says.loaded(), withStat, Says.agents(waits(0)));
    EnvironmentParametersChannel parameters = new EnvironmentParametersChannel();
    StatsChannel stats = new StatsChannel();
    parameters.set("gridSize", 5f);
    try (UnityEnvironment env = transport.open(player, b -> b.sideChannels(parameters, stats))) {
      env.reset();
      assertThat(stats.drain()).containsOnlyKeys("a");
      env.step();
    }
    assertThat(HexFormat.of().formatHex(input(player, 1).getSideChannel().toByteArray()))
        .isEqualTo(
            "1e894c530f81ea11a9d082248586040014000000080000006772696453697a65000000000000a040");
    assertThat(input(player, 2).getSideChannel().isEmpty()).as("sent once").isTrue();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void seedAndAreasReachThePlayer(Transport transport) {
    ScriptedPlayer player = new ScriptedPlayer(Says.hello(), Says.loaded());
    try (UnityEnvironment env = transport.open(player, b -> b.seed(-5).areas(9))) {
      assertThat(env.port().isPresent()).isEqualTo(transport == Transport.TCP);
    }
    var welcome = player.replies().get(0).getUnityInput().getRlInitializationInput();
    assertThat(welcome.getSeed()).isEqualTo(-5);
    assertThat(welcome.getNumAreas()).isEqualTo(9);
    // Closed before the first reset: the second message is told to stop.
    assertThat(player.replies().get(1).getHeader().getStatus()).isEqualTo(400);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void bothEndsSayWhatTheyCan(Transport transport) {
    Capabilities no = new Capabilities(true, false, false, false, false, false, false);
    ScriptedPlayer player = new ScriptedPlayer(Says.hello(), Says.loaded());
    try (UnityEnvironment env = transport.open(player, b -> b.capabilities(no))) {
      assertThat(env.playerCapabilities()).isEqualTo(no);
    }
    var welcome = player.replies().get(0).getUnityInput().getRlInitializationInput();
    assertThat(Capabilities.of(welcome.getCapabilities())).isEqualTo(no);
    // Each of the seven has a place of its own.
    for (int i = 0; i < 7; i++) {
      Capabilities one = new Capabilities(i == 0, i == 1, i == 2, i == 3, i == 4, i == 5, i == 6);
      assertThat(one.proto().toByteArray()).containsExactly(8 * (i + 1), 1);
      assertThat(Capabilities.of(one.proto())).isEqualTo(one);
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void aClosedEnvironmentStaysClosed(Transport transport) {
    ScriptedPlayer player =
        new ScriptedPlayer(Says.hello(), Says.loaded(), Says.firstAgents(BRANCHES, waits(0)));
    UnityEnvironment env = transport.open(player);
    env.reset();
    env.close();
    env.close();
    assertThatThrownBy(env::step)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the environment is closed; open a new one");
  }

  @Test
  void wrongActionsAreNamed() {
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello(), Says.loaded(), Says.firstAgents(BRANCHES, waits(4), waits(6)));
    try (UnityEnvironment env = Transport.IN_PROCESS.open(player)) {
      assertThatThrownBy(() -> env.steps("Wlker"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("no behavior \"Wlker\"; known are []: call reset() first");
      env.reset();
      assertThatThrownBy(() -> env.setActions("Wlker", ActionTuple.oneBranch(0)))
          .hasMessage("no behavior \"Wlker\"; known are [Walker?team=0]");
      assertThatThrownBy(() -> env.setActions(Says.WALKER, ActionTuple.oneBranch(0)))
          .hasMessage(
              "Walker?team=0: actions for 1 agents, but 2 wait for one; give one row per agent of"
                  + " the decision steps, in their order");
      assertThatThrownBy(() -> env.setActions(Says.WALKER, ActionTuple.oneBranch(0, 0)))
          .hasMessage(
              "Walker?team=0: row 0 has 0 continuous and 1 discrete actions; the behavior has 0"
                  + " continuous and branches [3, 2]");
      assertThatThrownBy(
              () ->
                  env.setActions(
                      Says.WALKER, ActionTuple.discrete(new int[] {0, 0}, new int[] {0, 2})))
          .hasMessage("Walker?team=0: row 1, branch 1: action 2 is outside 0 to 1");
      assertThatThrownBy(
              () -> env.setActionForAgent(Says.WALKER, 5, ActionTuple.discrete(new int[] {0, 0})))
          .hasMessage("Walker?team=0: agent 5 is not among these steps; here are [4, 6]");
    }
  }

  @Test
  void continuousActionsMustBeFinite() {
    ActionSpec spec = new ActionSpec(2, List.of());
    spec.check("B", ActionTuple.continuous(new float[] {1f, -1f}), 1);
    assertThatThrownBy(
            () -> spec.check("B", ActionTuple.continuous(new float[] {1f, Float.NaN}), 1))
        .hasMessage("B: row 0, continuous action 1 is NaN; it must be finite");
    assertThatThrownBy(() -> new ActionTuple(new float[1][0], new int[2][0]))
        .hasMessage(
            "actions: 1 rows of continuous but 2 of discrete actions; both need one row per agent"
                + " (of length 0 if unused)");
    assertThatThrownBy(() -> new ActionSpec(0, List.of(2, 0)))
        .hasMessage(
            "actions: 0 continuous and branches [2, 0]; sizes must not be negative and every branch"
                + " needs a choice");
  }

  @Test
  void kindsOfActionsAreToldApart() {
    assertThat(ActionSpec.continuous(2)).isEqualTo(new ActionSpec(2, List.of()));
    assertThat(ActionSpec.discrete(3, 2)).isEqualTo(new ActionSpec(0, BRANCHES));
    assertThat(ActionSpec.continuous(2).isContinuous()).isTrue();
    assertThat(ActionSpec.continuous(2).isDiscrete()).isFalse();
    assertThat(ActionSpec.discrete(3).isContinuous()).isFalse();
    assertThat(ActionSpec.discrete(3).isDiscrete()).isTrue();
    for (ActionSpec neither : List.of(new ActionSpec(1, BRANCHES), ActionSpec.continuous(0))) {
      assertThat(neither.isContinuous()).isFalse();
      assertThat(neither.isDiscrete()).isFalse();
    }
  }

  @Test
  void randomActionsFitAndReachEveryChoice() {
    ActionSpec spec = new ActionSpec(1, BRANCHES);
    ActionTuple random = spec.random(new Random(1), 200);
    spec.check("B", random, 200);
    assertThat(Arrays.stream(random.discrete()).map(row -> row[0])).contains(0, 1, 2);
    assertThat(Arrays.stream(random.discrete()).map(row -> row[1])).contains(0, 1);
    assertThat(Arrays.stream(random.continuous()).map(row -> row[0]))
        .anyMatch(v -> v < -0.5f)
        .anyMatch(v -> v > 0.5f)
        .allMatch(v -> v >= -1f && v < 1f);
    assertThat(spec.empty(2))
        .usingRecursiveComparison()
        .isEqualTo(new ActionTuple(new float[2][1], new int[2][2]));
  }

  @Test
  void settingsAreChecked() {
    assertThatThrownBy(() -> UnityEnvironment.editor().workerId(1).open())
        .hasMessage("worker id 1: there is one Unity Editor, so its worker id must be 0");
    assertThatThrownBy(() -> UnityEnvironment.listen(65536))
        .hasMessage("port 65536 must be 1 to 65535, or 0 for any");
    assertThatThrownBy(() -> UnityEnvironment.editor().workerId(-1))
        .hasMessage("worker id -1 must not be negative");
    assertThatThrownBy(() -> UnityEnvironment.editor().timeoutWait(Duration.ZERO))
        .hasMessage("timeoutWait PT0S must be positive");
  }
}
