package bellman.rl.onnx;

import bellman.rl.onnx.proto.GraphProto;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.NodeProto;
import bellman.rl.onnx.proto.OperatorSetIdProto;
import bellman.rl.onnx.proto.TensorProto;
import bellman.rl.onnx.proto.TensorProto.DataLocation;
import bellman.rl.onnx.proto.TensorProto.DataType;
import bellman.rl.onnx.proto.TensorShapeProto;
import bellman.rl.onnx.proto.TensorShapeProto.Dimension;
import bellman.rl.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Looks at a model, wherever it comes from, as Unity's ML-Agents packages 2.0 to 4.0 do before they
 * run it: names, types and sizes of what goes in and out, the convention's version, and whether the
 * package's inference library imports the graph. Nothing is run, and what only a scene can say (how
 * many sensors it has, of which sizes) is left to Unity.
 */
public final class ModelCheck {
  /**
   * Something that is not as it should be.
   *
   * @param rejected whether Unity refuses the model; else it may do other than is wanted
   * @param subject the tensor, node or property
   * @param text what is wrong, and the remedy
   */
  public record Objection(boolean rejected, String subject, String text) {}

  private static final int OLDEST_OPSET = 7;
  private static final int NEWEST_OPSET = 15;

  /** What Sentis 2.1 imports, the library of package 3.0. */
  private static final Set<String> IMPORTED =
      Set.of(
          ("Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool"
                  + " BatchNormalization Bernoulli Cast CastLike Ceil Celu Clip Compress Concat"
                  + " Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace Div"
                  + " Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements"
                  + " GatherND Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual Hardmax"
                  + " HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN LRN LSTM"
                  + " LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool"
                  + " Mean Min Mod Mul Multinomial Neg NonMaxSuppression NonZero Not OneHot Or PRelu"
                  + " Pad Pow RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range"
                  + " Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean"
                  + " ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize RoiAlign"
                  + " Round Scatter ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh"
                  + " Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum"
                  + " Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where"
                  + " Xor")
              .split(" "));

  private final ModelProto model;
  private final GraphProto graph;
  private final Map<String, TensorProto> constants = new HashMap<>();
  private final Map<String, ValueInfoProto> inputs = new LinkedHashMap<>();
  private final Map<String, ValueInfoProto> outputs = new LinkedHashMap<>();
  private final List<String> description = new ArrayList<>();
  private final List<Objection> objections = new ArrayList<>();

  private ModelCheck(ModelProto model) {
    this.model = model;
    this.graph = model.getGraph();
  }

  /**
   * @throws OnnxException if the file is no model, or not whole
   * @throws IOException if it cannot be read
   */
  public static ModelCheck of(Path file) throws IOException {
    ModelCheck check = new ModelCheck(OnnxFile.read(file));
    check.description.add(
        String.format(
            Locale.ROOT,
            "%s: %,d bytes, ONNX format %d, opset %d, written by %s",
            file,
            Files.size(file),
            check.model.getIrVersion(),
            opset(check.model),
            (check.model.getProducerName().isEmpty() ? "?" : check.model.getProducerName())
                + (check.model.getProducerVersion().isEmpty()
                    ? ""
                    : " " + check.model.getProducerVersion())));
    check.run();
    return check;
  }

  static ModelCheck of(ModelProto model) {
    ModelCheck check = new ModelCheck(model);
    check.run();
    return check;
  }

  /** Of ONNX's own operators; 0: none is named. */
  static long opset(ModelProto model) {
    return model.getOpsetImportList().stream()
        .filter(o -> isOnnx(o.getDomain()))
        .mapToLong(OperatorSetIdProto::getVersion)
        .max()
        .orElse(0);
  }

  private static boolean isOnnx(String domain) {
    return domain.isEmpty() || domain.equals("ai.onnx");
  }

  /** The file, its inputs and its outputs, a line each. */
  public List<String> description() {
    return Collections.unmodifiableList(description);
  }

  /** What is not as it should be, in the order of the rules. */
  public List<Objection> objections() {
    return Collections.unmodifiableList(objections);
  }

  /** Whether Unity refuses the model. */
  public boolean rejected() {
    return objections.stream().anyMatch(Objection::rejected);
  }

