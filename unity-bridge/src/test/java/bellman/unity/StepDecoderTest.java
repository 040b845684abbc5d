package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.SpaceTypeProto;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StepDecoderTest {
  private static final List<Integer> CHW = List.of(1, 2, 2);
  private static final List<Integer> HWC = List.of(2, 2, 1);

  /** Height 1, width 2: pixels (1, 2, 3) and (4, 5, 6). */
  private static final byte[] PIXELS = {1, 2, 3, 4, 5, 6};

  private static final byte[] PNG = Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6);
  private static final float[] IN_CHW = {
    1 / 255f, 4 / 255f, 2 / 255f, 5 / 255f, 3 / 255f, 6 / 255f
  };
  private static final float[] IN_HWC = {
    1 / 255f, 2 / 255f, 3 / 255f, 4 / 255f, 5 / 255f, 6 / 255f
  };

  private static Steps decode(String packageVersion, AgentInfoProto... agents) {
    return decode(packageVersion, List.of(3, 2), agents);
  }

  private static Steps decode(
      String packageVersion, List<Integer> branches, AgentInfoProto... agents) {
    StepDecoder decoder = new StepDecoder(packageVersion);
    BehaviorSpec spec = decoder.spec(Says.brain(Says.WALKER, branches), agents[0]);
    return decoder.steps(spec, List.of(agents));
  }

  private static ObservationBatch only(String packageVersion, ObservationProto observation) {
    return decode(packageVersion, Says.agent(0, 0f, observation)).decisions().observation(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.0.0-exp.1", "3.0.0", "4.0.1"})
  void pngOfBothLayoutsGivesTheSamePixels(String packageVersion) {
    ObservationBatch chw = only(packageVersion, Says.png(List.of(3, 1, 2), CHW, List.of(), PNG));
    assertThat(chw.spec().layout()).isEqualTo(ObservationSpec.Layout.CHW);
    assertThat(sizes(chw.spec())).containsExactly(1, 2, 3);
    assertThat(chw.compressed(0)).isTrue();
    assertThat(chw.pixels(0)).containsExactly(PIXELS);
    assertThat(chw.values(0)).containsExactly(IN_CHW);

    ObservationBatch hwc = only(packageVersion, Says.png(List.of(1, 2, 3), HWC, List.of(), PNG));
    assertThat(hwc.spec().layout()).isEqualTo(ObservationSpec.Layout.HWC);
    assertThat(sizes(hwc.spec())).containsExactly(1, 2, 3);
    assertThat(hwc.pixels(0)).containsExactly(PIXELS);
    assertThat(hwc.values(0)).containsExactly(IN_HWC);
  }

  @ParameterizedTest
  @CsvSource({"1.0.8, HWC", "2.3.0-exp.3, HWC", "3.0.0-exp.1, CHW", "4.0.3, CHW", "unknown, CHW"})
  void withoutPropertiesThePackageDecidesTheLayout(
      String packageVersion, ObservationSpec.Layout layout) {
    ObservationBatch batch =
        only(packageVersion, Says.png(List.of(3, 3, 3), List.of(), List.of(), PNG));
    assertThat(batch.spec().layout()).isEqualTo(layout);
    assertThat(batch.spec().dimensions())
        .containsExactly(
            DimensionProperty.UNSPECIFIED,
            DimensionProperty.UNSPECIFIED,
            DimensionProperty.UNSPECIFIED);
  }

  @ParameterizedTest
  @CsvSource({
    "2.3.0, false",
    "3.0.0-exp.1, true",
    "3.0.0, true",
    "4.0.0, true",
    "4.0.1, false",
    "4.1.0, false"
  })
  void numbersOfSomePackagesLieOtherThanDeclared(String packageVersion, boolean scrambled) {
    ObservationBatch batch =
        only(packageVersion, Says.numbers(List.of(3, 1, 2), CHW, scrambled ? IN_HWC : IN_CHW));
    assertThat(batch.compressed(0)).isFalse();
    assertThat(batch.values(0)).containsExactly(IN_CHW);
    assertThat(batch.pixels(0)).containsExactly(PIXELS);
  }

  @Test
  void numbersDeclaredHwcStayAsTheyAre() {
    ObservationBatch batch = only("3.0.0", Says.numbers(List.of(1, 2, 3), HWC, IN_HWC));
    assertThat(batch.values(0)).containsExactly(IN_HWC);
    assertThat(batch.pixels(0)).containsExactly(PIXELS);
  }

  @Test
  void averagesAreNotRounded() {
    byte[] colour = Pngs.rgb(1, 1, 10, 20, 31);
    ObservationBatch gray = only("3.0.0", Says.png(List.of(1, 1, 1), CHW, List.of(), colour));
    assertThat(gray.values(0)).containsExactly(61f / 3 / 255f);
    assertThat(gray.pixels(0)).containsExactly(20);
  }

  @Test
  void aBatchFillsOneBuffer() {
    byte[] other = Pngs.rgb(1, 2, 7, 8, 9, 10, 11, 12);
    ObservationBatch batch =
        decode(
                "3.0.0",
                Says.agent(4, 0f, Says.png(List.of(3, 1, 2), CHW, List.of(), PNG)),
                Says.agent(2, 0f, Says.png(List.of(3, 1, 2), CHW, List.of(), other)))
            .decisions()
            .observation(0);
    ByteBuffer pixels = ByteBuffer.allocate(14).position(1);
    batch.pixels(pixels);
    assertThat(pixels.position()).isEqualTo(13);
    assertThat(pixels.array()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0);
    float[] values = new float[13];
    batch.values(values, 1);
    assertThat(values[0]).isZero();
    assertThat(values[6]).isEqualTo(6 / 255f);
    assertThat(values[7]).isEqualTo(7 / 255f);
    assertThat(values[8]).isEqualTo(10 / 255f);
  }

  @Test
  void manyPicturesFillAnyKindOfBufferInOrder() {
    AgentInfoProto[] agents = new AgentInfoProto[100];
    for (int i = 0; i < agents.length; i++) {
      byte[] png = Pngs.rgb(1, 2, i, i, i, i, i, 255);
      agents[i] = Says.agent(i, 0f, Says.png(List.of(3, 1, 2), CHW, List.of(), png));
    }
    ObservationBatch batch = decode("3.0.0", agents).decisions().observation(0);
    for (ByteBuffer buffer : List.of(ByteBuffer.allocate(600), ByteBuffer.allocateDirect(600))) {
      batch.pixels(buffer);
      for (int i = 0; i < agents.length; i++) {
        assertThat(buffer.get(6 * i)).isEqualTo((byte) i);
        assertThat(buffer.get(6 * i + 5)).isEqualTo((byte) 255);
      }
      assertThat(buffer.remaining()).isZero();
    }
    ByteBuffer slice = ByteBuffer.allocate(607).position(3).slice();
    batch.pixels(99, slice);
    assertThat(slice.array()[2]).isZero();
    assertThat(slice.array()[3]).isEqualTo((byte) 99);
    assertThatThrownBy(() -> batch.pixels(ByteBuffer.allocate(599)))
        .isInstanceOf(BufferOverflowException.class);
    assertThatThrownBy(() -> batch.values(new float[601], 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void ofManyBadPicturesTheFirstIsNamed() {
    AgentInfoProto[] agents = new AgentInfoProto[50];
    for (int i = 0; i < agents.length; i++) {
      byte[] png = i < 20 ? PNG : new byte[] {1};
      agents[i] = Says.agent(i, 0f, Says.png(List.of(3, 1, 2), CHW, List.of(), png));
    }
    ObservationBatch batch = decode("3.0.0", agents).decisions().observation(0);
    for (int round = 0; round < 20; round++) {
      assertThatThrownBy(() -> batch.pixels(ByteBuffer.allocate(300)))
          .hasMessage(
              "Walker?team=0: agent 20, observation \"Camera\" cannot be decoded: not a PNG: 1"
                  + " bytes without its signature");
    }
  }

  @Test
  void compressionMayDifferBetweenAgents() {
    ObservationBatch batch =
        decode(
                "4.0.1",
                Says.agent(0, 0f, Says.png(List.of(3, 1, 2), CHW, List.of(), PNG)),
                Says.agent(1, 0f, Says.numbers(List.of(3, 1, 2), CHW, IN_CHW)))
            .decisions()
            .observation(0);
    assertThat(batch.compressed(0)).isTrue();
    assertThat(batch.compressed(1)).isFalse();
    assertThat(batch.pixels(1)).containsExactly(batch.pixels(0));
  }

  @Test
  void listsOfVariableLengthAreNoImages() {
    ObservationBatch batch =
        only("3.0.0", Says.numbers(List.of(2, 3), List.of(4, 1), 1, 2, 3, 0, 0, 0));
    assertThat(batch.spec().isVisual()).isFalse();
    assertThat(batch.spec().dimensions())
        .containsExactly(DimensionProperty.VARIABLE_SIZE, DimensionProperty.NONE);
    assertThat(batch.values(0)).containsExactly(1, 2, 3, 0, 0, 0);
    assertThatThrownBy(() -> batch.pixels(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("observation \"Sensor\" of shape [2, 3] is not an image; ask isVisual() first");
  }

  @Test
  void shapesThatNoArrayCanHoldAreRefused() {
    assertFails(Says.agent(0, 0f, Says.png(List.of(65536, 65536, 3), HWC, List.of(), PNG)))
        .hasMessage(
            "Walker?team=0: observation \"Camera\": shape [65536, 65536, 3] holds more than 2^31 - 1"
                + " numbers");
    assertFails(Says.agent(0, 0f, Says.png(List.of(20000, 20000, 3), HWC, List.of(), PNG)))
        .hasMessage(
            "Walker?team=0: agent 0, observation \"Camera\" has "
                + PNG.length
                + " bytes, which cannot be a picture of the shape [20000, 20000, 3]");
    assertFails(Says.agent(0, 0f, Says.png(List.of(500_000_000, 1, 2), CHW, List.of(), PNG)))
        .hasMessageEndingWith(" bytes, which cannot be a picture of the shape [500000000, 1, 2]");
  }

  @Test
  void endedAndWaitingAgentsAreToldApart() {
    AgentInfoProto ended =
        Says.agent(7, 1f, Says.vector(9)).toBuilder()
            .setDone(true)
            .setMaxStepReached(true)
            .setGroupId(2)
            .setGroupReward(0.5f)
            .build();
    Steps steps =
        decode(
            "3.0.0",
            ended,
            Says.agent(8, 2f, Says.vector(8)).toBuilder().setDone(true).build(),
            Says.agent(7, 0f, Says.vector(1)),
            Says.agent(3, -1f, Says.vector(2)));
    assertThat(steps.decisions().agentIds()).containsExactly(7, 3);
    assertThat(steps.decisions().rewards()).containsExactly(0f, -1f);
    assertThat(steps.decisions().indexOf(3)).isEqualTo(1);
    assertThat(steps.decisions().agent(3).values(0)).containsExactly(2);
    assertThat(steps.terminals().agentIds()).containsExactly(7, 8);
    assertThat(steps.terminals().interrupted()).containsExactly(true, false);
    assertThat(steps.terminals().agent(7).interrupted()).isTrue();
    assertThat(steps.terminals().agent(7).values(0)).containsExactly(9);
    assertThat(steps.decisions().agents())
        .extracting(AgentStep::agentId, AgentStep::reward)
        .containsExactly(tuple(7, 0f), tuple(3, -1f));
    assertThat(steps.terminals().agents())
        .extracting(TerminalStep::agentId, AgentStep::groupId, AgentStep::groupReward)
        .containsExactly(tuple(7, 2, 0.5f), tuple(8, 0, 0f));
    assertThat(steps.terminals().groupIds()).containsExactly(2, 0);
    assertThat(steps.terminals().groupRewards()).containsExactly(0.5f, 0f);
    assertThatThrownBy(() -> steps.decisions().agent(8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Walker?team=0: agent 8 is not among these steps; here are [7, 3]");
  }

  @Test
  void masksAreSplitByBranch() {
    AgentInfoProto masked =
        Says.agent(0, 0f, Says.vector(1)).toBuilder()
            .addAllActionMask(List.of(false, true, false, true, false))
            .build();
    AgentInfoProto unmasked = Says.agent(1, 0f, Says.vector(1));
    AgentInfoProto wrongLength = masked.toBuilder().setId(2).addActionMask(true).build();
    DecisionSteps steps = decode("3.0.0", masked, unmasked, wrongLength).decisions();
    assertThat(steps.mask(0)).hasDimensions(3, 3);
    assertThat(steps.mask(0)[0]).containsExactly(false, true, false);
    assertThat(steps.mask(1)[0]).containsExactly(true, false);
    assertThat(steps.mask(1)[1]).containsExactly(false, false);
    assertThat(steps.mask(0)[2]).containsExactly(false, false, false);
    assertThat(steps.forbidden(0, 1, 0)).isTrue();
    assertThat(steps.forbidden(0, 1, 1)).isFalse();
    assertThat(steps.forbidden(1, 1, 0)).isFalse();
    assertThatThrownBy(() -> steps.forbidden(0, 1, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Walker?team=0: branch 1 has the actions 0 to 1, not 2");
  }

  @Test
  void oldPlayersDescribeActionsOtherwise() {
    StepDecoder decoder = new StepDecoder("1.0.0");
    BrainParametersProto.Builder brain =
        BrainParametersProto.newBuilder().setBrainName("B").addVectorActionSizeDeprecated(4);
    AgentInfoProto agent = Says.agent(0, 0f, Says.vector(1));
    assertThat(decoder.spec(brain.build(), agent).actions())
        .isEqualTo(new ActionSpec(0, List.of(4)));
    brain.setVectorActionSpaceTypeDeprecated(SpaceTypeProto.continuous);
    assertThat(decoder.spec(brain.build(), agent).actions())
        .isEqualTo(new ActionSpec(4, List.of()));
  }

  @Test
  void whatNobodyCouldLearnFromIsRefused() {
    assertFails(Says.agent(5, Float.NaN, Says.vector(1)))
        .hasMessage(
            "Walker?team=0: agent 5, reward is NaN; it must be finite. Look for a division by zero"
                + " or a missing object where the scene adds rewards.");
    assertFails(
            Says.agent(5, 0f, Says.vector(1)).toBuilder()
                .setGroupReward(Float.NEGATIVE_INFINITY)
                .build())
        .hasMessageStartingWith("Walker?team=0: agent 5, group reward is -Infinity; ");
    assertFails(Says.agent(5, 0f, Says.vector(1, 2, Float.POSITIVE_INFINITY)))
        .hasMessage(
            "Walker?team=0: agent 5, observation \"Sensor\" holds Infinity at index 2; every number"
                + " must be finite. Look for a division by zero or a missing object where the scene"
                + " collects observations.");
    assertFails(Says.agent(5, 0f, Says.vector(1).toBuilder().clearShape().addShape(3).build()))
        .hasMessage(
            "Walker?team=0: agent 5, observation \"Sensor\" holds 1 numbers but its shape [3] needs"
                + " 3");
    assertFails(Says.agent(0, 0f, Says.vector(1)), Says.agent(6, 0f, Says.vector(1, 2)))
        .hasMessage(
            "Walker?team=0: agent 6, observation \"Sensor\" has the shape [2] but the behavior's"
                + " first agent had [1]; agents that share a behavior name need the same sensors");
    assertFails(Says.agent(0, 0f, Says.vector(1)), Says.agent(6, 0f))
        .hasMessage(
            "Walker?team=0: agent 6 has 0 observations but the behavior has 1; agents that share a"
                + " behavior name need the same sensors");
    assertFails(Says.agent(5, 0f, Says.png(List.of(3), List.of(1), List.of(), PNG)))
        .hasMessage(
            "Walker?team=0: agent 5, observation \"Camera\" is compressed but its shape [3] is no"
                + " image");
  }

  @Test
  void aBadPictureNamesItsAgent() {
    ObservationBatch batch =
        decode("3.0.0", Says.agent(5, 0f, Says.png(List.of(3, 2, 2), CHW, List.of(), PNG)))
            .decisions()
            .observation(0);
    assertThatThrownBy(() -> batch.pixels(0))
        .isInstanceOf(UnityException.class)
        .hasMessage(
            "Walker?team=0: agent 5, observation \"Camera\" cannot be decoded: the PNG is 2 wide and"
                + " 1 high, but the observation is 2 wide and 2 high");
    ObservationBatch turned = only("3.0.0", Says.png(List.of(1, 2, 3), CHW, List.of(), PNG));
    assertThatThrownBy(() -> turned.values(0))
        .hasMessage(
            "Walker?team=0: agent 0, observation \"Camera\" cannot be decoded: the PNG is 2 wide and"
                + " 1 high, but the observation is 3 wide and 2 high. The shape [1, 2, 3] would fit if"
                + " read as height, width, channels: the sensor's dimension properties, or the"
                + " player's package version, say otherwise; give its channel axis the property None"
                + " and the others TranslationalEquivariance");
    ObservationBatch grid = only("4.0.1", Says.numbers(List.of(1, 1, 1), CHW, 1.5f));
    assertThat(grid.values(0)).containsExactly(1.5f);
    assertThatThrownBy(() -> grid.pixels(0))
        .isInstanceOf(UnityException.class)
        .hasMessage(
            "Walker?team=0: agent 0, observation \"Sensor\" holds 1.5, which is no pixel: only"
                + " numbers in 0 … 1 become bytes. Read values() instead.");
  }

  private static int[] sizes(ObservationSpec spec) {
    return new int[] {spec.height(), spec.width(), spec.channels()};
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertFails(
      AgentInfoProto... agents) {
    return assertThatThrownBy(() -> decode("3.0.0", agents)).isInstanceOf(UnityException.class);
  }
}
