package bellman.unity.player;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.unity.player.EnvironmentParameters.Parameter;
import bellman.unity.player.EnvironmentParameters.Parameter.Kind;
import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnvironmentParametersTest {
  static final String GRID_SIZE_3 =
      "1e894c530f81ea11a9d082248586040014000000 08000000 6772696453697a65 00000000 00004040";
  static final String GRID_SIZE_1 =
      "1e894c530f81ea11a9d082248586040014000000 08000000 6772696453697a65 00000000 0000803f";
  static final String GRID_SIZE_3_TO_7 =
      "1e894c530f81ea11a9d082248586040020000000 08000000 6772696453697a65 01000000 2a000000"
          + " 00000000 00004040 0000e040";
  static final String TIME_SCALE_100 = "2c3451e97e4fea11b238784f4387d1f708000000 02000000 0000c842";

  private final List<Parameter> parameters = new ArrayList<>();
  private final List<Float> timeScales = new ArrayList<>();

  private void read(String hex) {
    ByteString bytes = ByteString.copyFrom(HexFormat.of().parseHex(hex.replace(" ", "")));
    new SideChannelRecords().read(bytes, parameters::add, timeScales::add);
  }

  @Test
  void readsTheRecordsThatTrainersSend() {
    read(GRID_SIZE_3 + GRID_SIZE_3_TO_7 + TIME_SCALE_100);
    assertThat(parameters)
        .containsExactly(
            Parameter.of("gridSize", Kind.VALUE, 0, List.of(3f)),
            Parameter.of("gridSize", Kind.UNIFORM, 42, List.of(3f, 7f)));
    assertThat(timeScales).containsExactly(100f);
  }

  @Test
  void readsGaussianAndMultiRangeSamplers() {
    String head = "1e894c530f81ea11a9d0822485860400";
    read(
        head
            + "19000000 01000000 61 01000000 05000000 01000000 0000803f 00000040"
            + head
            + "25000000 01000000 62 01000000 06000000 02000000 04000000 0000803f 00000040 00004040 0000e040");
    assertThat(parameters)
        .containsExactly(
            Parameter.of("a", Kind.GAUSSIAN, 5, List.of(1f, 2f)),
            Parameter.of("b", Kind.MULTI_RANGE, 6, List.of(1f, 2f, 3f, 7f)));
  }

  @Test
  void whatCannotBeUnderstoodIsSkippedAndTheRestRead() {
    String head = "1e894c530f81ea11a9d0822485860400";
    read(
        "00112233445566778899aabbccddeeff 02000000 abcd" // nobody's channel
            + head
            + "11000000 01000000 61 01000000 05000000 09000000" // no such sampler
            + head
            + "09000000 01000000 61 07000000" // no such kind
            + head
            + "15000000 01000000 62 01000000 06000000 02000000 00000000" // no ranges
            + GRID_SIZE_3);
    assertThat(parameters).containsExactly(Parameter.of("gridSize", Kind.VALUE, 0, List.of(3f)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1e89",
        "1e894c530f81ea11a9d0822485860400ffffff7f08000000",
        "1e894c530f81ea11a9d0822485860400ffffffff08000000"
      })
  void cutOrLyingRecordsAreDropped(String hex) {
    read(GRID_SIZE_3 + hex);
    assertThat(parameters).hasSize(1);
  }

  private static double[] draws(Kind kind, Float... numbers) {
    EnvironmentParameters parameters = new EnvironmentParameters();
    parameters.set(Parameter.of("p", kind, 3, List.of(numbers)));
    double[] draws = new double[20_000];
    for (int i = 0; i < draws.length; i++) {
      draws[i] = parameters.read("p", -1);
    }
    return draws;
  }

  private static double mean(double[] x) {
    return Arrays.stream(x).average().orElseThrow();
  }

  private static double deviation(double[] x) {
    double m = mean(x);
    return Math.sqrt(Arrays.stream(x).map(v -> (v - m) * (v - m)).average().orElseThrow());
  }

  @Test
  void samplersDrawAnewFromTheirDistribution() {
    double[] uniform = draws(Kind.UNIFORM, 3f, 7f);
    assertThat(Arrays.stream(uniform).boxed()).allMatch(v -> v >= 3 && v <= 7);
    assertThat(mean(uniform)).isCloseTo(5, within(0.03));
    assertThat(deviation(uniform)).isCloseTo(4 / Math.sqrt(12), within(0.03));

    double[] gaussian = draws(Kind.GAUSSIAN, 5f, 2f);
    assertThat(mean(gaussian)).isCloseTo(5, within(0.05));
    assertThat(deviation(gaussian)).isCloseTo(2, within(0.05));

    double[] ranges = draws(Kind.MULTI_RANGE, 0f, 1f, 10f, 13f);
    assertThat(Arrays.stream(ranges).boxed()).allMatch(v -> v >= 0 && v <= 1 || v >= 10 && v <= 13);
    long low = Arrays.stream(ranges).filter(v -> v <= 1).count();
    assertThat(low / 20_000.0).isCloseTo(0.25, within(0.015));
  }

  @Test
  void unknownNamesReadAsTheDefaultAndLaterValuesReplace() {
    EnvironmentParameters parameters = new EnvironmentParameters();
    assertThat(parameters.read("gridSize", 5)).isEqualTo(5f);
    parameters.set("gridSize", 4);
    parameters.set("gridSize", 6);
    assertThat(parameters.read("gridSize", 5)).isEqualTo(6f);
  }

  @Test
  void aSamplerWithoutItsNumbersIsAnError() {
    assertThatThrownBy(() -> Parameter.of("gridSize", Kind.UNIFORM, 0, List.of(3f)))
        .hasMessage(
            "environment parameter 'gridSize': UNIFORM cannot be made of the numbers [3.0]; a value takes 1, uniform and gaussian 2, multi-range pairs");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void aSizeThatIsNoNumberIsAnError(float value) {
    GridWorld world = new GridWorld(GridWorldOptions.defaults(), 1);
    world.parameters().set("gridSize", value);
    assertThatThrownBy(() -> world.begin(0))
        .hasMessage(
            "gridworld: environment parameter gridSize is " + value + "; send a finite number");
  }

  @Test
  void parametersAreCutToIntegersAtEachEpisode() {
    GridWorld world = new GridWorld(GridWorldOptions.defaults(), 1);
    world.parameters().set("gridSize", 3.9f);
    world.parameters().set("numPlusGoals", 2);
    world.parameters().set("numExGoals", 3);
    world.begin(0);
    GridAreaState s = world.area(0).state();
    assertThat(s.gridSize()).isEqualTo(3);
    assertThat(s.pluses()).hasSize(2);
    assertThat(s.exes()).hasSize(3);
  }
}
