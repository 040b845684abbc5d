package bellman.rl.onnx;

import bellman.engine.Shape;
import bellman.nn.Sequential;
import bellman.nn.Values;
import bellman.rl.env.Signature;
import bellman.rl.onnx.Known.Chosen;
import bellman.rl.onnx.Known.Constant;
import bellman.rl.onnx.Known.Features;
import bellman.rl.onnx.Known.Masks;
import bellman.rl.onnx.Known.Nothing;
import bellman.rl.onnx.Known.Observation;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.NodeProto;
import bellman.rl.onnx.proto.TensorProto;
import bellman.rl.onnx.proto.TensorShapeProto.Dimension;
import bellman.rl.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Reads a model with discrete actions back into a network. It follows the graph from the sensors to
 * {@code discrete_actions} and says of each tensor what it means ({@link Known}): the frame, the
 * goal's gate, layers, masks, the choice. Parts of a graph that do not lead there are not looked
 * at.
 */
public final class OnnxReader {
  private final Path file;
  private final ModelProto model;
  private final Map<String, Known> known = new HashMap<>();
  private final Map<Integer, List<Integer>> observations = new TreeMap<>();

  private OnnxReader(Path file, ModelProto model) {
    this.file = file;
    this.model = model;
  }

  /**
   * @throws OnnxException if the file is no model, or one whose graph is not understood; the
   *     message names the first node that is not
   * @throws IOException if the file cannot be read
   */
  public static OnnxPolicy read(Path file) throws IOException {
    return new OnnxReader(file, OnnxFile.read(file)).policy();
  }

  private OnnxPolicy policy() throws OnnxException {
    for (TensorProto constant : model.getGraph().getInitializerList()) {
      known.put(constant.getName(), new Constant(constant));
    }
    for (ValueInfoProto input : model.getGraph().getInputList()) {
      known.computeIfAbsent(input.getName(), name -> input(input));
    }
    long opset = ModelCheck.opset(model);
    for (NodeProto node : model.getGraph().getNodeList()) {
      Known result = new NodeMeaning(node, opset, known).result();
      for (int i = 0; i < node.getOutputCount(); i++) {
        known.put(
            node.getOutput(i),
            i == 0 || result instanceof Nothing
                ? result
                : new Nothing(NodeMeaning.described(node) + " has more than one result"));
      }
    }
    Known actions = known.get(Names.DISCRETE);
    if (actions == null) {
      throw new OnnxException(
          file,
          "the model has no output '"
              + Names.DISCRETE
              + "'; what runs here are models that choose one discrete action");
    }
    if (actions instanceof Nothing nothing) {
      throw new OnnxException(file, nothing.why());
    }
    if (actions instanceof Chosen chosen) {
      return policy(chosen.choices());
    }
    throw new OnnxException(
        file, "'" + Names.DISCRETE + "' is not chosen by an ArgMax over values of the actions");
  }

  private Known input(ValueInfoProto input) {
    List<Integer> shape = new ArrayList<>();
    List<Dimension> dims = input.getType().getTensorType().getShape().getDimList();
    for (Dimension dim : dims.subList(Math.min(1, dims.size()), dims.size())) {
      if (dim.getDimValue() < 1 || dim.getDimValue() > Integer.MAX_VALUE) {
        return new Nothing("input '" + input.getName() + "' leaves sizes open beside the batch");
      }
      shape.add((int) dim.getDimValue());
    }
    if (input.getName().equals(Names.MASKS) && shape.size() == 1) {
      return new Masks(0, shape.get(0), 1, 0);
    }
    if (input.getName().matches(Names.OBSERVATION + "\\d{1,4}")) {
      int index = Integer.parseInt(input.getName().substring(Names.OBSERVATION.length()));
      observations.put(index, shape);
      return new Observation(index, shape);
    }
    return new Nothing(
        "input '"
            + input.getName()
            + "' is none that a policy of Q-values takes: those are obs_0, obs_1, … and "
            + Names.MASKS);
  }

  // ── the policy ────────────────────────────────────────────────────────────────────────────────

