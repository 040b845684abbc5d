package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Offset.offset;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Gradients;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.reference.ReferenceBackend;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.TrainLoop;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.TwoSensors;
import bellman.rl.env.UnityWorld;
import bellman.rl.replay.Frames;
import bellman.unity.RestartLimits;
import bellman.unity.UnityEnvironment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class QNetworkTest {
  private final Device device = new Device(ReferenceBackend.floats());
  private final Weights weights = new Weights(device, 3);

  @AfterEach
  void close() {
    device.close();
  }

  private static NetworkSettings settings(Encoder encoder, Integer units, Integer layers) {
    return new NetworkSettings(
        encoder,
        units == null ? OptionalInt.empty() : OptionalInt.of(units),
        layers == null ? OptionalInt.empty() : OptionalInt.of(layers));
  }

  private static Spec spec(Frame frame, int goals) {
    return new Spec("Test", frame, goals, 4);
  }

  private QNetwork network(Frame frame, int goals, NetworkSettings settings) {
    int fold = QNetwork.fold(spec(frame, goals), settings);
    QNetwork network = QNetwork.of(weights, spec(frame, goals), settings, fold);
    // whatever the world shows, the network takes it
    Frames frames = new Frames(device, spec(frame, goals), 2, fold);
    Observation o =
        new Observation(
            frame.hasPicture() ? new byte[frame.size()] : null,
            frame.hasVector() ? new float[frame.vector()] : null,
            0);
    int held = frames.hold(o, null);
    Tensor q = network.forward(frames.gather(device.tensor(new int[] {held}, Shape.of(1))));
    assertThat(q.shape()).isEqualTo(Shape.of(1, 4));
    return network;
  }

  /** Names and shapes as files have them, in order. */
  private String parameters() {
    Map<String, String> all = new LinkedHashMap<>();
    weights.layouts().forEach((name, layout) -> all.put(name, layout.file().toString()));
    return all.toString();
  }

  @Test
  void theTutorialsNetworkForGridWorld() {
    QNetwork network = network(Frame.picture(64, 84, 3), 2, NetworkSettings.DEFAULT);
    assertThat(weights.count()).isEqualTo(1_002_148);
    assertThat(parameters())
        .isEqualTo(
            "{conv1.weight=[32, 6, 8, 8], conv1.bias=[32], conv2.weight=[64, 32, 4, 4],"
                + " conv2.bias=[64], conv3.weight=[64, 64, 3, 3], conv3.bias=[64],"
                + " fc1.weight=[512, 1792], fc1.bias=[512], q.weight=[4, 512], q.bias=[4]}");
    assertThat(network)
        .hasToString(
            "[conv1 6→32 8×8 stride 4, relu, conv2 32→64 4×4 stride 2, relu, conv3 64→64 3×3 stride"
                + " 1, relu, flatten, fc1 1792→512, relu, q 512→4]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "NATURE_CNN | 0 |  0 | 0 | 5 | - | - | {fc1.weight=[128, 5], fc1.bias=[128],"
            + " fc2.weight=[128, 128], fc2.bias=[128], q.weight=[4, 128], q.bias=[4]}",
        "NATURE_CNN | 0 |  0 | 2 | 5 | 7 | 1 | {fc1.weight=[7, 10], fc1.bias=[7], q.weight=[4, 7],"
            + " q.bias=[4]}",
        "SIMPLE | 36 | 3 | 0 | 0 | 16 | 2 | {conv1.weight=[16, 3, 8, 8], conv1.bias=[16],"
            + " conv2.weight=[32, 16, 4, 4], conv2.bias=[32], fc1.weight=[16, 288], fc1.bias=[16],"
            + " fc2.weight=[16, 16], fc2.bias=[16], q.weight=[4, 16], q.bias=[4]}",
        "SIMPLE | 20 | 1 | 3 | 2 | 8 | - | {conv1.weight=[16, 3, 8, 8], conv1.bias=[16],"
            + " conv2.weight=[32, 16, 4, 4], conv2.bias=[32], fc1.weight=[8, 38], fc1.bias=[8],"
            + " q.weight=[4, 8], q.bias=[4]}",
        "MATCH3 | 5 | 2 | 0 | 1 | 8 | - | {conv1.weight=[35, 2, 3, 3], conv1.bias=[35],"
            + " conv2.weight=[144, 35, 3, 3], conv2.bias=[144], fc1.weight=[8, 145], fc1.bias=[8],"
            + " q.weight=[4, 8], q.bias=[4]}",
        "FULLY_CONNECTED | 4 | 2 | 2 | 3 | 8 | - | {fc1.weight=[8, 70], fc1.bias=[8],"
            + " q.weight=[4, 8], q.bias=[4]}",
        "NATURE_CNN | 36 | 3 | 0 | 4 | - | - | {conv1.weight=[32, 3, 8, 8], conv1.bias=[32],"
            + " conv2.weight=[64, 32, 4, 4], conv2.bias=[64], conv3.weight=[64, 64, 3, 3],"
            + " conv3.bias=[64], fc1.weight=[512, 68], fc1.bias=[512], q.weight=[4, 512],"
            + " q.bias=[4]}"
      })
  void namesAndShapesInPyTorchsOrder(
      Encoder encoder,
      int pixels,
      int channels,
      int goals,
      int vector,
      Integer units,
      Integer layers,
      String expected) {
    Frame frame =
        pixels == 0 ? Frame.vector(vector) : Frame.picture(pixels, pixels, channels).with(vector);
    network(frame, goals, settings(encoder, units, layers));
    assertThat(parameters()).isEqualTo(expected);
  }

  @Test
  void aVectorBesideThePictureIsSaid() {
    QNetwork network = network(Frame.picture(20, 20, 1).with(2), 0, settings(Encoder.SIMPLE, 8, 1));
    assertThat(network)
        .hasToString(
            "[conv1 1→16 8×8 stride 4, relu, conv2 16→32 4×4 stride 2, relu, flatten, with the"
                + " vector [2], fc1 34→8, relu, q 8→4]");
    assertThat(network.layers()).hasSize(8);
    assertThat(network.encoder()).isPresent();
    assertThat(network.vector()).isEqualTo(2);
  }

  /** The joined forward, from the saved values in PyTorch's order: features C,H,W, then vector. */
  @Test
  void itComputesWhatTheSavedValuesSay() {
    Spec spec = new Spec("Test", Frame.picture(2, 3, 2).with(2), 2, 3);
    QNetwork network = QNetwork.of(weights, spec, settings(Encoder.FULLY_CONNECTED, 5, 1), 1);
    SplittableRandom random = new SplittableRandom(1);
    byte[] pixels = new byte[12];
    random.nextBytes(pixels);
    float[] vector = {0.7f, -1.5f};
    int goal = 1;
    Frames frames = new Frames(device, spec, 1);
    frames.hold(new Observation(pixels, vector, goal), null);
    float[] ours =
        network.forward(frames.gather(device.tensor(new int[] {0}, Shape.of(1)))).toFloats();

    double[] x = new double[4 * 6 + 4]; // [4 channels, 2, 3], then [2 goals × 2]
    for (int pixel = 0; pixel < 6; pixel++) {
      for (int c = 0; c < 2; c++) {
        x[(goal * 2 + c) * 6 + pixel] = (pixels[pixel * 2 + c] & 0xff) / 255.0;
      }
    }
    x[24 + goal * 2] = vector[0];
    x[24 + goal * 2 + 1] = vector[1];
    double[] hidden = layer("fc1", x, 5);
    for (int i = 0; i < 5; i++) {
      hidden[i] = Math.max(hidden[i], 0);
    }
    double[] q = layer("q", hidden, 3);
    for (int a = 0; a < 3; a++) {
      assertThat((double) ours[a]).isCloseTo(q[a], within(1e-6));
    }
  }

  private double[] layer(String name, double[] x, int out) {
    float[] w = weights.save().get(name + ".weight").floats();
    float[] b = weights.save().get(name + ".bias").floats();
    double[] y = new double[out];
    for (int o = 0; o < out; o++) {
      y[o] = b[o];
      for (int i = 0; i < x.length; i++) {
        y[o] += w[o * x.length + i] * x[i];
      }
    }
    return y;
  }

  @Test
  void aPictureTooSmallIsNamedWithBothSizesAndWhatWouldFit() {
    Spec small = spec(Frame.picture(64, 30, 3), 0);
    assertThatThrownBy(() -> QNetwork.fold(small, NetworkSettings.DEFAULT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the picture has 64 × 30 pixels and nature_cnn needs 36 × 36 or more; enlarge the camera"
                + " sensor's picture, or take --vis-encode-type simple");
    Spec tiny = spec(Frame.picture(4, 4, 3), 0);
    assertThatThrownBy(() -> QNetwork.fold(tiny, settings(Encoder.MATCH3, 8, 1)))
        .hasMessage(
            "the picture has 4 × 4 pixels and match3 needs 5 × 5 or more; enlarge the camera sensor's"
                + " picture, or take --vis-encode-type fully_connected");
    assertThatThrownBy(() -> settings(Encoder.SIMPLE, 0, 2))
        .hasMessage("network: hidden units and layers are 1 or more, got 0 and 2");
  }

  /** The smallest picture of each encoder has one pixel left behind its last convolution. */
  @ParameterizedTest
  @CsvSource({"NATURE_CNN, 36, 64", "SIMPLE, 20, 32", "MATCH3, 5, 144", "FULLY_CONNECTED, 1, 1"})
  void theSmallestPictures(Encoder encoder, int pixels, int features) {
    QNetwork network = network(Frame.picture(pixels, pixels, 1), 0, settings(encoder, 4, 1));
    assertThat(network.encoder().orElseThrow().output()).isEqualTo(Shape.of(features));
  }

  private record Outcome(float[] q, Map<String, Values> weights, Map<String, Values> gradients) {}

  /** Three pictures of sizes that 4 does not divide, two goals, a vector beside. */
  private static Outcome run(Encoder encoder, int fold) {
    Spec spec = spec(Frame.picture(39, 42, 3).with(2), 2);
    try (Device doubles = new Device(ReferenceBackend.doubles())) {
      Weights weights = new Weights(doubles, 5);
      QNetwork network = QNetwork.of(weights, spec, settings(encoder, 16, 1), fold);
      Frames frames = new Frames(doubles, spec, 3, fold);
      SplittableRandom random = new SplittableRandom(2);
      int[] held = new int[3];
      for (int i = 0; i < held.length; i++) {
        byte[] pixels = new byte[spec.frame().size()];
        random.nextBytes(pixels);
        held[i] = frames.hold(new Observation(pixels, new float[] {i, -1}, i % 2), null);
      }
      weights.parameters(); // complete
      Tensor q = network.forward(frames.gather(doubles.tensor(held, Shape.of(3))));
      float[] values = q.toFloats();
      Gradients g = q.square().mean().backward();
      return new Outcome(values, weights.save(), weights.save(g.of(weights.parameters())));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"NATURE_CNN", "SIMPLE"})
  void foldedPicturesGiveTheSameValuesAndGradients(Encoder encoder) {
    assertThat(encoder.fold(39, 42)).isEqualTo(4);
    Outcome plain = run(encoder, 1);
    Outcome folded = run(encoder, 4);
    assertThat(folded.q).containsExactly(plain.q, offset(1e-6f));
    folded.weights.forEach(
        (name, values) ->
            assertThat(values.floats()).as(name).containsExactly(plain.weights.get(name).floats()));
    folded.gradients.forEach(
        (name, values) ->
            assertThat(values.floats())
                .as("gradient of " + name)
                .containsExactly(plain.gradients.get(name).floats(), offset(1e-6f)));
  }

  private static final float[][] SEEN = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};

  /**
   * Through the bridge, in worlds where the answer is known: Q*(s, a) = 1 for the action that says
   * whether picture and vector differ, else 0 (γ = 0).
   */
  @Test
  void pictureAndVectorAreLearnedTogether() {
    DqnSettings settings =
        new DqnSettings(
            32,
            1_000,
            100,
            4,
            2e-3,
            0,
            0,
            50,
            new Epsilon(1, 1, 0, 1),
            10,
            false,
            4,
            settings(Encoder.SIMPLE, 16, 1));
    try (Device fast = Devices.open("java", DeviceOptions.defaults().withThreads(1));
        UnityWorld world =
            new UnityWorld(
                engine -> UnityEnvironment.embedded(new TwoSensors(4)).sideChannels(engine).open(),
                RestartLimits.NONE,
                new UnityWorld.Choice(Optional.empty(), name -> 0, List.of(), true),
                Duration.ofSeconds(10));
        DqnAgent agent = new DqnAgent(fast, world.spec(), settings)) {
      TrainLoop.Plan plan = new TrainLoop.Plan(2_400, 0, Long.MAX_VALUE, 50, 1, 1);
      new TrainLoop(plan, world, agent).run(List.of(), () -> false);
      assertThat(agent.updates()).isEqualTo(575);
      List<String> wrong = new ArrayList<>();
      for (float[] s : SEEN) {
        byte[] pixels = new byte[TwoSensors.SIZE * TwoSensors.SIZE];
        Arrays.fill(pixels, (byte) (255 * s[0]));
        Observation o = new Observation(pixels, new float[] {1 - s[1], s[1], 0.5f}, 0);
        int frame = agent.replay().hold(o, null);
        float[] q = agent.policy().choose(new int[] {frame}, new boolean[1][]).q()[0];
        agent.replay().frames().release(frame);
        int right = s[0] == s[1] ? 0 : 1;
        if (Math.abs(q[right] - 1) > 0.15 || Math.abs(q[1 - right]) > 0.15) {
          wrong.add(Arrays.toString(s) + " → " + Arrays.toString(q));
        }
      }
      assertThat(wrong).isEmpty();
    }
  }
}
