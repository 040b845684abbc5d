package bellman.rl.onnx;

import static bellman.rl.onnx.GraphBuilder.attribute;
import static bellman.rl.onnx.GraphBuilder.list;

import bellman.engine.Shape;
import bellman.nn.Conv2d;
import bellman.nn.Flatten;
import bellman.nn.Layer;
import bellman.nn.Linear;
import bellman.nn.Relu;
import bellman.nn.Sequential;
import bellman.nn.Values;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Signature;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.OperatorSetIdProto;
import bellman.rl.onnx.proto.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes a network of Q-values as a model that Unity's ML-Agents packages 2.0 to 4.0 run: version 3
 * of their convention, operators of opset 9.
 *
 * <pre>
 *   obs_0, obs_1, …   float32 [batch, …]        in     all sensors, whether used or not
 *   action_masks      float32 [batch, Σ sizes]  in     1 allowed, 0 forbidden
 *   discrete_actions  int64 [batch, branches]   out    argmax over q·m − 1e8·(1 − m), + first
 * </pre>
 *
 * The greedy policy as a whole is in the graph: a goal gate, the layers, the masks, the choice and
 * the offset of the first action. Pixels come as 0…1, as Unity's sensors give them.
 */
public final class OnnxWriter {
  /** The version of the format that goes with opset 9. */
  private static final int IR_VERSION = 4;

  private static final int OPSET = 9;

  /** What a forbidden action loses; ten million times what a value may be. */
  static final float PENALTY = 1e8f;

  private static final Set<String> OUTPUTS =
      Set.of(
          Names.DISCRETE,
          Names.DETERMINISTIC_DISCRETE,
          Names.DISCRETE_SHAPE,
          Names.VERSION,
          Names.MEMORY_SIZE);

  private final GraphBuilder graph = new GraphBuilder("policy", OUTPUTS);
  private final Signature signature;
  private final Map<String, Values> weights;

  private OnnxWriter(Signature signature, Map<String, Values> weights) {
    this.signature = signature;
    this.weights = weights;
  }

  /**
   * Writes or replaces a file in one step.
   *
   * @param network gives the values of each branch's choices, branch after branch
   * @param weights of the network, by name, in PyTorch's order
   * @throws IllegalArgumentException if the network does not fit the signature, has a layer that
   *     has no form here, or a weight that is not finite
   * @throws IOException if the file cannot be written; an old one is then as it was
   */
  public static void write(
      Path file, Signature signature, QNetwork network, Map<String, Values> weights)
      throws IOException {
    OnnxFile.write(file, model(signature, network, weights));
  }

  static ModelProto model(Signature signature, QNetwork network, Map<String, Values> weights) {
    return new OnnxWriter(signature, weights).model(network);
  }

  private ModelProto model(QNetwork network) {
    for (int i = 0; i < signature.observations().size(); i++) {
      graph.input(Names.OBSERVATION + i, DataType.FLOAT, signature.observations().get(i));
    }
    graph.input(Names.MASKS, DataType.FLOAT, List.of(signature.actions()));
    checkFits(network);
    choose(values(network));
    constant(Names.VERSION, List.of(1), Names.CURRENT_VERSION);
    constant(Names.MEMORY_SIZE, List.of(1), 0);
    constant(
        Names.DISCRETE_SHAPE,
        List.of(1, signature.branches().size()),
        signature.branches().stream().mapToInt(Signature.Branch::size).toArray());
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("bellman")
        .setGraph(graph.build())
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
        .build();
  }

  // ── what the network sees ─────────────────────────────────────────────────────────────────────

  private void checkFits(QNetwork network) {
    List<List<Integer>> shapes = signature.observations();
    Optional<Shape> picture = Optional.empty();
    if (!signature.pictures().isEmpty()) {
      List<Integer> first = shapes.get(signature.pictures().get(0));
      int channels = signature.pictures().stream().mapToInt(i -> shapes.get(i).get(0)).sum();
      int fold = fold(network);
      int folded = channels * signature.blocks() * fold * fold;
      picture = Optional.of(Shape.of(first.get(1) / fold, first.get(2) / fold, folded));
    }
    int vector = signature.vectors().stream().mapToInt(i -> shapes.get(i).get(0)).sum();
    Optional<Shape> takes = network.encoder().map(Sequential::input);
    int more = network.vector();
    int choices = network.head().output().dim(0);
    if (!picture.equals(takes)
        || vector * signature.blocks() != more
        || signature.choices() != choices) {
      throw new IllegalArgumentException(
          String.format(
              "onnx: the network %s for %d choices does not fit %s", network, choices, signature));
    }
  }

  /** How pictures come folded; models take them as sensors give them, and files such filters. */
  private static int fold(QNetwork network) {
    return network
        .encoder()
        .map(encoder -> encoder.layers().get(0) instanceof Conv2d first ? first.fold() : 1)
        .orElse(1);
  }

  /**
   * Observations of one kind, joined on axis 1; with a goal [batch, goals · c, …], block k
   * multiplied by the goal's element k.
   */
  private String seen(String name, List<Integer> observations, boolean pictures) {
    List<String> parts = observations.stream().map(i -> Names.OBSERVATION + i).toList();
    String all = parts.size() == 1 ? parts.get(0) : concat(name, parts);
    if (signature.goal() < 0) {
      return all;
    }
    String goal = Names.OBSERVATION + signature.goal();
    String perPixel = pictures ? graph.constant(OnnxFile.longs("gate.shape", -1, 1, 1, 1)) : "";
    List<String> blocks = new ArrayList<>();
    for (int k = 0; k < signature.blocks(); k++) {
      String element = columns("gate.element", goal, k, k + 1); // [batch, 1]
      if (pictures) {
        element = graph.node("Reshape", "gate.pixel", List.of(element, perPixel));
      }
      blocks.add(graph.node("Mul", "gate.block", List.of(all, element)));
    }
    return concat("gate", blocks);
  }