  private OnnxPolicy policy(List<Known.Choice> choices) throws OnnxException {
    Features q = choices.get(0).scores().q();
    List<Signature.Branch> branches = branches(choices, q);
    List<List<Integer>> sensors = new ArrayList<>(observations.values());
    if (!observations.keySet().stream().allMatch(i -> i < sensors.size())) {
      throw new OnnxException(
          file, "the sensors are not numbered from obs_0 on: " + observations.keySet());
    }
    Known.Source picture = q.picture();
    Known.Source vector = q.vector();
    int goal = picture == null ? vector.goal() : picture.goal();
    if (vector != null && vector.goal() != goal) {
      throw new OnnxException(file, "the picture and the vector are gated by different goals");
    }
    Signature signature =
        new Signature(
            sensors,
            picture == null ? List.of() : picture.observations(),
            vector == null ? List.of() : vector.observations(),
            goal,
            branches);
    Map<String, Values> weights = new LinkedHashMap<>();
    List<Consumer<Sequential.Builder>> encoder = layers(q.encoder(), weights);
    return new OnnxPolicy(
        signature,
        picture == null ? null : picture.shape(),
        encoder,
        vector == null ? 0 : vector.shape().dim(0),
        layers(q.head(), weights),
        weights);
  }

  private static List<Consumer<Sequential.Builder>> layers(
      List<Known.Step> steps, Map<String, Values> weights) {
    List<Consumer<Sequential.Builder>> layers = new ArrayList<>();
    steps.forEach(step -> layers.add(layer(step, weights)));
    return layers;
  }

  private static Consumer<Sequential.Builder> layer(Known.Step step, Map<String, Values> weights) {
    if (step instanceof Known.Convolution c) {
      String name = put(weights, c.name(), c.weight(), c.bias());
      int out = c.weight().shape().dim(0);
      int kernel = c.weight().shape().dim(2);
      return builder -> builder.conv2d(name, out, kernel, c.stride(), c.padding());
    }
    if (step instanceof Known.Dense d) {
      int out = d.weight().shape().dim(0);
      Values bias = d.bias() == null ? new Values(Shape.of(out), new float[out]) : d.bias();
      String name = put(weights, d.name(), d.weight(), bias);
      return builder -> builder.linear(name, out);
    }
    return step instanceof Known.Flat ? Sequential.Builder::flatten : Sequential.Builder::relu;
  }

  /** Adds a layer's weights under a name that is still free, and returns it. */
  private static String put(
      Map<String, Values> weights, String wanted, Values weight, Values bias) {
    String name = wanted;
    for (int i = 2; weights.containsKey(name + ".weight"); i++) {
      name = wanted + "_" + i;
    }
    weights.put(name + ".weight", weight);
    weights.put(name + ".bias", bias);
    return name;
  }

  /** The branches, whose choices must tile q and whose masks must be their own. */
  private List<Signature.Branch> branches(List<Known.Choice> choices, Features q)
      throws OnnxException {
    List<Signature.Branch> branches = new ArrayList<>();
    int from = 0;
    int masksFrom = 0;
    for (Known.Choice choice : choices) {
      Known.Scores scores = choice.scores();
      int n = scores.to() - scores.from();
      int size = choice.first() + n;
      Masks masks = scores.masks();
      boolean own =
          masks == null
              || masks.from() == masksFrom + choice.first() && masks.to() == masksFrom + size;
      if (scores.q() != q || scores.from() != from || !own) {
        throw new OnnxException(
            file,
            String.format(
                "branch %d chooses among the values %d to %d with the masks of the actions %s; the"
                    + " branches must share one network and follow each other in it",
                branches.size(),
                scores.from(),
                scores.to() - 1,
                masks == null ? "none" : masks.from() + " to " + (masks.to() - 1)));
      }
      branches.add(new Signature.Branch(size, choice.first()));
      from += n;
      masksFrom += size;
    }
    if (from != q.shape().dim(0)) {
      throw new OnnxException(
          file,
          "the network gives "
              + q.shape().dim(0)
              + " values, the branches use "
              + from
              + " of them");
    }
    return branches;
  }
}