  private void reject(String subject, String text, Object... values) {
    objections.add(new Objection(true, subject, String.format(Locale.ROOT, text, values)));
  }

  private void warn(String subject, String text, Object... values) {
    objections.add(new Objection(false, subject, String.format(Locale.ROOT, text, values)));
  }

  private void run() {
    collect();
    operators();
    wires();
    int version = number(Names.VERSION, "3, the version of the convention");
    int memory = number(Names.MEMORY_SIZE, "0, for a policy without memory");
    if (version != 0 && (version < Names.PREVIOUS_VERSION || version > Names.CURRENT_VERSION)) {
      reject(
          Names.VERSION, "is %d; Unity takes 2 (as packages 1.x had it) and 3. Write 3", version);
    }
    if (version == Names.PREVIOUS_VERSION) {
      warn(
          Names.VERSION,
          "is 2, of packages 1.x: newer ones still take it, with its own names of inputs. Write 3"
              + " for packages from 2.0");
      if (memory > 0) {
        reject(
            Names.MEMORY_SIZE,
            "is %d: packages from 2.0 take no models of version 2 with a memory. Write version 3",
            memory);
      }
    }
    boolean current = version != Names.PREVIOUS_VERSION;
    boolean discrete = actions(current);
    for (ValueInfoProto input : inputs.values()) {
      input(input, current, memory);
    }
    presence(current, discrete, memory);
  }

  // ── the graph ─────────────────────────────────────────────────────────────────────────────────

  private void collect() {
    graph.getInitializerList().forEach(t -> constants.put(t.getName(), t));
    for (NodeProto node : graph.getNodeList()) {
      if (node.getOutputCount() == 0) {
        continue;
      }
      String result = node.getOutput(0);
      if (node.getOpType().equals("Identity")
          && node.getInputCount() == 1
          && constants.containsKey(node.getInput(0))) {
        constants.put(result, constants.get(node.getInput(0)));
      } else if (node.getOpType().equals("Constant")) {
        node.getAttributeList().stream()
            .filter(a -> a.getName().equals("value") && a.hasT())
            .forEach(a -> constants.put(result, a.getT()));
      }
    }
    Set<String> initializers = new HashSet<>();
    graph.getInitializerList().forEach(t -> initializers.add(t.getName()));
    for (ValueInfoProto input : graph.getInputList()) {
      if (!initializers.contains(input.getName())) { // else a constant: older writers list them too
        inputs.put(input.getName(), input);
        description.add("input   " + described(input));
      }
    }
    for (ValueInfoProto output : graph.getOutputList()) {
      outputs.put(output.getName(), output);
      description.add("output  " + described(output));
      if (initializers.contains(output.getName())) {
        warn(
            output.getName(),
            "is a constant itself; packages from 3.0 find outputs behind nodes only. Pass it through"
                + " an Identity node");
      }
    }
  }

  private String described(ValueInfoProto info) {
    StringBuilder text = new StringBuilder();
    text.append(String.format("%-30s %-8s ", info.getName(), typeName(info)));
    List<String> dims = new ArrayList<>();
    dims(info).forEach(dim -> dims.add(text(dim)));
    text.append(dims);
    TensorProto constant = constants.get(info.getName());
    if (constant != null) {
      try {
        List<Float> values = new ArrayList<>();
        for (float v : OnnxFile.floats(constant)) {
          values.add(v);
        }
        text.append(" = ").append(values);
      } catch (IllegalArgumentException e) {
        text.append(" = ?");
      }
    }
    return text.toString();
  }

  private static String text(Dimension dim) {
    return dim.hasDimValue()
        ? Long.toString(dim.getDimValue())
        : dim.getDimParam().isEmpty() ? "?" : dim.getDimParam();
  }

  private static String typeName(ValueInfoProto info) {
    return OnnxFile.typeName(info.getType().getTensorType().getElemType());
  }

  private static List<Dimension> dims(ValueInfoProto info) {
    TensorShapeProto shape = info.getType().getTensorType().getShape();
    return shape.getDimList();
  }

