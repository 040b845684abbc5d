package bellman.rl.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Layer;
import bellman.nn.Sequential;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.dqn.GreedyPolicy;
import bellman.rl.dqn.NetworkSettings;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Signature;
import bellman.rl.env.Signature.Branch;
import bellman.rl.env.Spec;
import bellman.rl.onnx.Session.In;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.ValueInfoProto;
import bellman.rl.replay.Frames;
import bellman.rl.replay.Seen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxWriterTest {
  private static final Signature GRID_WORLD =
      new Signature(
          List.of(List.of(3, 36, 40), List.of(2)),
          List.of(0),
          List.of(),
          1,
          List.of(new Branch(5, 1)));

  private final Devices.Opened opened =
      Devices.find("java", new DeviceOptions(1, Precision.FP32, true));
  private final Device device = opened.device();
  private final Random random = new Random(1);

  @AfterEach
  void close() {
    opened.close();
  }

  private float[] uniform(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return values;
  }

  private static float[] ones(int n) {
    float[] values = new float[n];
    Arrays.fill(values, 1);
    return values;
  }

  private static long[] column(Object output, int branch) {
    long[][] rows = (long[][]) output;
    long[] column = new long[rows.length];
    for (int i = 0; i < rows.length; i++) {
      column[i] = rows[i][branch];
    }
    return column;
  }

  @Test
  void aThousandStatesHaveOurValuesAndOurActions() {
    int n = 1000;
    int batch = 100;
    int height = 38; // rows and columns that the filters do not reach
    int width = 43;
    int area = height * width;
    Signature signature =
        new Signature(
            List.of(List.of(3, height, width), List.of(2)),
            List.of(0),
            List.of(),
            1,
            List.of(new Branch(5, 1)));
    Spec spec = new Spec("GridWorld", Frame.picture(height, width, 3), 2, 4, signature);
    int fold = QNetwork.fold(spec, NetworkSettings.DEFAULT);
    Weights weights = new Weights(device, 7);
    QNetwork q = QNetwork.of(weights, spec, NetworkSettings.DEFAULT, fold);
    ModelProto model = OnnxWriter.model(signature, q, weights.save());
    Frames frames = new Frames(device, spec, batch, fold);
    GreedyPolicy policy = new GreedyPolicy(device, q, frames, spec);
    int[] times = new int[5];
    try (Session session = Session.showing(model, "q")) {
      for (int from = 0; from < n; from += batch) {
        int[] held = new int[batch];
        boolean[][] forbidden = new boolean[batch][4];
        float[] pictures = new float[batch * 3 * area];
        float[] goals = new float[batch * 2];
        float[] masks = ones(batch * 5);
        for (int i = 0; i < batch; i++) {
          byte[] pixels = new byte[area * 3];
          random.nextBytes(pixels);
          for (int a = 0; a < 4; a++) {
            forbidden[i][a] = random.nextBoolean();
            masks[i * 5 + a + 1] = forbidden[i][a] ? 0 : 1;
          }
          forbidden[i][i % 4] = false; // one is always left
          masks[i * 5 + i % 4 + 1] = 1;
          int goal = random.nextInt(2);
          goals[i * 2 + goal] = 1;
          held[i] = frames.hold(Observation.picture(pixels, goal), forbidden[i]);
          for (int p = 0; p < pixels.length; p++) { // H,W,C → C,H,W
            int at = (i * 3 + p % 3) * area + p / 3;
            pictures[at] = (pixels[p] & 0xff) / 255f;
          }
        }
        GreedyPolicy.Chosen ours = policy.choose(held, forbidden);
        for (int frame : held) {
          frames.release(frame);
        }
        Map<String, Object> theirs =
            session.run(
                Map.of(
                    "obs_0", new In(pictures, batch, 3, height, width),
                    "obs_1", new In(goals, batch, 2),
                    "action_masks", new In(masks, batch, 5)));
        float[][] values = (float[][]) theirs.get("q");
        for (int i = 0; i < batch; i++) {
          assertThat(values[i]).containsExactly(ours.q()[i], within(1e-5f));
          assertThat(column(theirs.get("discrete_actions"), 0)[i]).isEqualTo(ours.actions()[i] + 1);
          times[ours.actions()[i] + 1]++;
        }
        assertThat(column(theirs.get("deterministic_discrete_actions"), 0))
            .isEqualTo(column(theirs.get("discrete_actions"), 0));
      }
    }
    policy.close();
    assertThat(times[0]).isZero();
    for (int a = 1; a < 5; a++) { // else the test would see little of the choice
      assertThat(times[a]).as("action %d", a).isGreaterThan(20);
    }
  }

  @Test
  void theContractIsUnitys() {
    Weights weights = new Weights(device, 7);
    QNetwork q = convolutions(weights, 6, 4);
    ModelProto model = OnnxWriter.model(GRID_WORLD, q, weights.save());
    assertThat(model.getOpsetImport(0).getVersion()).isEqualTo(9);
    assertThat(model.getIrVersion()).isEqualTo(4);
    assertThat(model.getGraph().getInputList().stream().map(OnnxWriterTest::text))
        .containsExactly(
            "obs_0 1 [batch, 3, 36, 40]", "obs_1 1 [batch, 2]", "action_masks 1 [batch, 5]");
    assertThat(model.getGraph().getOutputList().stream().map(OnnxWriterTest::text))
        .containsExactly(
            "discrete_actions 7 [batch, 1]",
            "deterministic_discrete_actions 7 [batch, 1]",
            "version_number 1 [1]",
            "memory_size 1 [1]",
            "discrete_action_output_shape 1 [1, 1]");
    assertThat(model.getGraph().getInitializerList().stream().map(t -> t.getName()))
        .contains("conv1.weight", "conv1.bias", "q.weight", "q.bias")
        .doesNotContain("version_number", "memory_size", "discrete_action_output_shape");
    for (int batch : new int[] {1, 7}) { // all inputs 0, masks too: how Unity tries a model
      try (Session session = new Session(model)) {
        Map<String, Object> out =
            session.run(
                Map.of(
                    "obs_0", new In(new float[batch * 3 * 36 * 40], batch, 3, 36, 40),
                    "obs_1", new In(new float[batch * 2], batch, 2),
                    "action_masks", new In(new float[batch * 5], batch, 5)));
        assertThat((float[]) out.get("version_number")).containsExactly(3);
        assertThat((float[]) out.get("memory_size")).containsExactly(0);
        assertThat((float[][]) out.get("discrete_action_output_shape"))
            .isDeepEqualTo(new float[][] {{5}});
        assertThat(column(out.get("discrete_actions"), 0)).hasSize(batch);
        for (long action : column(out.get("discrete_actions"), 0)) {
          assertThat(action).isBetween(1L, 4L);
        }
      }
    }
    assertThat(ModelCheck.of(model).objections()).isEmpty();
  }

  private static String text(ValueInfoProto info) {
    List<String> dims = new ArrayList<>();
    info.getType()
        .getTensorType()
        .getShape()
        .getDimList()
        .forEach(d -> dims.add(d.hasDimValue() ? "" + d.getDimValue() : d.getDimParam()));
    return info.getName() + " " + info.getType().getTensorType().getElemType() + " " + dims;
  }

  private static QNetwork convolutions(Weights weights, int channels, int out) {
    Sequential encoder =
        Sequential.on(weights, Shape.of(36, 40, channels))
            .conv2d("conv1", 8, 5, 3, 2)
            .relu()
            .conv2d("conv2", 4, 3, 2)
            .relu()
            .flatten()
            .build();
    Sequential head =
        Sequential.behind(weights, encoder, 0).linear("fc1", 16).relu().linear("q", out).build();
    return new QNetwork(Optional.of(encoder), 0, head);
  }

  private static QNetwork dense(Weights weights, int in, int out) {
    return new QNetwork(
        Optional.empty(),
        in,
        Sequential.on(weights, Shape.of(in)).linear("fc1", 8).relu().linear("q", out).build());
  }

  /** A world that sees nothing but one vector. */
  private static Signature vector(int size, Branch... branches) {
    return new Signature(List.of(List.of(size)), List.of(), List.of(0), -1, List.of(branches));
  }

  /** Our values, a row for each sample; a picture is [n, h, w, c], a vector [n, features]. */
  private float[][] values(QNetwork network, Tensor picture, Tensor vector) {
    Tensor y = Tensor.withoutGradient(() -> network.forward(new Seen(picture, vector)));
    float[] flat = y.toFloats();
    float[][] rows = new float[y.shape().dim(0)][y.shape().dim(1)];
    for (int i = 0; i < flat.length; i++) {
      rows[i / rows[0].length][i % rows[0].length] = flat[i];
    }
    return rows;
  }

  @Test
  void branchesHaveTheirOwnMasksAndOffsets() {
    Signature signature = vector(4, new Branch(3, 0), new Branch(4, 2), new Branch(2, 1));
    Weights weights = new Weights(device, 3);
    QNetwork network = dense(weights, 4, 3 + 2 + 1);
    ModelProto model = OnnxWriter.model(signature, network, weights.save());
    int n = 50;
    float[] x = uniform(n * 4);
    float[] masks = ones(n * 9);
    for (int i = 0; i < n; i++) {
      masks[i * 9 + i % 3] = 0; // in the first branch one is forbidden
      masks[i * 9 + 3 + 2 + i % 2] = 0; // in the second one remains
    }
    float[][] q = values(network, null, device.tensor(x, Shape.of(n, 4)));
    try (Session session = new Session(model)) {
      Map<String, Object> out =
          session.run(Map.of("obs_0", new In(x, n, 4), "action_masks", new In(masks, n, 9)));
      for (int i = 0; i < n; i++) {
        int best = -1;
        for (int a = 0; a < 3; a++) {
          best = a != i % 3 && (best < 0 || q[i][a] > q[i][best]) ? a : best;
        }
        assertThat(((long[][]) out.get("discrete_actions"))[i])
            .containsExactly(best, 2 + (1 - i % 2), 1);
      }
      assertThat((float[][]) out.get("discrete_action_output_shape"))
          .isDeepEqualTo(new float[][] {{3, 4, 2}});
    }
    assertThat(ModelCheck.of(model).objections()).isEmpty();
  }

  @Test
  void sensorsThatAreNotUsedAreInputsToo() {
    Signature signature =
        new Signature(
            List.of(List.of(2), List.of(7, 3), List.of(4)),
            List.of(),
            List.of(2),
            0,
            List.of(new Branch(3, 0)));
    Weights weights = new Weights(device, 3);
    QNetwork network = dense(weights, 8, 3);
    ModelProto model = OnnxWriter.model(signature, network, weights.save());
    int n = 20;
    float[] x = uniform(n * 4);
    float[] goals = new float[n * 2];
    float[] gated = new float[n * 8];
    for (int i = 0; i < n; i++) {
      goals[i * 2 + i % 2] = 1;
      System.arraycopy(x, i * 4, gated, i * 8 + i % 2 * 4, 4);
    }
    float[][] q = values(network, null, device.tensor(gated, Shape.of(n, 8)));
    try (Session session = Session.showing(model, "q")) {
      Map<String, In> inputs = new LinkedHashMap<>();
      inputs.put("obs_0", new In(goals, n, 2));
      inputs.put("obs_1", new In(uniform(n * 21), n, 7, 3));
      inputs.put("obs_2", new In(x, n, 4));
      inputs.put("action_masks", new In(ones(n * 3), n, 3));
      float[][] theirs = (float[][]) session.run(inputs).get("q");
      for (int i = 0; i < n; i++) {
        assertThat(theirs[i]).containsExactly(q[i], within(1e-6f));
      }
    }
    assertThat(ModelCheck.of(model).objections()).isEmpty();
  }

  @Test
  void picturesAndVectorsAreJoinedAndGatedTogether() {
    // Two pictures of 6 × 8 pixels with 1 and 2 channels, vectors of 3 and 2 floats, three goals.
    Signature signature =
        new Signature(
            List.of(List.of(3), List.of(1, 6, 8), List.of(3), List.of(2, 6, 8), List.of(2)),
            List.of(1, 3),
            List.of(2, 4),
            0,
            List.of(new Branch(4, 0)));
    Weights weights = new Weights(device, 3);
    Sequential encoder =
        Sequential.on(weights, Shape.of(6, 8, 9)).conv2d("conv1", 5, 3, 1).relu().flatten().build();
    Sequential head = Sequential.behind(weights, encoder, 15).linear("q", 4).build();
    QNetwork network = new QNetwork(Optional.of(encoder), 15, head);
    ModelProto model = OnnxWriter.model(signature, network, weights.save());
    int n = 10;
    int pixels = 48;
    float[] goals = new float[n * 3];
    float[] one = uniform(n * pixels);
    float[] three = uniform(n * 3);
    float[] two = uniform(n * 2 * pixels);
    float[] more = uniform(n * 2);
    float[] picture = new float[n * pixels * 9];
    float[] vector = new float[n * 15];
    for (int i = 0; i < n; i++) {
      int goal = i % 3;
      goals[i * 3 + goal] = 1;
      for (int p = 0; p < pixels; p++) {
        int at = (i * pixels + p) * 9 + goal * 3;
        picture[at] = one[i * pixels + p];
        picture[at + 1] = two[i * 2 * pixels + p];
        picture[at + 2] = two[i * 2 * pixels + pixels + p];
      }
      System.arraycopy(three, i * 3, vector, i * 15 + goal * 5, 3);
      System.arraycopy(more, i * 2, vector, i * 15 + goal * 5 + 3, 2);
    }
    float[][] q =
        values(
            network,
            device.tensor(picture, Shape.of(n, 6, 8, 9)),
            device.tensor(vector, Shape.of(n, 15)));
    try (Session session = Session.showing(model, "q")) {
      Map<String, In> inputs = new LinkedHashMap<>();
      inputs.put("obs_0", new In(goals, n, 3));
      inputs.put("obs_1", new In(one, n, 1, 6, 8));
      inputs.put("obs_2", new In(three, n, 3));
      inputs.put("obs_3", new In(two, n, 2, 6, 8));
      inputs.put("obs_4", new In(more, n, 2));
      inputs.put("action_masks", new In(ones(n * 4), n, 4));
      float[][] theirs = (float[][]) session.run(inputs).get("q");
      for (int i = 0; i < n; i++) {
        assertThat(theirs[i]).containsExactly(q[i], within(1e-5f));
      }
    }
    assertThat(ModelCheck.of(model).objections()).isEmpty();
  }

  @Test
  void aLayerMayHaveTheNameOfAnOutput() {
    Signature signature = vector(2, new Branch(2, 0));
    Weights weights = new Weights(device, 3);
    Sequential head =
        Sequential.on(weights, Shape.of(2))
            .linear("discrete_actions", 2)
            .relu()
            .linear("obs_0", 2)
            .build();
    QNetwork network = new QNetwork(Optional.empty(), 2, head);
    try (Session session = new Session(OnnxWriter.model(signature, network, weights.save()))) {
      assertThat(
              column(
                  session
                      .run(
                          Map.of(
                              "obs_0", new In(uniform(6), 3, 2),
                              "action_masks", new In(new float[] {0, 1, 0, 1, 0, 1}, 3, 2)))
                      .get("discrete_actions"),
                  0))
          .containsExactly(1, 1, 1);
    }
  }

  // ── what is refused ───────────────────────────────────────────────────────────────────────────

  private void refused(Signature signature, QNetwork network, Map<String, Values> w, String why) {
    assertThatThrownBy(() -> OnnxWriter.model(signature, network, w))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(why);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Weights weights = new Weights(device, 7);
    QNetwork three = convolutions(weights, 3, 4);
    refused(
        GRID_WORLD,
        three,
        weights.save(),
        "onnx: the network [conv1 3→8 5×5 stride 3 padding 2, relu, conv2 8→4 3×3 stride 2, relu,"
            + " flatten, fc1 120→16, relu, q 16→4] for 4 choices does not fit obs_0 [3, 36, 40],"
            + " obs_1 [2] as goal; actions 1 to 4 of 5");
    Weights more = new Weights(device, 7);
    refused(
        GRID_WORLD,
        convolutions(more, 6, 5),
        more.save(),
        "onnx: the network [conv1 6→8 5×5 stride 3 padding 2, relu, conv2 8→4 3×3 stride 2, relu,"
            + " flatten, fc1 120→16, relu, q 16→5] for 5 choices does not fit obs_0 [3, 36, 40],"
            + " obs_1 [2] as goal; actions 1 to 4 of 5");
    Weights right = new Weights(device, 7);
    QNetwork network = convolutions(right, 6, 4);
    Map<String, Values> without = right.save();
    without.remove("q.bias");
    refused(
        GRID_WORLD,
        network,
        without,
        "onnx: no weights named q.bias, only [conv1.weight, conv1.bias, conv2.weight, conv2.bias,"
            + " fc1.weight, fc1.bias, q.weight]");
    Map<String, Values> broken = right.save();
    broken.get("fc1.bias").floats()[3] = Float.NaN;
    refused(
        GRID_WORLD,
        network,
        broken,
        "onnx: fc1.bias holds NaN: weights that are not finite are of no use");
  }

  private record Square() implements Layer {
    @Override
    public Tensor forward(Tensor x) {
      return x.mul(x);
    }

    @Override
    public Shape output(Shape input) {
      return input;
    }

    @Override
    public String toString() {
      return "square";
    }
  }

  @Test
  void aLayerWithoutAFormIsNamed() {
    Signature signature = vector(2, new Branch(2, 0));
    Weights weights = new Weights(device, 3);
    Sequential head = Sequential.on(weights, Shape.of(2)).linear("q", 2).add(new Square()).build();
    QNetwork network = new QNetwork(Optional.empty(), 2, head);
    refused(signature, network, weights.save(), "onnx: layer 'square' (Square) has no form yet");
  }

  @Test
  void aFileIsReplacedInOneStep(@TempDir Path folder) throws IOException {
    Weights weights = new Weights(device, 7);
    QNetwork network = convolutions(weights, 6, 4);
    Path file = Files.writeString(folder.resolve("GridWorld.onnx"), "old");
    Map<String, Values> broken = weights.save();
    broken.get("q.bias").floats()[0] = Float.POSITIVE_INFINITY;
    assertThatThrownBy(() -> OnnxWriter.write(file, GRID_WORLD, network, broken))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(file).hasContent("old");
    OnnxWriter.write(file, GRID_WORLD, network, weights.save());
    assertThat(OnnxFile.read(file))
        .isEqualTo(OnnxWriter.model(GRID_WORLD, network, weights.save()));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }
}
