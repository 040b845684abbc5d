package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.ObservationProto;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

class ImageWatchTest {
  private static final List<Integer> SHAPE = List.of(3, 1, 2);
  private static final List<Integer> CHW = List.of(1, 2, 2);
  private static final String REMEDY =
      "Check that its camera looks at the scene and is rendered for every decision, and that the"
          + " player was not started with -nographics.";

  private static ObservationProto picture(int... pixels) {
    return Says.png(SHAPE, CHW, List.of(), Pngs.rgb(1, 2, pixels));
  }

  /** What is logged when each message holds one agent that sees this. */
  private static List<String> log(boolean noGraphics, int n, IntFunction<ObservationProto> sees) {
    Behaviors behaviors = new Behaviors("4.0.1", noGraphics);
    return Logged.warnings(
        UnityEnvironment.class,
        () -> {
          for (int i = 0; i < n; i++) {
            AgentInfoProto agent = Says.agent(0, 0f, Says.vector(0), sees.apply(i));
            behaviors.understand(
                (i == 0 ? Says.firstAgents(List.of(2), agent) : Says.agents(agent))
                    .getUnityOutput());
          }
        });
  }

  @Test
  void blackPicturesAreNamedWithTheirCause() {
    assertThat(log(true, 300, i -> picture(0, 0, 0, 0, 0, 0)))
        .containsExactly(
            "Walker?team=0: observation \"Camera\" was black everywhere over the first 100"
                + " decisions. The player runs without graphics (-nographics), where cameras see"
                + " nothing: start it with a window, on a server under xvfb-run.");
    assertThat(log(false, 99, i -> picture(0, 0, 0, 0, 0, 0))).as("too early").isEmpty();
  }

  @Test
  void oneColourAndOnePictureAreNamed() {
    assertThat(log(false, 100, i -> picture(49, 77, 121, 49, 77, 121)))
        .containsExactly(
            "Walker?team=0: observation \"Camera\" was (49, 77, 121) everywhere over the first 100"
                + " decisions. "
                + REMEDY);
    assertThat(log(false, 100, i -> picture(1, 2, 3, 4, 5, 6)))
        .containsExactly(
            "Walker?team=0: observation \"Camera\" was the same picture over the first 100"
                + " decisions. "
                + REMEDY);
    float[] half = new float[6];
    Arrays.fill(half, 0.5f);
    assertThat(log(false, 100, i -> Says.numbers(SHAPE, CHW, half)))
        .containsExactly(
            "Walker?team=0: observation \"Sensor\" was (128, 128, 128) everywhere over the first 100"
                + " decisions. "
                + REMEDY);
  }

  @Test
  void whatShowsAnythingIsLeftAlone() {
    assertThat(log(true, 200, i -> picture(i == 99 ? 1 : 0, 0, 0, 0, 0, 0))).isEmpty();
    assertThat(log(true, 200, i -> picture(i % 7, 2, 3, 4, 5, 6))).isEmpty();
    // Flashes of different colours are something to see.
    assertThat(log(true, 200, i -> picture(i, 0, 0, i, 0, 0))).isEmpty();
    // A picture that cannot be read is the reader's business.
    assertThat(log(true, 200, i -> Says.png(SHAPE, CHW, List.of(), new byte[] {(byte) i})))
        .isEmpty();
  }

  @Test
  void agentsOfOneMessageCountOneByOne() {
    Behaviors behaviors = new Behaviors("3.0.0", false);
    AgentInfoProto[] agents = new AgentInfoProto[101];
    for (int i = 0; i < agents.length; i++) {
      // The last one comes too late to be seen.
      agents[i] = Says.agent(i, 0f, picture(i == 100 ? 9 : 0, 0, 0, 0, 0, 0));
    }
    assertThat(
            Logged.warnings(
                UnityEnvironment.class,
                () -> behaviors.understand(Says.firstAgents(List.of(2), agents).getUnityOutput())))
        .hasSize(1);
  }
}