  private void operators() {
    long opset = opset(model);
    if (opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
      reject(
          "opset",
          "is %d; Unity imports %d to %d. Export with opset 9, which Unity's own trainer writes",
          opset,
          OLDEST_OPSET,
          NEWEST_OPSET);
    }
    Set<String> named = new HashSet<>();
    for (NodeProto node : graph.getNodeList()) {
      boolean onnx = isOnnx(node.getDomain());
      if (onnx && IMPORTED.contains(node.getOpType())
          || !named.add(node.getDomain() + node.getOpType())) {
        continue;
      }
      reject(
          node.getOpType(),
          "%s: %s. Export the network without it",
          NodeMeaning.described(node),
          onnx
              ? "Sentis 2.1, which package 3.0 runs models with, has no such operator"
              : "an operator of '" + node.getDomain() + "', which Unity does not know");
    }
    for (TensorProto constant : graph.getInitializerList()) {
      if (constant.getDataLocation() == DataLocation.EXTERNAL) {
        reject(
            constant.getName(),
            "lies in another file; a Unity asset is one file. Save the model with all weights in it");
        break;
      }
    }
  }

  /** Every tensor is made once, and before it is taken. */
  private void wires() {
    Set<String> made = new HashSet<>(inputs.keySet());
    graph.getInitializerList().forEach(t -> made.add(t.getName()));
    for (NodeProto node : graph.getNodeList()) {
      for (String taken : node.getInputList()) {
        if (!taken.isEmpty() && !made.contains(taken)) {
          reject(
              "graph",
              "%s takes '%s', which nothing before it makes. Write the nodes in the order of"
                  + " computing",
              NodeMeaning.described(node),
              taken);
        }
      }
      for (String result : node.getOutputList()) {
        if (!result.isEmpty() && !made.add(result)) {
          reject(
              "graph",
              "%s makes '%s', which is there already. Give it another name",
              NodeMeaning.described(node),
              result);
        }
      }
    }
    for (String output : outputs.keySet()) {
      if (!made.contains(output)) {
        reject(output, "is an output that no node makes. Name the tensor that is meant");
      }
    }
  }

  // ── what comes out ────────────────────────────────────────────────────────────────────────────

  /** An output of one number; 0 where it is missing or not known. */
  private int number(String name, String should) {
    ValueInfoProto output = outputs.get(name);
    if (output == null) {
      reject(name, "is missing. Add an output float32 [1] of %s", should);
      return 0;
    }
    float[] values = constantOutput(output);
    if (values == null) {
      return 0;
    }
    if (values.length != 1) {
      reject(name, "has %d numbers. It is one: float32 [1]", values.length);
      return 0;
    }
    return (int) values[0];
  }

  /** The numbers of an output that never changes; null where they are not known. */
  private float[] constantOutput(ValueInfoProto output) {
    String name = output.getName();
    if (output.getType().getTensorType().getElemType() != DataType.FLOAT.getNumber()) {
      reject(name, "is %s; Unity reads float32. Write it as float32", typeName(output));
      return null;
    }
    TensorProto constant = constants.get(name);
    if (constant == null) {
      warn(
          name,
          "is computed, so its value is not known without running the model. Packages before 3.0"
              + " take a constant only");
      return null;
    }
    try {
      return OnnxFile.floats(constant);
    } catch (IllegalArgumentException e) {
      reject(name, "%s. Write it as float32", e.getMessage());
      return null;
    }
  }

  /** Returns whether there are discrete actions. */
  private boolean actions(boolean current) {
    boolean discrete = outputs.containsKey(Names.DISCRETE);
    boolean continuous = outputs.containsKey(Names.CONTINUOUS);
    if (!current && outputs.containsKey(Names.ACTION)) {
      for (String name : List.of(Names.ACTION_SHAPE, Names.IS_CONTINUOUS)) {
        if (!outputs.containsKey(name)) {
          reject(
              name, "is missing; a model of version 2 with the output '%s' has it", Names.ACTION);
        }
      }
      TensorProto constant = constants.get(Names.IS_CONTINUOUS);
      return constant != null && isZero(constant);
    }
    if (!discrete && !continuous) {
      reject(
          "actions",
          "no output chooses actions. Name it '%s' (int64 [batch, branches], indices) or '%s'"
              + " (float32 [batch, n])",
          Names.DISCRETE,
          Names.CONTINUOUS);
    }
    if (discrete) {
      discrete(current);
    }
    if (continuous) {
      continuous();
    }
    return discrete;
  }

