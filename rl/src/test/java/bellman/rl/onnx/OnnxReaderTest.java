package bellman.rl.onnx;

import static bellman.rl.onnx.GraphBuilder.attribute;
import static bellman.rl.onnx.GraphBuilder.list;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Sequential;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Signature;
import bellman.rl.env.Signature.Branch;
import bellman.rl.onnx.Session.In;
import bellman.rl.onnx.proto.AttributeProto;
import bellman.rl.onnx.proto.AttributeProto.AttributeType;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.NodeProto;
import bellman.rl.onnx.proto.OperatorSetIdProto;
import bellman.rl.onnx.proto.TensorProto.DataType;
import bellman.rl.replay.Seen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxReaderTest {
  @TempDir private Path folder;
  private final Devices.Opened opened =
      Devices.find("java", new DeviceOptions(1, Precision.FP32, true));
  private final Device device = opened.device();
  private final Random random = new Random(5);

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

  private Path file(ModelProto model) throws IOException {
    return Files.write(folder.resolve("model.onnx"), model.toByteArray());
  }

  private OnnxPolicy read(ModelProto model) throws IOException {
    return OnnxReader.read(file(model));
  }

  private void refused(ModelProto model, String why) throws IOException {
    Path file = file(model);
    assertThatThrownBy(() -> OnnxReader.read(file))
        .isInstanceOf(OnnxException.class)
        .hasMessage(file + ": " + why);
  }

  // ── our own files ─────────────────────────────────────────────────────────────────────────────

  private void comesBack(Signature signature, QNetwork network, Weights weights)
      throws IOException {
    Path file = folder.resolve("ours.onnx");
    OnnxWriter.write(file, signature, network, weights.save());
    OnnxPolicy policy = OnnxReader.read(file);
    assertThat(policy.signature()).isEqualTo(signature);
    Weights again = new Weights(device, 99);
    assertThat(policy.network(again)).hasToString(network.toString());
    again.load(policy.weights());
    assertThat(again.parameters().values().toFloats())
        .containsExactly(weights.parameters().values().toFloats());
  }

  @Test
  void whatWeWriteComesBack() throws IOException {
    Weights picture = new Weights(device, 1);
    Sequential encoder =
        Sequential.on(picture, Shape.of(12, 16, 6))
            .conv2d("conv1", 4, 4, 2, 1)
            .relu()
            .conv2d("conv2", 3, 3, 1)
            .relu()
            .flatten()
            .build();
    Sequential head =
        Sequential.behind(picture, encoder, 0).linear("fc1", 5).relu().linear("q", 4).build();
    comesBack(
        new Signature(
            List.of(List.of(2), List.of(3, 12, 16)),
            List.of(1),
            List.of(),
            0,
            List.of(new Branch(5, 1))),
        new QNetwork(Optional.of(encoder), 0, head),
        picture);
  }

  @Test
  void picturesWithVectorsAndBranchesComeBack() throws IOException {
    Weights both = new Weights(device, 1);
    Sequential encoder = Sequential.on(both, Shape.of(6, 8, 9)).flatten().build();
    Sequential head = Sequential.behind(both, encoder, 15).linear("q", 3 + 2).build();
    comesBack(
        new Signature(
            List.of(
                List.of(3),
                List.of(1, 6, 8),
                List.of(3),
                List.of(2, 6, 8),
                List.of(2),
                List.of(9, 9)),
            List.of(1, 3),
            List.of(2, 4),
            0,
            List.of(new Branch(3, 0), new Branch(4, 2))),
        new QNetwork(Optional.of(encoder), 15, head),
        both);
  }

  @Test
  void vectorsAloneComeBack() throws IOException {
    Weights vector = new Weights(device, 1);
    Sequential head =
        Sequential.on(vector, Shape.of(4)).linear("fc1", 8).relu().linear("q", 2).build();
    comesBack(
        new Signature(List.of(List.of(4)), List.of(), List.of(0), -1, List.of(new Branch(2, 0))),
        new QNetwork(Optional.empty(), 4, head),
        vector);
  }

  // ── files of others ───────────────────────────────────────────────────────────────────────────

  /** Of a graph that others could have written, with what Unity wants beside the policy. */
  private static ModelProto model(long opset, GraphBuilder graph, String actions, int size) {
    graph.output(Names.DISCRETE, actions, DataType.INT64, true, List.of(1));
    graph.output(
        Names.DISCRETE_SHAPE,
        graph.constant(OnnxFile.floats("shape", new float[] {size}, 1, 1)),
        DataType.FLOAT,
        false,
        List.of(1, 1));
    return ModelProto.newBuilder()
        .setIrVersion(4)
        .setGraph(graph.build())
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
        .build();
  }

  private static GraphBuilder graph() {
    return new GraphBuilder("other", Set.of(Names.DISCRETE, Names.DISCRETE_SHAPE));
  }

  private String constant(GraphBuilder graph, String name, int... dims) {
    int size = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    return graph.constant(OnnxFile.floats(name, uniform(size), dims));
  }

  private String argMax(GraphBuilder graph, String q) {
    return graph.node("ArgMax", "choice", List.of(q), attribute("axis", 1));
  }

  /** Our values of what is read from a model are those that ONNX Runtime finds in it. */
  private OnnxPolicy agrees(ModelProto model, String q, List<Integer> shape, int actions)
      throws IOException {
    OnnxPolicy policy = read(model);
    Weights weights = new Weights(device, 0);
    QNetwork network = policy.network(weights);
    weights.load(policy.weights());
    int n = 6;
    int size = shape.stream().reduce(1, (a, b) -> a * b);
    float[] x = uniform(n * size);
    Tensor seen;
    long[] dims = new long[shape.size() + 1];
    dims[0] = n;
    for (int i = 0; i < shape.size(); i++) {
      dims[i + 1] = shape.get(i);
    }
    if (shape.size() == 3) {
      int pixels = shape.get(1) * shape.get(2);
      int c = shape.get(0);
      float[] hwc = new float[x.length];
      for (int i = 0; i < x.length; i++) {
        int sample = i / size;
        int channel = i % size / pixels;
        hwc[sample * size + i % pixels * c + channel] = x[i];
      }
      seen = device.tensor(hwc, Shape.of(n, shape.get(1), shape.get(2), c));
    } else {
      seen = device.tensor(x, Shape.of(n, size));
    }
    boolean picture = shape.size() == 3;
    Tensor y =
        Tensor.withoutGradient(
            () -> network.forward(new Seen(picture ? seen : null, picture ? null : seen)));
    float[] ours = y.toFloats();
    float[] masks = new float[n * actions];
    Arrays.fill(masks, 1);
    Map<String, In> inputs = new LinkedHashMap<>();
    inputs.put("obs_0", new In(x, dims));
    if (model.getGraph().getInputCount() > 1) {
      inputs.put(Names.MASKS, new In(masks, n, actions));
    }
    try (Session session = Session.showing(model, q)) {
      float[][] theirs = (float[][]) session.run(inputs).get(q);
      for (int i = 0; i < n; i++) {
        assertThat(Arrays.copyOfRange(ours, i * actions, (i + 1) * actions))
            .containsExactly(theirs[i], within(1e-5f));
      }
    }
    return policy;
  }

  /** As Unity's own model of a DQN is: a Reshape, masks by a product alone. */
  @Test
  void unitysOwnGridWorldIsUnderstood() throws IOException {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(3, 20, 24));
    g.input(Names.MASKS, DataType.FLOAT, List.of(5));
    String x =
        g.node(
            "Conv",
            "11",
            List.of(
                "obs_0",
                constant(g, "encoder.0.weight", 4, 3, 8, 8),
                constant(g, "encoder.0.bias", 4)),
            list("kernel_shape", 8, 8),
            list("strides", 4, 4),
            list("dilations", 1, 1),
            list("pads", 0, 0, 0, 0),
            attribute("group", 1));
    x = g.node("Relu", "12", List.of(x));
    x = g.node("Reshape", "13", List.of(x, g.constant(OnnxFile.longs("13.shape", -1, 80))));
    x =
        g.node(
            "Gemm",
            "14",
            List.of(x, constant(g, "dense.weight", 6, 80), constant(g, "dense.bias", 6)),
            attribute("transB", 1));
    x = g.node("Relu", "15", List.of(x));
    String q =
        g.node(
            "Gemm",
            "16",
            List.of(x, constant(g, "q.weight", 5, 6), constant(g, "q.bias", 5)),
            attribute("transB", 1));
    String masked = g.node("Mul", "17", List.of(q, Names.MASKS));
    OnnxPolicy policy = agrees(model(9, g, argMax(g, masked), 5), q, List.of(3, 20, 24), 5);
    assertThat(policy.signature())
        .isEqualTo(
            new Signature(
                List.of(List.of(3, 20, 24)), List.of(0), List.of(), -1, List.of(new Branch(5, 0))));
    assertThat(policy.weights())
        .containsOnlyKeys(
            "encoder.0.weight",
            "encoder.0.bias",
            "dense.weight",
            "dense.bias",
            "q.weight",
            "q.bias");
  }

  /** As TensorFlow's layers come: channels last, MatMul and Add, constants in nodes. */
  @Test
  void channelsMayBeLast() throws IOException {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(2, 5, 4));
    g.input(Names.MASKS, DataType.FLOAT, List.of(3));
    String x =
        g.node(
            "Conv",
            "conv",
            List.of("obs_0", constant(g, "kernel", 3, 2, 2, 2)),
            list("kernel_shape", 2, 2));
    x = g.node("Transpose", "nhwc", List.of(x), list("perm", 0, 2, 3, 1));
    x = g.node("Relu", "relu", List.of(x));
    x = g.node("Reshape", "flat", List.of(x, g.constant(OnnxFile.longs("flat.shape", -1, 36))));
    x = g.node("MatMul", "dense", List.of(x, constant(g, "w1", 36, 4)));
    x = g.node("Add", "dense.biased", List.of(constant(g, "b1", 4), x));
    String turned =
        g.node("Transpose", "w2.turned", List.of(constant(g, "w2", 3, 4)), list("perm", 1, 0));
    String q = g.node("MatMul", "q", List.of(x, turned));
    String one = g.constant(OnnxFile.floats("one", new float[] {1}, 1));
    String large = g.constant(OnnxFile.floats("large", new float[] {1e7f}));
    String forbidden = g.node("Sub", "forbidden", List.of(one, Names.MASKS));
    String penalty = g.node("Mul", "penalty", List.of(forbidden, large));
    String masked = g.node("Sub", "masked", List.of(q, penalty));
    agrees(model(11, g, argMax(g, masked), 3), q, List.of(2, 5, 4), 3);
  }

  @Test
  void newerOpsetsSliceByInputs() throws IOException {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(4));
    g.input(Names.MASKS, DataType.FLOAT, List.of(5));
    g.constant(OnnxFile.longs("from", 2));
    g.constant(OnnxFile.longs("to", Long.MAX_VALUE));
    g.constant(OnnxFile.longs("axis", -1));
    String q =
        g.node("Gemm", "q", List.of("obs_0", constant(g, "w", 4, 3), constant(g, "b", 1, 3)));
    String m = g.node("Slice", "m", List.of(Names.MASKS, "from", "to", "axis"));
    String masked = g.node("Mul", "masked", List.of(m, q));
    String first = g.constant(OnnxFile.longs("first", 2));
    String action = g.node("Add", "action", List.of(first, argMax(g, masked)));
    GraphBuilder withConstant = g;
    NodeProto unused =
        NodeProto.newBuilder()
            .setOpType("Constant")
            .setName("unused")
            .addOutput("unused")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("value")
                    .setType(AttributeType.TENSOR)
                    .setT(OnnxFile.longs("", 7)))
            .build();
    ModelProto.Builder model = model(13, withConstant, action, 5).toBuilder();
    model.getGraphBuilder().addNode(unused);
    assertThat(read(model.build()).signature().branches()).containsExactly(new Branch(5, 2));
  }

  // ── what is not understood ────────────────────────────────────────────────────────────────────

  private ModelProto dense(String op, AttributeProto... attributes) {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(4));
    g.input(Names.MASKS, DataType.FLOAT, List.of(3));
    String x = g.node("Gemm", "fc1", List.of("obs_0", constant(g, "w", 4, 3), constant(g, "b", 3)));
    x = g.node(op, "odd", List.of(x), attributes);
    return model(9, g, argMax(g, g.node("Mul", "masked", List.of(x, Names.MASKS))), 3);
  }

  @Test
  void theFirstStrangeNodeIsNamed() throws IOException {
    refused(
        dense("LeakyRelu"),
        "node 'odd' (LeakyRelu) is not understood: a policy of Q-values is read from Conv, Relu,"
            + " Gemm, MatMul, Add, Sub, Mul, Flatten, Reshape, Transpose, Unsqueeze, Slice, Concat,"
            + " ArgMax, Identity and Constant; this operator is none of them");
    refused(
        dense("Flatten", attribute("axis", 0)),
        "node 'odd' (Flatten) is not understood: axis 0; the batch is axis 0");
    refused(
        dense("Unsqueeze", list("axes", 1)),
        "node 'odd' (Unsqueeze) is not understood: its input is no element of a goal");
    ModelProto.Builder custom = dense("Relu").toBuilder();
    custom.getGraphBuilder().getNodeBuilder(1).setDomain("com.example");
    refused(
        custom.build(),
        "node 'odd' (Relu) is not understood: its operator is one of 'com.example', not of ONNX");
    ModelProto.Builder wire = dense("Relu").toBuilder();
    wire.getGraphBuilder().getNodeBuilder(1).setInput(0, "nowhere");
    refused(wire.build(), "node 'odd' (Relu) takes 'nowhere', which nothing before it makes");
  }

  private ModelProto convolution(AttributeProto... attributes) {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(3, 9, 9));
    String x = g.node("Conv", "conv", List.of("obs_0", constant(g, "w", 2, 3, 3, 3)), attributes);
    x = g.node("Flatten", "flatten", List.of(x));
    return model(9, g, argMax(g, x), 98);
  }

  @Test
  void convolutionsThatWeDoNotHaveAreRefused() throws IOException {
    refused(
        convolution(list("strides", 1, 2)),
        "node 'conv' (Conv) is not understood: strides [1, 2], pads [0, 0, 0, 0], dilations [1, 1],"
            + " auto_pad NOTSET; here strides and pads are the same on all sides and there are no"
            + " dilations");
    refused(
        convolution(attribute("group", 3)),
        "node 'conv' (Conv) is not understood: its channels are in 3 groups");
    assertThat(read(convolution()).signature().branches()).containsExactly(new Branch(98, 0));
  }

  @Test
  void aScaleOfPixelsIsNoGate() throws IOException {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(4));
    String scale = g.constant(OnnxFile.floats("scale", new float[] {1 / 255f}));
    String x = g.node("Mul", "scaled", List.of("obs_0", scale));
    refused(
        model(9, g, argMax(g, x), 4),
        "node 'scaled' (Mul) is not understood: it multiplies neither what is seen by an element of"
            + " a goal, nor values by 'action_masks'");
  }

  @Test
  void onlyPoliciesOfValuesAreRead() throws IOException {
    GraphBuilder g = new GraphBuilder("continuous", Set.of(Names.CONTINUOUS));
    g.input("obs_0", DataType.FLOAT, List.of(4));
    g.output(Names.CONTINUOUS, "obs_0", DataType.FLOAT, true, List.of(4));
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(4)
            .setGraph(g.build())
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(9));
    refused(
        model.build(),
        "the model has no output 'discrete_actions'; what runs here are models that choose one"
            + " discrete action");
    GraphBuilder logits = graph();
    logits.input("obs_0", DataType.FLOAT, List.of(4));
    refused(
        model(9, logits, "obs_0", 4),
        "'discrete_actions' is not chosen by an ArgMax over values of the actions");
    GraphBuilder other = graph();
    other.input("vector_observation", DataType.FLOAT, List.of(4));
    refused(
        model(9, other, argMax(other, "vector_observation"), 4),
        "input 'vector_observation' is none that a policy of Q-values takes: those are obs_0, obs_1,"
            + " … and action_masks");
    GraphBuilder second = graph();
    second.input("obs_1", DataType.FLOAT, List.of(4));
    String x = second.node("Relu", "x", List.of("obs_1"));
    refused(
        model(9, second, argMax(second, x), 4), "the sensors are not numbered from obs_0 on: [1]");
  }

  @Test
  void masksMustBeThoseOfTheirActions() throws IOException {
    GraphBuilder g = graph();
    g.input("obs_0", DataType.FLOAT, List.of(3));
    g.input(Names.MASKS, DataType.FLOAT, List.of(5));
    String m =
        g.node(
            "Slice",
            "m",
            List.of(Names.MASKS),
            list("axes", 1),
            list("starts", 0),
            list("ends", 3));
    String masked = g.node("Mul", "masked", List.of(g.node("Relu", "q", List.of("obs_0")), m));
    String two = g.constant(OnnxFile.longs("two", 2));
    String action = g.node("Add", "action", List.of(argMax(g, masked), two));
    refused(
        model(9, g, action, 5),
        "branch 0 chooses among the values 0 to 2 with the masks of the actions 0 to 2; the branches"
            + " must share one network and follow each other in it");
  }

  // ── no models ─────────────────────────────────────────────────────────────────────────────────

  @Test
  void whatIsNoModelIsRefused() throws IOException {
    Path file = folder.resolve("foreign.onnx");
    assertThatThrownBy(() -> OnnxReader.read(file)).isInstanceOf(NoSuchFileException.class);
    Files.write(file, new byte[0]);
    assertThatThrownBy(() -> OnnxReader.read(file)).hasMessage(file + ": the file is empty");
    for (String content : List.of("PK\3\4 a zip", "{\"a\": 1}", "\u00890PNG\r\n\u001a\n")) {
      Files.write(file, content.getBytes(StandardCharsets.ISO_8859_1));
      assertThatThrownBy(() -> OnnxReader.read(file))
          .isInstanceOf(OnnxException.class)
          .hasMessageStartingWith(file + ": not an ONNX model");
    }
    Weights weights = new Weights(device, 1);
    Sequential head = Sequential.on(weights, Shape.of(4)).linear("q", 2).build();
    OnnxWriter.write(
        file,
        new Signature(List.of(List.of(4)), List.of(), List.of(0), -1, List.of(new Branch(2, 0))),
        new QNetwork(Optional.empty(), 4, head),
        weights.save());
    byte[] whole = Files.readAllBytes(file);
    for (int length = 1; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> OnnxReader.read(file))
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOf(OnnxException.class)
          .hasMessageStartingWith(file + ": ");
    }
  }

  /** Whatever happened to a file, the answer is a message or a policy. */
  @Test
  void damagedFilesDoNoHarm() throws IOException {
    Weights weights = new Weights(device, 1);
    Sequential encoder =
        Sequential.on(weights, Shape.of(5, 6, 2)).conv2d("c", 2, 3, 1).relu().flatten().build();
    Sequential head = Sequential.behind(weights, encoder, 0).linear("q", 4).build();
    Signature signature =
        new Signature(
            List.of(List.of(1, 5, 6), List.of(2)),
            List.of(0),
            List.of(),
            1,
            List.of(new Branch(5, 1)));
    Path file = folder.resolve("damaged.onnx");
    QNetwork network = new QNetwork(Optional.of(encoder), 0, head);
    OnnxWriter.write(file, signature, network, weights.save());
    byte[] whole = Files.readAllBytes(file);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] damaged = whole.clone();
      for (int k = 0; k <= i % 3; k++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try {
        ModelCheck.of(file);
        OnnxReader.read(file).network(new Weights(device, 0));
      } catch (OnnxException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(1000);
  }

  @Test
  void weightsMustBeThereAndWhole() throws IOException {
    Weights weights = new Weights(device, 1);
    Sequential head = Sequential.on(weights, Shape.of(4)).linear("q", 2).build();
    Map<String, Values> values = weights.save();
    ModelProto good =
        OnnxWriter.model(
            new Signature(
                List.of(List.of(4)), List.of(), List.of(0), -1, List.of(new Branch(2, 0))),
            new QNetwork(Optional.empty(), 4, head),
            values);
    ModelProto.Builder doubles = good.toBuilder();
    doubles.getGraphBuilder().getInitializerBuilder(0).setDataType(DataType.DOUBLE.getNumber());
    refused(
        doubles.build(),
        "node 'q' (Gemm) is not understood: it is of type float64 instead of float32");
    ModelProto.Builder other = good.toBuilder();
    other.getGraphBuilder().getInitializerBuilder(0).setDims(0, 3);
    refused(other.build(), "node 'q' (Gemm) is not understood: 8 numbers for the shape [3, 4]");
    ModelProto.Builder half = good.toBuilder();
    half.getGraphBuilder()
        .getInitializerBuilder(0)
        .setDims(0, 1)
        .setRawData(good.getGraph().getInitializer(0).getRawData().substring(0, 16));
    refused(half.build(), "node 'q' (Gemm) is not understood: its bias is [2] for 1 results");
  }
}