  private String concat(String name, List<String> parts) {
    return graph.node("Concat", name, parts, attribute("axis", 1));
  }

  private String columns(String name, String of, int from, int to) {
    return graph.node(
        "Slice", name, List.of(of), list("axes", 1), list("starts", from), list("ends", to));
  }

  // ── layers ────────────────────────────────────────────────────────────────────────────────────

  /** Q(s, ·) [batch, choices]. */
  private String values(QNetwork network) {
    List<String> joined = new ArrayList<>();
    if (network.encoder().isPresent()) {
      String picture = seen("pictures", signature.pictures(), true);
      joined.add(layers(network.encoder().get().layers(), picture));
    }
    if (network.vector() > 0) {
      joined.add(seen("vectors", signature.vectors(), false));
    }
    String features = joined.size() == 1 ? joined.get(0) : concat("features", joined);
    return layers(network.head().layers(), features);
  }

  private String layers(List<Layer> layers, String input) {
    String x = input;
    for (Layer layer : layers) {
      if (layer instanceof Conv2d conv) {
        int k = conv.kernel();
        int p = conv.padding();
        x =
            graph.node(
                "Conv",
                conv.name(),
                List.of(x, weight(conv.name() + ".weight"), weight(conv.name() + ".bias")),
                list("kernel_shape", k, k),
                list("strides", conv.stride(), conv.stride()),
                list("pads", p, p, p, p));
      } else if (layer instanceof Linear linear) {
        x =
            graph.node(
                "Gemm",
                linear.name(),
                List.of(x, weight(linear.name() + ".weight"), weight(linear.name() + ".bias")),
                attribute("transB", 1)); // files hold [out, in]
      } else if (layer instanceof Relu) {
        x = graph.node("Relu", "relu", List.of(x));
      } else if (layer instanceof Flatten) {
        x = graph.node("Flatten", "flatten", List.of(x), attribute("axis", 1));
      } else {
        throw new IllegalArgumentException(
            "onnx: layer '"
                + layer
                + "' ("
                + layer.getClass().getSimpleName()
                + ") has no form yet");
      }
    }
    return x;
  }

  private String weight(String name) {
    Values values = weights.get(name);
    if (values == null) {
      throw new IllegalArgumentException(
          "onnx: no weights named " + name + ", only " + weights.keySet());
    }
    for (float w : values.floats()) {
      if (!Float.isFinite(w)) {
        throw new IllegalArgumentException(
            "onnx: " + name + " holds " + w + ": weights that are not finite are of no use");
      }
    }
    return graph.constant(OnnxFile.floats(name, values.floats(), values.shape().dims()));
  }

  // ── choosing ──────────────────────────────────────────────────────────────────────────────────

  /** The best allowed choice in each branch. */
  private void choose(String q) {
    String scale = graph.constant(OnnxFile.floats("mask.scale", new float[] {PENALTY}, 1));
    String offset = graph.constant(OnnxFile.floats("mask.offset", new float[] {-PENALTY}, 1));
    List<String> actions = new ArrayList<>();
    int from = 0; // of the branch in q
    int masksFrom = 0;
    for (Signature.Branch branch : signature.branches()) {
      boolean only = signature.branches().size() == 1;
      String values = only ? q : columns("branch.q", q, from, from + branch.choices());
      String m = // [batch, choices]
          branch.choices() == signature.actions()
              ? Names.MASKS
              : columns(
                  "branch.mask",
                  Names.MASKS,
                  masksFrom + branch.first(),
                  masksFrom + branch.size());
      String allowed = graph.node("Mul", "mask.allowed", List.of(values, m));
      String weighed = graph.node("Mul", "mask.weighed", List.of(m, scale));
      String penalty = graph.node("Add", "mask.penalty", List.of(weighed, offset));
      String masked = graph.node("Add", "masked", List.of(allowed, penalty));
      String action =
          graph.node(
              "ArgMax", "action", List.of(masked), attribute("axis", 1), attribute("keepdims", 1));
      if (branch.first() > 0) {
        String first = graph.constant(OnnxFile.longs("action.first", branch.first()));
        action = graph.node("Add", "action.offset", List.of(action, first));
      }
      actions.add(action);
      from += branch.choices();
      masksFrom += branch.size();
    }
    String all = actions.size() == 1 ? actions.get(0) : concat("actions", actions);
    for (String name : List.of(Names.DISCRETE, Names.DETERMINISTIC_DISCRETE)) {
      graph.output(name, all, DataType.INT64, true, List.of(signature.branches().size()));
    }
  }

  /** An output that never changes. Unity finds it behind a node only, not as a bare constant. */
  private void constant(String name, List<Integer> dims, int... values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = values[i];
    }
    int[] shape = dims.stream().mapToInt(Integer::intValue).toArray();
    String constant = graph.constant(OnnxFile.floats(name + ".value", floats, shape));
    graph.output(name, constant, DataType.FLOAT, false, dims);
  }
}