  private static boolean isZero(TensorProto constant) {
    try {
      return OnnxFile.floats(constant)[0] == 0;
    } catch (RuntimeException e) {
      return false; // of another type or empty
    }
  }

  private void discrete(boolean current) {
    ValueInfoProto actions = outputs.get(Names.DISCRETE);
    int type = actions.getType().getTensorType().getElemType();
    boolean integers = type == DataType.INT64.getNumber() || type == DataType.INT32.getNumber();
    if (current && !integers) {
      reject(
          Names.DISCRETE,
          "is %s; from version 3 on Unity reads the indices of the chosen actions. Put an ArgMax or"
              + " Multinomial behind the values, of type int64",
          typeName(actions));
    }
    if (current && !outputs.containsKey(Names.DETERMINISTIC_DISCRETE)) {
      warn(
          Names.DETERMINISTIC_DISCRETE,
          "is missing, so the agent cannot use Deterministic Inference. Add it: int64 [batch,"
              + " branches], the most likely actions");
    }
    ValueInfoProto shape = outputs.get(Names.DISCRETE_SHAPE);
    if (shape == null) {
      reject(
          Names.DISCRETE_SHAPE,
          "is missing. Add an output float32 [1, branches] of the sizes of the branches");
      return;
    }
    float[] sizes = constantOutput(shape);
    if (sizes == null) {
      return;
    }
    long sum = 0;
    for (float size : sizes) {
      if (size < 1 || size != Math.rint(size)) {
        reject(Names.DISCRETE_SHAPE, "says that a branch has %s actions. Give whole numbers", size);
        return;
      }
      sum += (long) size;
    }
    List<Dimension> dims = dims(actions);
    if (current
        && dims.size() == 2
        && dims.get(1).hasDimValue()
        && dims.get(1).getDimValue() != sizes.length) {
      reject(
          Names.DISCRETE,
          "gives %d actions, while %s names %d branches. Give one for each",
          dims.get(1).getDimValue(),
          Names.DISCRETE_SHAPE,
          sizes.length);
    }
    ValueInfoProto masks = inputs.get(Names.MASKS);
    if (masks != null
        && dims(masks).size() == 2
        && dims(masks).get(1).hasDimValue()
        && dims(masks).get(1).getDimValue() != sum) {
      reject(
          Names.MASKS,
          "takes %d masks, while the branches have %d actions together. Take one for each action",
          dims(masks).get(1).getDimValue(),
          sum);
    }
  }

  private void continuous() {
    if (!outputs.containsKey(Names.DETERMINISTIC_CONTINUOUS)) {
      warn(
          Names.DETERMINISTIC_CONTINUOUS,
          "is missing, so the agent cannot use Deterministic Inference. Add it: float32 [batch, n],"
              + " the means");
    }
    ValueInfoProto actions = outputs.get(Names.CONTINUOUS);
    if (actions.getType().getTensorType().getElemType() != DataType.FLOAT.getNumber()) {
      reject(Names.CONTINUOUS, "is %s; Unity reads float32", typeName(actions));
    }
    int n = outputs.containsKey(Names.CONTINUOUS_SHAPE) ? number(Names.CONTINUOUS_SHAPE, "") : 0;
    if (!outputs.containsKey(Names.CONTINUOUS_SHAPE)) {
      reject(
          Names.CONTINUOUS_SHAPE,
          "is missing. Add an output float32 [1] of how many actions there are");
    }
    List<Dimension> dims = dims(actions);
    if (n != 0 && dims.size() == 2 && dims.get(1).hasDimValue() && dims.get(1).getDimValue() != n) {
      reject(
          Names.CONTINUOUS,
          "gives %d actions, while %s says %d",
          dims.get(1).getDimValue(),
          Names.CONTINUOUS_SHAPE,
          n);
    }
  }

  // ── what goes in ──────────────────────────────────────────────────────────────────────────────

