package bellman.rl.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import bellman.rl.onnx.proto.GraphProto;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.NodeProto;
import bellman.rl.onnx.proto.OperatorSetIdProto;
import bellman.rl.onnx.proto.TensorProto;
import bellman.rl.onnx.proto.TensorProto.DataLocation;
import bellman.rl.onnx.proto.TensorProto.DataType;
import bellman.rl.onnx.proto.TensorShapeProto.Dimension;
import bellman.rl.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCheckTest {
  private static final Set<String> OUTPUTS =
      Set.of(
          Names.DISCRETE,
          Names.DETERMINISTIC_DISCRETE,
          Names.DISCRETE_SHAPE,
          Names.CONTINUOUS,
          Names.DETERMINISTIC_CONTINUOUS,
          Names.CONTINUOUS_SHAPE,
          Names.VERSION,
          Names.MEMORY_SIZE,
          Names.MEMORY_OUT,
          Names.ACTION,
          Names.ACTION_SHAPE,
          Names.IS_CONTINUOUS);

  /** A model as small as Unity takes it: the actions are the largest of what is seen. */
  private static ModelProto good() {
    GraphBuilder g = new GraphBuilder("small", OUTPUTS);
    g.input("obs_0", DataType.FLOAT, List.of(3, 20, 24));
    g.input("obs_1", DataType.FLOAT, List.of(4));
    g.input(Names.MASKS, DataType.FLOAT, List.of(4));
    String action = g.node("ArgMax", "choice", List.of("obs_1"), GraphBuilder.attribute("axis", 1));
    g.output(Names.DISCRETE, action, DataType.INT64, true, List.of(1));
    g.output(Names.DETERMINISTIC_DISCRETE, action, DataType.INT64, true, List.of(1));
    constant(g, Names.DISCRETE_SHAPE, 4);
    constant(g, Names.VERSION, 3);
    constant(g, Names.MEMORY_SIZE, 0);
    return model(g);
  }

  private static void constant(GraphBuilder g, String name, float... values) {
    String constant = g.constant(OnnxFile.floats(name + ".value", values, values.length));
    g.output(name, constant, DataType.FLOAT, false, List.of(values.length));
  }

  private static ModelProto model(GraphBuilder g) {
    return ModelProto.newBuilder()
        .setIrVersion(4)
        .setGraph(g.build())
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(9))
        .build();
  }

  private static List<ModelCheck.Objection> mutated(Consumer<ModelProto.Builder> mutation) {
    ModelProto.Builder model = good().toBuilder();
    mutation.accept(model);
    return ModelCheck.of(model.build()).objections();
  }

  private static void rejects(Consumer<ModelProto.Builder> mutation, String subject, String text) {
    assertThat(mutated(mutation)).containsExactly(new ModelCheck.Objection(true, subject, text));
  }

  private static void warns(Consumer<ModelProto.Builder> mutation, String subject, String text) {
    assertThat(mutated(mutation)).containsExactly(new ModelCheck.Objection(false, subject, text));
  }

  // ── mutations ─────────────────────────────────────────────────────────────────────────────────

  private static ValueInfoProto.Builder input(ModelProto.Builder model, String name) {
    return info(model.getGraphBuilder().getInputBuilderList(), name);
  }

  private static ValueInfoProto.Builder output(ModelProto.Builder model, String name) {
    return info(model.getGraphBuilder().getOutputBuilderList(), name);
  }

  private static ValueInfoProto.Builder info(List<ValueInfoProto.Builder> all, String name) {
    return all.stream().filter(i -> i.getName().equals(name)).findFirst().orElseThrow();
  }

  private static void type(ValueInfoProto.Builder info, DataType type) {
    info.getTypeBuilder().getTensorTypeBuilder().setElemType(type.getNumber());
  }

  private static Dimension.Builder dim(ValueInfoProto.Builder info, int i) {
    return info.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder().getDimBuilder(i);
  }

  private static void without(ModelProto.Builder model, String output) {
    GraphProto.Builder graph = model.getGraphBuilder();
    for (int i = 0; i < graph.getOutputCount(); i++) {
      if (graph.getOutput(i).getName().equals(output)) {
        graph.removeOutput(i);
        return;
      }
    }
    throw new AssertionError("no output " + output);
  }

  private static void withoutInput(ModelProto.Builder model, String input) {
    GraphProto.Builder graph = model.getGraphBuilder();
    for (int i = 0; i < graph.getInputCount(); i++) {
      if (graph.getInput(i).getName().equals(input)) {
        graph.removeInput(i);
        return;
      }
    }
    throw new AssertionError("no input " + input);
  }

  private static void value(ModelProto.Builder model, String output, float... values) {
    GraphProto.Builder graph = model.getGraphBuilder();
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      if (graph.getInitializer(i).getName().equals(output + ".value")) {
        graph.setInitializer(i, OnnxFile.floats(output + ".value", values, values.length));
        return;
      }
    }
    throw new AssertionError("no constant " + output);
  }

  private static NodeProto.Builder node(ModelProto.Builder model, String name) {
    return model.getGraphBuilder().getNodeBuilderList().stream()
        .filter(n -> n.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  // ── rules ─────────────────────────────────────────────────────────────────────────────────────

  @Test
  void nothingIsSaidOfAGoodModel() {
    assertThat(ModelCheck.of(good()).objections()).isEmpty();
    assertThat(ModelCheck.of(good()).rejected()).isFalse();
  }

  @Test
  void operators() {
    rejects(
        m -> m.getOpsetImportBuilder(0).setVersion(17),
        "opset",
        "is 17; Unity imports 7 to 15. Export with opset 9, which Unity's own trainer writes");
    rejects(
        m -> m.getOpsetImportBuilder(0).setDomain("ai.onnx.ml"),
        "opset",
        "is 0; Unity imports 7 to 15. Export with opset 9, which Unity's own trainer writes");
    rejects(
        m -> node(m, "choice").setOpType("GRU"),
        "GRU",
        "node 'choice' (GRU): Sentis 2.1, which package 3.0 runs models with, has no such operator."
            + " Export the network without it");
    rejects(
        m -> node(m, "choice").setDomain("com.microsoft"),
        "ArgMax",
        "node 'choice' (ArgMax): an operator of 'com.microsoft', which Unity does not know. Export"
            + " the network without it");
    rejects(
        m ->
            m.getGraphBuilder()
                .addInitializer(
                    TensorProto.newBuilder().setName("w").setDataLocation(DataLocation.EXTERNAL)),
        "w",
        "lies in another file; a Unity asset is one file. Save the model with all weights in it");
  }

  @Test
  void wires() {
    rejects(
        m -> node(m, "choice").setInput(0, "nowhere"),
        "graph",
        "node 'choice' (ArgMax) takes 'nowhere', which nothing before it makes. Write the nodes in"
            + " the order of computing");
    rejects(
        m -> m.getGraphBuilder().addNode(node(m, "choice").clone()),
        "graph",
        "node 'choice' (ArgMax) makes 'choice', which is there already. Give it another name");
    rejects(
        m -> m.getGraphBuilder().addOutput(output(m, Names.VERSION).clone().setName("extra")),
        "extra",
        "is an output that no node makes. Name the tensor that is meant");
  }

  @Test
  void version() {
    rejects(
        m -> without(m, Names.VERSION),
        "version_number",
        "is missing. Add an output float32 [1] of 3, the version of the convention");
    rejects(
        m -> value(m, Names.VERSION, 1),
        "version_number",
        "is 1; Unity takes 2 (as packages 1.x had it) and 3. Write 3");
    rejects(
        m -> value(m, Names.VERSION, 4),
        "version_number",
        "is 4; Unity takes 2 (as packages 1.x had it) and 3. Write 3");
    rejects(
        m -> value(m, Names.VERSION, 3, 0),
        "version_number",
        "has 2 numbers. It is one: float32 [1]");
    rejects(
        m -> type(output(m, Names.VERSION), DataType.INT64),
        "version_number",
        "is int64; Unity reads float32. Write it as float32");
    warns(
        m -> node(m, Names.VERSION).setOpType("Relu"),
        "version_number",
        "is computed, so its value is not known without running the model. Packages before 3.0 take"
            + " a constant only");
    warns(
        m -> {
          m.getGraphBuilder().removeNode(m.getGraph().getNodeCount() - 2);
          m.getGraphBuilder().addInitializer(OnnxFile.floats(Names.VERSION, new float[] {3}, 1));
        },
        "version_number",
        "is a constant itself; packages from 3.0 find outputs behind nodes only. Pass it through an"
            + " Identity node");
  }

  @Test
  void memory() {
    rejects(
        m -> without(m, Names.MEMORY_SIZE),
        "memory_size",
        "is missing. Add an output float32 [1] of 0, for a policy without memory");
    assertThat(mutated(m -> value(m, Names.MEMORY_SIZE, 8)))
        .containsExactly(
            new ModelCheck.Objection(true, "recurrent_in", "is missing, while memory_size is 8"),
            new ModelCheck.Objection(true, "recurrent_out", "is missing, while memory_size is 8"));
    Consumer<ModelProto.Builder> remembers =
        m -> {
          GraphBuilder g = new GraphBuilder("more", OUTPUTS);
          g.input(Names.MEMORY_IN, DataType.FLOAT, List.of(1, 8));
          g.output(Names.MEMORY_OUT, Names.MEMORY_IN, DataType.FLOAT, true, List.of(1, 8));
          m.getGraphBuilder().mergeFrom(g.build());
        };
    assertThat(mutated(remembers.andThen(m -> value(m, Names.MEMORY_SIZE, 8)))).isEmpty();
    rejects(
        remembers,
        "recurrent_in",
        "is an input, while memory_size is 0. Give the memory's size there, or leave the input out");
  }

  @Test
  void discreteActions() {
    rejects(
        m -> {
          without(m, Names.DISCRETE);
        },
        "actions",
        "no output chooses actions. Name it 'discrete_actions' (int64 [batch, branches], indices) or"
            + " 'continuous_actions' (float32 [batch, n])");
    rejects(
        m -> type(output(m, Names.DISCRETE), DataType.FLOAT),
        "discrete_actions",
        "is float32; from version 3 on Unity reads the indices of the chosen actions. Put an ArgMax"
            + " or Multinomial behind the values, of type int64");
    warns(
        m -> without(m, Names.DETERMINISTIC_DISCRETE),
        "deterministic_discrete_actions",
        "is missing, so the agent cannot use Deterministic Inference. Add it: int64 [batch,"
            + " branches], the most likely actions");
    rejects(
        m -> without(m, Names.DISCRETE_SHAPE),
        "discrete_action_output_shape",
        "is missing. Add an output float32 [1, branches] of the sizes of the branches");
    rejects(
        m -> value(m, Names.DISCRETE_SHAPE, 4, 0),
        "discrete_action_output_shape",
        "says that a branch has 0.0 actions. Give whole numbers");
    rejects(
        m -> value(m, Names.DISCRETE_SHAPE, 2, 2),
        "discrete_actions",
        "gives 1 actions, while discrete_action_output_shape names 2 branches. Give one for each");
    rejects(
        m -> value(m, Names.DISCRETE_SHAPE, 5),
        "action_masks",
        "takes 4 masks, while the branches have 5 actions together. Take one for each action");
    rejects(
        m -> withoutInput(m, Names.MASKS),
        "action_masks",
        "is missing, while actions are discrete. Add an input float32 [batch, actions of all"
            + " branches]: 1 allowed, 0 forbidden");
  }

  @Test
  void continuousActions() {
    GraphBuilder g = new GraphBuilder("small", OUTPUTS);
    g.input("obs_0", DataType.FLOAT, List.of(4));
    g.output(Names.CONTINUOUS, "obs_0", DataType.FLOAT, true, List.of(4));
    g.output(Names.DETERMINISTIC_CONTINUOUS, "obs_0", DataType.FLOAT, true, List.of(4));
    constant(g, Names.CONTINUOUS_SHAPE, 4);
    constant(g, Names.VERSION, 3);
    constant(g, Names.MEMORY_SIZE, 0);
    ModelProto good = model(g);
    assertThat(ModelCheck.of(good).objections()).isEmpty();
    ModelProto.Builder other = good.toBuilder();
    value(other, Names.CONTINUOUS_SHAPE, 3);
    assertThat(ModelCheck.of(other.build()).objections())
        .containsExactly(
            new ModelCheck.Objection(
                true,
                "continuous_actions",
                "gives 4 actions, while continuous_action_output_shape says 3"));
    ModelProto.Builder without = good.toBuilder();
    without(without, Names.CONTINUOUS_SHAPE);
    without(without, Names.DETERMINISTIC_CONTINUOUS);
    assertThat(ModelCheck.of(without.build()).objections())
        .extracting(ModelCheck.Objection::subject, ModelCheck.Objection::rejected)
        .containsExactly(
            tuple("deterministic_continuous_actions", false),
            tuple("continuous_action_output_shape", true));
    ModelProto.Builder integers = good.toBuilder();
    type(output(integers, Names.CONTINUOUS), DataType.INT64);
    assertThat(ModelCheck.of(integers.build()).objections())
        .containsExactly(
            new ModelCheck.Objection(true, "continuous_actions", "is int64; Unity reads float32"));
  }

  @Test
  void inputs() {
    assertThat(
            mutated(
                m -> {
                  input(m, "obs_1").setName("vector");
                  node(m, "choice").setInput(0, "vector");
                }))
        .containsExactly(
            new ModelCheck.Objection(
                true,
                "vector",
                "is an input that Unity does not give. There are obs_0, obs_1, … in the order of the"
                    + " sensors, action_masks; rename it or make it a constant"));
    rejects(
        m -> {
          input(m, "obs_1").setName("obs_2");
          node(m, "choice").setInput(0, "obs_2");
        },
        "obs_1",
        "is missing. Every sensor has its input, used or not; number them from obs_0 without a gap");
    rejects(
        m -> {
          withoutInput(m, "obs_0");
          withoutInput(m, "obs_1");
          node(m, "choice").setInput(0, Names.MASKS);
        },
        "obs_0",
        "is missing: the model sees nothing. Name its inputs as Unity does");
    rejects(
        m -> type(input(m, "obs_0"), DataType.UINT8),
        "obs_0",
        "is uint8; Unity gives float32. Take float32, and cast in the graph");
    rejects(
        m ->
            input(m, "obs_0")
                .getTypeBuilder()
                .getTensorTypeBuilder()
                .getShapeBuilder()
                .addDim(Dimension.newBuilder().setDimValue(2)),
        "obs_0",
        "has 5 dimensions. It is [batch, channels, height, width] for a picture, [batch, n] for a"
            + " vector, [batch, n, features] for things that vary in number");
    rejects(
        m -> dim(input(m, "obs_0"), 2).setDimParam("height"),
        "obs_0",
        "leaves a size open ('height') that Unity compares with the sensor's. Give the number");
    warns(
        m -> dim(input(m, "obs_0"), 0).setDimValue(1),
        "obs_0",
        "takes one agent at a time (its batch is 1); with more agents in a scene Unity fails. Leave"
            + " the first dimension open");
    rejects(
        m -> dim(input(m, "obs_0"), 0).setDimValue(32),
        "obs_0",
        "takes a batch of 32; Unity gives as many as there are agents, and 1 to try. Leave the first"
            + " dimension open");
  }

  @Test
  void modelsOfPackagesOne() {
    GraphBuilder g = new GraphBuilder("small", OUTPUTS);
    g.input(Names.VECTOR_OBSERVATION, DataType.FLOAT, List.of(4));
    g.input(Names.VISUAL_OBSERVATION + "0", DataType.FLOAT, List.of(3, 20, 24));
    g.input(Names.MASKS, DataType.FLOAT, List.of(4));
    g.output(Names.ACTION, Names.VECTOR_OBSERVATION, DataType.FLOAT, true, List.of(4));
    constant(g, Names.ACTION_SHAPE, 4);
    constant(g, Names.IS_CONTINUOUS, 0);
    constant(g, Names.VERSION, 2);
    constant(g, Names.MEMORY_SIZE, 0);
    ModelProto old = model(g);
    String warning =
        "is 2, of packages 1.x: newer ones still take it, with its own names of inputs. Write 3 for"
            + " packages from 2.0";
    assertThat(ModelCheck.of(old).objections())
        .containsExactly(new ModelCheck.Objection(false, "version_number", warning));
    ModelProto.Builder remembers = old.toBuilder();
    value(remembers, Names.MEMORY_SIZE, 16);
    assertThat(ModelCheck.of(remembers.build()).objections())
        .contains(
            new ModelCheck.Objection(
                true,
                "memory_size",
                "is 16: packages from 2.0 take no models of version 2 with a memory. Write version"
                    + " 3"));
    ModelProto.Builder without = old.toBuilder();
    without(without, Names.IS_CONTINUOUS);
    assertThat(ModelCheck.of(without.build()).objections())
        .contains(
            new ModelCheck.Objection(
                true,
                "is_continuous_control",
                "is missing; a model of version 2 with the output 'action' has it"));
  }

  @Test
  void aModelIsDescribed(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("small.onnx"), good().toByteArray());
    assertThat(ModelCheck.of(file).description())
        .containsExactly(
            "%s: %,d bytes, ONNX format 4, opset 9, written by ?".formatted(file, Files.size(file)),
            "input   obs_0                          float32  [batch, 3, 20, 24]",
            "input   obs_1                          float32  [batch, 4]",
            "input   action_masks                   float32  [batch, 4]",
            "output  discrete_actions               int64    [batch, 1]",
            "output  deterministic_discrete_actions int64    [batch, 1]",
            "output  discrete_action_output_shape   float32  [1] = [4.0]",
            "output  version_number                 float32  [1] = [3.0]",
            "output  memory_size                    float32  [1] = [0.0]");
    Files.writeString(file, "no model");
    assertThatThrownBy(() -> ModelCheck.of(file))
        .isInstanceOf(OnnxException.class)
        .hasMessageStartingWith(file + ": not an ONNX model");
  }
}
