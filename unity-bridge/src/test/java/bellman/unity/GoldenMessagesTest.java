package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLOutputProto;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages captured from the official packages, byte for byte. */
class GoldenMessagesTest {
  private static final String GRID_WORLD = "GridWorld?team=0";

  private static final String HELLO =
      "0a0308c801123212300a1041636164656d7953696e676c65746f6e1205312e352e303a05332e302e30420e080110"
          + "0118012001280130013801";
  private static final String WELCOME =
      "0a0308c8011a24122208071205312e352e301a05312e312e30220e08011001180120012801300138012801";
  private static final String LOADED = "0a0308c801";
  private static final String RESET = "0a0308c8011a040a022001";
  private static final String FIRST_AGENTS =
      "0a0308c801128d010a6c126a0a1047726964576f726c643f7465616d3d3012560a543d0ad723bc50035a05000001"
          + "00016a200a0303405410011a0489504e473203010202420c43616d65726153656e736f726a220a0102220a"
          + "0a08000000000000803f3201013801420c566563746f7253656e736f72121d2a1b3a1047726964576f726c"
          + "643f7465616d3d3040014a0510011a0105";
  private static final String ACTIONS =
      "0a0308c8011a2e0a2c0a2a0a1047726964576f726c643f7465616d3d3012160a090a04000040403a01030a090a04"
          + "000000003a0100";
  private static final String STOP = "0a03089003";

  @ParameterizedTest
  @EnumSource(Transport.class)
  void theTrainerAnswersAsTheOfficialOneDoes(Transport transport) throws Exception {
    ScriptedPlayer player =
        new ScriptedPlayer(
            message(HELLO), message(LOADED), message(FIRST_AGENTS), twoAgents(), message(LOADED));
    try (UnityEnvironment env = transport.open(player, b -> b.seed(7))) {
      assertThat(env.packageVersion()).isEqualTo("3.0.0");
      env.reset();
      checkFirstAgents(env);
      env.setActions(GRID_WORLD, ActionTuple.oneBranch(1));
      env.step();
      env.setActions(GRID_WORLD, ActionTuple.oneBranch(3, 0));
      env.step();
    }
    assertThat(player.replies()).hasSize(5);
    assertThat(player.replies().get(0)).isEqualTo(message(WELCOME));
    assertThat(player.replies().get(1)).isEqualTo(message(RESET));
    assertThat(player.replies().get(3)).isEqualTo(message(ACTIONS));
    assertThat(player.replies().get(4)).isEqualTo(message(STOP));
  }

  private static void checkFirstAgents(UnityEnvironment env) {
    assertThat(env.behaviorSpecs())
        .containsOnlyKeys(GRID_WORLD)
        .containsValue(
            new BehaviorSpec(
                GRID_WORLD,
                List.of(
                    new ObservationSpec(
                        "CameraSensor",
                        List.of(3, 64, 84),
                        List.of(
                            DimensionProperty.NONE,
                            DimensionProperty.TRANSLATIONAL_EQUIVARIANCE,
                            DimensionProperty.TRANSLATIONAL_EQUIVARIANCE),
                        ObservationType.DEFAULT,
                        ObservationSpec.Layout.CHW),
                    new ObservationSpec(
                        "VectorSensor",
                        List.of(2),
                        List.of(DimensionProperty.NONE),
                        ObservationType.GOAL_SIGNAL,
                        ObservationSpec.Layout.PLAIN)),
                new ActionSpec(0, List.of(5))));
    DecisionStep agent = env.steps(GRID_WORLD).decisions().agent(3);
    assertThat(agent.reward()).isEqualTo(-0.01f);
    assertThat(agent.mask(0)).containsExactly(false, false, true, false, true);
    assertThat(agent.values(1)).containsExactly(0f, 1f);
    assertThat(env.steps(GRID_WORLD).terminals().size()).isZero();
  }

  /** The golden message's agent and a second one, so that the golden reply's two actions fit. */
  private static UnityMessageProto twoAgents() throws InvalidProtocolBufferException {
    UnityMessageProto.Builder message = message(FIRST_AGENTS).toBuilder();
    message.getUnityOutputBuilder().clearRlInitializationOutput();
    UnityRLOutputProto.Builder output = message.getUnityOutputBuilder().getRlOutputBuilder();
    AgentInfoProto agent = output.getAgentInfosOrThrow(GRID_WORLD).getValue(0);
    output.putAgentInfos(
        GRID_WORLD,
        UnityRLOutputProto.ListAgentInfoProto.newBuilder()
            .addValue(agent)
            .addValue(agent.toBuilder().setId(4))
            .build());
    return message.build();
  }

  private static UnityMessageProto message(String hex) throws InvalidProtocolBufferException {
    return UnityMessageProto.parseFrom(HexFormat.of().parseHex(hex));
  }
}