  private void input(ValueInfoProto input, boolean current, int memory) {
    String name = input.getName();
    boolean observation =
        name.matches(Names.OBSERVATION + "\\d{1,4}")
            || !current
                && (name.equals(Names.VECTOR_OBSERVATION)
                    || name.startsWith(Names.VISUAL_OBSERVATION));
    boolean masks = name.equals(Names.MASKS);
    boolean remembers = name.equals(Names.MEMORY_IN);
    if (!observation && !masks && !remembers) {
      reject(
          name,
          "is an input that Unity does not give. There are %s%s; rename it or make it a constant",
          current
              ? "obs_0, obs_1, … in the order of the sensors, " + Names.MASKS
              : Names.VECTOR_OBSERVATION + ", visual_observation_0, …, " + Names.MASKS,
          memory > 0 ? " and " + Names.MEMORY_IN : "");
      return;
    }
    if (remembers && memory == 0) {
      reject(
          name,
          "is an input, while %s is 0. Give the memory's size there, or leave the input out",
          Names.MEMORY_SIZE);
    }
    if (input.getType().getTensorType().getElemType() != DataType.FLOAT.getNumber()) {
      reject(
          name, "is %s; Unity gives float32. Take float32, and cast in the graph", typeName(input));
    }
    List<Dimension> dims = dims(input);
    int least = remembers ? 3 : 2;
    int most = remembers ? 3 : masks ? 2 : 4;
    if (dims.size() < least || dims.size() > most) {
      reject(
          name,
          "has %d dimensions. It is %s",
          dims.size(),
          remembers
              ? "[batch, 1, memory]"
              : masks
                  ? "[batch, actions of all branches]"
                  : "[batch, channels, height, width] for a picture, [batch, n] for a vector, [batch,"
                      + " n, features] for things that vary in number");
      return;
    }
    for (Dimension dim : dims.subList(1, dims.size())) {
      if (dim.getDimValue() < 1) {
        reject(
            name,
            "leaves a size open ('%s') that Unity compares with the sensor's. Give the number",
            text(dim));
        return;
      }
    }
    Dimension batch = dims.get(0);
    if (batch.hasDimValue() && batch.getDimValue() == 1) {
      warn(
          name,
          "takes one agent at a time (its batch is 1); with more agents in a scene Unity fails."
              + " Leave the first dimension open");
    } else if (batch.hasDimValue()) {
      reject(
          name,
          "takes a batch of %d; Unity gives as many as there are agents, and 1 to try. Leave the"
              + " first dimension open",
          batch.getDimValue());
    }
  }

  private void presence(boolean current, boolean discrete, int memory) {
    Set<Integer> numbers = new TreeSet<>();
    boolean any = false;
    for (String name : inputs.keySet()) {
      if (name.matches(Names.OBSERVATION + "\\d{1,4}")) {
        numbers.add(Integer.parseInt(name.substring(Names.OBSERVATION.length())));
      }
      any |= !name.equals(Names.MASKS) && !name.equals(Names.MEMORY_IN);
    }
    if (current && numbers.isEmpty() || !any) {
      reject(
          current ? "obs_0" : Names.VECTOR_OBSERVATION,
          "is missing: the model sees nothing. Name its inputs as Unity does");
    }
    for (int i = 0; current && !numbers.isEmpty() && i < Collections.max(numbers); i++) {
      if (!numbers.contains(i)) {
        reject(
            Names.OBSERVATION + i,
            "is missing. Every sensor has its input, used or not; number them from obs_0 without a"
                + " gap");
      }
    }
    if (discrete && !inputs.containsKey(Names.MASKS)) {
      reject(
          Names.MASKS,
          "is missing, while actions are discrete. Add an input float32 [batch, actions of all"
              + " branches]: 1 allowed, 0 forbidden");
    }
    if (current && memory > 0) {
      if (!inputs.containsKey(Names.MEMORY_IN)) {
        reject(Names.MEMORY_IN, "is missing, while %s is %d", Names.MEMORY_SIZE, memory);
      }
      if (!outputs.containsKey(Names.MEMORY_OUT)) {
        reject(Names.MEMORY_OUT, "is missing, while %s is %d", Names.MEMORY_SIZE, memory);
      }
    }
  }
}
