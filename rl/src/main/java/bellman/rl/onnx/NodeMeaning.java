package bellman.rl.onnx;

import bellman.engine.Shape;
import bellman.nn.Values;
import bellman.rl.onnx.Known.Choice;
import bellman.rl.onnx.Known.Chosen;
import bellman.rl.onnx.Known.Constant;
import bellman.rl.onnx.Known.Convolution;
import bellman.rl.onnx.Known.Dense;
import bellman.rl.onnx.Known.Element;
import bellman.rl.onnx.Known.Features;
import bellman.rl.onnx.Known.Flat;
import bellman.rl.onnx.Known.Gated;
import bellman.rl.onnx.Known.Masks;
import bellman.rl.onnx.Known.Nothing;
import bellman.rl.onnx.Known.Observation;
import bellman.rl.onnx.Known.Rectify;
import bellman.rl.onnx.Known.Scores;
import bellman.rl.onnx.Known.Source;
import bellman.rl.onnx.Known.Step;
import bellman.rl.onnx.proto.AttributeProto;
import bellman.rl.onnx.proto.NodeProto;
import bellman.rl.onnx.proto.TensorProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the result of a node means, from what its inputs mean. */
final class NodeMeaning {
  /** A penalty this low keeps an action from being chosen. */
  private static final float FORBIDDING = -1e4f;

  private static final String UNDERSTOOD =
      "Conv, Relu, Gemm, MatMul, Add, Sub, Mul, Flatten, Reshape, Transpose, Unsqueeze, Slice,"
          + " Concat, ArgMax, Identity and Constant";

  /** The node does not mean what a policy of Q-values is made of. */
  private static final class Strange extends Exception {
    private static final long serialVersionUID = 1L;

    private Strange(String why, Object... values) {
      super(String.format(why, values), null, false, false);
    }
  }

  private final NodeProto node;
  private final long opset;
  private final Map<String, Known> known;

  /**
   * @param known what tensors mean that were made before
   */
  NodeMeaning(NodeProto node, long opset, Map<String, Known> known) {
    this.node = node;
    this.opset = opset;
    this.known = known;
  }

  static String described(NodeProto node) {
    String name =
        node.getName().isEmpty() && node.getOutputCount() > 0 ? node.getOutput(0) : node.getName();
    return "node '" + name + "' (" + node.getOpType() + ")";
  }

  /** Nothing, where the node or something before it is not understood. */
  Known result() {
    for (String name : node.getInputList()) {
      Known input = name.isEmpty() ? null : known.get(name);
      if (!name.isEmpty() && input == null) {
        return new Nothing(
            described(node) + " takes '" + name + "', which nothing before it makes");
      }
      if (input instanceof Nothing) {
        return input;
      }
    }
    try {
      return meaning();
    } catch (Strange | IllegalArgumentException | ArithmeticException e) {
      return new Nothing(described(node) + " is not understood: " + e.getMessage());
    }
  }

  private Known meaning() throws Strange {
    if (!node.getDomain().isEmpty() && !node.getDomain().equals("ai.onnx")) {
      throw new Strange("its operator is one of '%s', not of ONNX", node.getDomain());
    }
    return switch (node.getOpType()) {
      case "Identity" -> input(0);
      case "Constant" -> constantNode();
      case "Conv" -> conv();
      case "Gemm" -> gemm();
      case "MatMul" -> dense(features(input(0)), matrix(1, false), null);
      case "Relu" -> relu();
      case "Flatten" -> flatten();
      case "Reshape" -> reshape();
      case "Transpose" -> transpose();
      case "Unsqueeze" -> unsqueeze();
      case "Slice" -> slice();
      case "Concat" -> concat();
      case "Mul" -> mul();
      case "Add" -> add(input(0), input(1));
      case "Sub" -> sub();
      case "ArgMax" -> argMax();
      default ->
          throw new Strange(
              "a policy of Q-values is read from %s; this operator is none of them", UNDERSTOOD);
    };
  }

  // ── inputs and attributes ─────────────────────────────────────────────────────────────────────

  private boolean has(int i) {
    return i < node.getInputCount() && !node.getInput(i).isEmpty();
  }

  private Known input(int i) throws Strange {
    if (!has(i)) {
      throw new Strange("it lacks input %d", i);
    }
    return known.get(node.getInput(i));
  }

  private TensorProto constant(int i) throws Strange {
    if (input(i) instanceof Constant c) {
      return c.tensor();
    }
    throw new Strange("'%s' is no constant", node.getInput(i));
  }

  private AttributeProto attribute(String name) {
    for (AttributeProto a : node.getAttributeList()) {
      if (a.getName().equals(name)) {
        return a;
      }
    }
    return null;
  }

  private long integer(String name, long byDefault) {
    AttributeProto a = attribute(name);
    return a == null ? byDefault : a.getI();
  }

  private float number(String name, float byDefault) {
    AttributeProto a = attribute(name);
    return a == null ? byDefault : a.getF();
  }

  private List<Long> list(String name, List<Long> byDefault) {
    AttributeProto a = attribute(name);
    return a == null ? byDefault : a.getIntsList();
  }

  /** Integers that are an attribute in older opsets and an input in newer ones. */
  private List<Long> listOrInput(String name, int input) throws Strange {
    if (attribute(name) != null) {
      return attribute(name).getIntsList();
    }
    List<Long> values = new ArrayList<>();
    if (has(input)) {
      for (long value : OnnxFile.longs(constant(input))) {
        values.add(value);
      }
    }
    return values;
  }

  private static void require(boolean holds, String why, Object... values) throws Strange {
    if (!holds) {
      throw new Strange(why, values);
    }
  }

  private Constant constantNode() throws Strange {
    AttributeProto value = attribute("value");
    require(value != null && value.hasT(), "its attribute 'value' is no tensor");
    return new Constant(value.getT().toBuilder().setName(node.getOutput(0)).build());
  }

  /** A constant of one element. */
  private static float scalar(TensorProto tensor) throws Strange {
    float[] values = OnnxFile.floats(tensor);
    require(
        values.length == 1,
        "'%s' is not one number, but %s",
        tensor.getName(),
        tensor.getDimsList());
    return values[0];
  }

  // ── layers ────────────────────────────────────────────────────────────────────────────────────

  private static Source source(Known x) throws Strange {
    if (x instanceof Source s) {
      return s;
    }
    if (x instanceof Observation o && (o.shape().size() == 1 || o.shape().size() == 3)) {
      return new Source(List.of(o.index()), -1, sample(o.shape()));
    }
    throw new Strange("its input is no picture and no vector that a sensor shows");
  }

  /** [c, h, w] → [h, w, c]. */
  private static Shape sample(List<Integer> s) {
    return s.size() == 3 ? Shape.of(s.get(1), s.get(2), s.get(0)) : Shape.of(s.get(0));
  }

  /** What a sensor shows is features without layers. */
  private static Features features(Known x) throws Strange {
    if (x instanceof Features f) {
      return f;
    }
    if (!(x instanceof Source) && !(x instanceof Observation)) {
      throw new Strange("its input is nothing that sensors show, and no layer's result");
    }
    Source s = source(x);
    boolean picture = s.shape().rank() == 3;
    return new Features(
        picture ? s : null, List.of(), picture ? null : s, List.of(), s.shape(), false, null);
  }

  /** The encoder of a picture ends in its Flatten; what follows belongs to the head. */
  private static Features then(
      Features x, Step step, Shape shape, boolean channelsLast, Shape pixels) {
    boolean encodes = x.shape().rank() == 3;
    List<Step> steps = new ArrayList<>(encodes ? x.encoder() : x.head());
    steps.add(step);
    return new Features(
        x.picture(),
        encodes ? List.copyOf(steps) : x.encoder(),
        x.vector(),
        encodes ? x.head() : List.copyOf(steps),
        shape,
        channelsLast,
        pixels);
  }

  private static String layerName(TensorProto weight) {
    return weight.getName().replaceFirst("[./]weight$", "");
  }

  private static Values values(TensorProto tensor) {
    return new Values(Shape.of(OnnxFile.dims(tensor)), OnnxFile.floats(tensor));
  }

  private Features conv() throws Strange {
    Features x = features(input(0));
    TensorProto w = constant(1);
    Values weight = values(w);
    require(x.shape().rank() == 3 && !x.channelsLast(), "its input is no image [batch, c, h, w]");
    require(weight.shape().rank() == 4, "its filters are %s", weight.shape());
    int out = weight.shape().dim(0);
    int in = weight.shape().dim(1);
    int kernel = weight.shape().dim(2);
    require(kernel == weight.shape().dim(3), "its filters are not square: %s", weight.shape());
    require(in == x.shape().dim(2), "%d channels come, its filters take %d", x.shape().dim(2), in);
    require(integer("group", 1) == 1, "its channels are in %d groups", integer("group", 1));
    List<Long> strides = list("strides", List.of(1L, 1L));
    List<Long> pads = list("pads", List.of(0L, 0L, 0L, 0L));
    List<Long> dilations = list("dilations", List.of(1L, 1L));
    AttributeProto auto = attribute("auto_pad");
    String autoPad = auto == null ? "NOTSET" : auto.getS().toStringUtf8();
    require(
        strides.size() == 2
            && same(strides)
            && pads.size() == 4
            && same(pads)
            && dilations.stream().allMatch(d -> d == 1)
            && List.of("NOTSET", "VALID").contains(autoPad),
        "strides %s, pads %s, dilations %s, auto_pad %s; here strides and pads are the same on all"
            + " sides and there are no dilations",
        strides,
        pads,
        dilations,
        autoPad);
    int stride = Math.toIntExact(strides.get(0));
    int padding = Math.toIntExact(pads.get(0));
    int h = x.shape().dim(0) + 2 * padding - kernel;
    int wide = x.shape().dim(1) + 2 * padding - kernel;
    require(
        stride >= 1 && padding >= 0 && h >= 0 && wide >= 0,
        "filters of %d × %d, stride %d, do not fit an image of %d × %d",
        kernel,
        kernel,
        stride,
        x.shape().dim(0),
        x.shape().dim(1));
    Values bias = has(2) ? values(constant(2)) : new Values(Shape.of(out), new float[out]);
    require(bias.shape().equals(Shape.of(out)), "its bias is %s", bias.shape());
    return then(
        x,
        new Convolution(layerName(w), weight, bias, stride, padding),
        Shape.of(h / stride + 1, wide / stride + 1, out),
        false,
        null);
  }

  private static boolean same(List<Long> values) {
    return values.stream().distinct().count() == 1;
  }

  private Features gemm() throws Strange {
    require(
        number("alpha", 1) == 1 && number("beta", 1) == 1 && integer("transA", 0) == 0,
        "alpha %s, beta %s, transA %d; here all are as by default",
        number("alpha", 1),
        number("beta", 1),
        integer("transA", 0));
    Values bias = has(2) ? values(constant(2)) : null;
    return dense(features(input(0)), matrix(1, integer("transB", 0) == 1), bias);
  }

  /** A constant matrix as a Dense without bias: [out, in]. */
  private Dense matrix(int i, boolean outFirst) throws Strange {
    TensorProto tensor = constant(i);
    Values w = values(tensor);
    require(w.shape().rank() == 2, "its weights are %s", w.shape());
    return new Dense(layerName(tensor), outFirst ? w : transposed(w), null);
  }

  private static Values transposed(Values w) {
    int rows = w.shape().dim(0);
    int columns = w.shape().dim(1);
    float[] values = new float[w.floats().length];
    for (int i = 0; i < values.length; i++) {
      values[i % columns * rows + i / columns] = w.floats()[i];
    }
    return new Values(Shape.of(columns, rows), values);
  }

  private static Features dense(Features x, Dense layer, Values bias) throws Strange {
    int out = layer.weight().shape().dim(0);
    int in = layer.weight().shape().dim(1);
    require(x.shape().rank() == 1, "its input is an image; a Flatten belongs before");
    require(in == x.shape().dim(0), "%d features come, its weights take %d", x.shape().dim(0), in);
    require(
        bias == null || bias.shape().size() == out,
        "its bias is %s for %d results",
        bias == null ? "" : bias.shape(),
        out);
    Values weight = x.pixels() == null ? layer.weight() : channelsFirst(layer.weight(), x.pixels());
    Values flat = bias == null ? null : new Values(Shape.of(out), bias.floats());
    return then(x, new Dense(layer.name(), weight, flat), Shape.of(out), false, null);
  }

  /** The first columns, an image's, in H,W,C order → C,H,W. */
  private static Values channelsFirst(Values w, Shape pixels) {
    int area = pixels.dim(0) * pixels.dim(1);
    int channels = pixels.dim(2);
    int in = w.shape().dim(1);
    float[] values = w.floats().clone();
    for (int i = 0; i < values.length; i++) {
      int column = i % in;
      if (column < area * channels) {
        values[i - column + column % channels * area + column / channels] = w.floats()[i];
      }
    }
    return new Values(w.shape(), values);
  }

  private Features relu() throws Strange {
    Features x = features(input(0));
    return then(x, new Rectify(), x.shape(), x.channelsLast(), x.pixels());
  }

  private Features flatten() throws Strange {
    require(integer("axis", 1) == 1, "axis %d; the batch is axis 0", integer("axis", 1));
    return flat(features(input(0)));
  }

  private static Features flat(Features x) {
    if (x.shape().rank() == 1) {
      return x;
    }
    Shape pixels = x.channelsLast() ? x.shape() : null;
    return then(x, new Flat(), Shape.of(Math.toIntExact(x.shape().size())), false, pixels);
  }

  private Known reshape() throws Strange {
    List<Long> shape = listOrInput("shape", 1);
    if (input(0) instanceof Element || input(0) instanceof Chosen) {
      require(shape.stream().skip(1).allMatch(d -> d == 1), "to %s", shape);
      return input(0);
    }
    Features x = features(input(0));
    long size = x.shape().size();
    require(
        shape.size() == 2
            && (shape.get(1) == size || shape.get(1) == -1 && shape.get(0) != -1)
            && shape.get(0) <= 1,
        "to %s; a sample of %d numbers is reshaped to [-1, %d] alone",
        shape,
        size,
        size);
    return flat(x);
  }

  private Known transpose() throws Strange {
    List<Long> perm = list("perm", List.of());
    if (input(0) instanceof Constant c) {
      Values w = values(c.tensor());
      require(
          w.shape().rank() == 2 && (perm.isEmpty() || perm.equals(List.of(1L, 0L))),
          "%s of %s",
          perm,
          w.shape());
      Values turned = transposed(w);
      return new Constant(
          OnnxFile.floats(c.tensor().getName(), turned.floats(), turned.shape().dims()));
    }
    Features x = features(input(0));
    require(
        x.shape().rank() == 3
            && perm.equals(x.channelsLast() ? List.of(0L, 3L, 1L, 2L) : List.of(0L, 2L, 3L, 1L)),
        "axes %s; an image's channels go behind its rows and columns, or back",
        perm);
    return new Features(
        x.picture(), x.encoder(), x.vector(), x.head(), x.shape(), !x.channelsLast(), null);
  }

  // ── gate ──────────────────────────────────────────────────────────────────────────────────────

  private Known unsqueeze() throws Strange {
    require(
        input(0) instanceof Element || input(0) instanceof Chosen,
        "its input is no element of a goal");
    return input(0);
  }

  /** Columns of a vector. */
  private Known slice() throws Strange {
    int inputs = opset < 10 ? Integer.MAX_VALUE : 1;
    List<Long> starts = listOrInput("starts", inputs);
    List<Long> ends = listOrInput("ends", inputs == 1 ? 2 : inputs);
    List<Long> axes = listOrInput("axes", inputs == 1 ? 3 : inputs);
    List<Long> steps = inputs == 1 ? listOrInput("steps", 4) : List.of();
    require(
        starts.size() == 1
            && ends.size() == 1
            && (axes.equals(List.of(1L)) || axes.equals(List.of(-1L)))
            && (steps.isEmpty() || steps.equals(List.of(1L))),
        "starts %s, ends %s, axes %s, steps %s; columns in one piece are taken from axis 1",
        starts,
        ends,
        axes,
        steps);
    Known x = input(0);
    if (x instanceof Observation o && o.shape().size() == 1) {
      int from = place(starts.get(0), o.shape().get(0));
      int to = place(ends.get(0), o.shape().get(0));
      require(
          to == from + 1,
          "of an observation one element is taken at a time, not %d to %d",
          from,
          to - 1);
      return new Element(o.index(), from);
    }
    if (x instanceof Masks m) {
      int n = m.to() - m.from();
      return new Masks(
          m.from() + place(starts.get(0), n),
          m.from() + place(ends.get(0), n),
          m.scale(),
          m.offset());
    }
    Scores q = scores(x);
    require(q.masks() == null, "values are masked before they are taken apart");
    int n = q.to() - q.from();
    return new Scores(
        q.q(), q.from() + place(starts.get(0), n), q.from() + place(ends.get(0), n), null);
  }

  private static int place(long index, int size) {
    return (int) Math.max(0, Math.min(size, index < 0 ? index + size : index));
  }

  private Known concat() throws Strange {
    List<Known> parts = new ArrayList<>();
    for (int i = 0; i < node.getInputCount(); i++) {
      parts.add(input(i));
    }
    long axis = integer("axis", 1);
    boolean picture = parts.stream().anyMatch(NodeMeaning::isPicture);
    require(axis == 1 || axis == -1 && !picture, "axis %d; axis 1 is joined", axis);
    if (parts.stream().allMatch(Chosen.class::isInstance)) {
      List<Choice> choices = new ArrayList<>();
      parts.forEach(part -> choices.addAll(((Chosen) part).choices()));
      return new Chosen(choices);
    }
    if (parts.stream().allMatch(Gated.class::isInstance)) {
      return gated(parts.stream().map(Gated.class::cast).toList());
    }
    return parts.get(0) instanceof Features f ? withVector(f, parts) : joined(parts);
  }

  private static boolean isPicture(Known x) {
    return x instanceof Observation o && o.shape().size() == 3
        || x instanceof Source s && s.shape().rank() == 3
        || x instanceof Gated g && isPicture(g.source());
  }

  private Source gated(List<Gated> blocks) throws Strange {
    Source source = blocks.get(0).source();
    int goal = blocks.get(0).goal().observation();
    for (int k = 0; k < blocks.size(); k++) {
      require(
          blocks.get(k).equals(new Gated(source, new Element(goal, k))),
          "block %d is not what is seen times element %d of obs_%d",
          k,
          k,
          goal);
    }
    boolean all =
        known.get(Names.OBSERVATION + goal) instanceof Observation o
            && o.shape().get(0) == blocks.size();
    require(all, "%d blocks; obs_%d has another number of elements", blocks.size(), goal);
    return new Source(source.observations(), goal, widened(source.shape(), blocks.size()));
  }

  /** With so many times its channels or features. */
  private static Shape widened(Shape s, int blocks) {
    return s.rank() == 3
        ? Shape.of(s.dim(0), s.dim(1), s.dim(2) * blocks)
        : Shape.of(s.dim(0) * blocks);
  }

  /** Several sensors as one. */
  private static Source joined(List<Known> parts) throws Strange {
    List<Integer> observations = new ArrayList<>();
    Shape first = source(parts.get(0)).shape();
    int width = 0;
    for (Known part : parts) {
      Source s = source(part);
      boolean fits =
          s.goal() < 0
              && s.shape().rank() == first.rank()
              && (first.rank() == 1
                  || s.shape().dim(0) == first.dim(0) && s.shape().dim(1) == first.dim(1));
      require(fits, "it joins what is gated, or pictures of other sizes");
      observations.addAll(s.observations());
      width += s.shape().dim(-1);
    }
    Shape shape = first.rank() == 3 ? Shape.of(first.dim(0), first.dim(1), width) : Shape.of(width);
    return new Source(List.copyOf(observations), -1, shape);
  }

  /** A vector behind a picture's features. */
  private static Features withVector(Features f, List<Known> parts) throws Strange {
    Source vector =
        parts.size() == 2 ? source(parts.get(1)) : joined(parts.subList(1, parts.size()));
    require(
        f.shape().rank() == 1
            && f.head().isEmpty()
            && f.vector() == null
            && vector.shape().rank() == 1,
        "a vector is joined once, right behind the Flatten of a picture");
    Shape shape = Shape.of(f.shape().dim(0) + vector.shape().dim(0));
    return new Features(f.picture(), f.encoder(), vector, List.of(), shape, false, f.pixels());
  }

  // ── masks and choice ──────────────────────────────────────────────────────────────────────────

  /** A network's results as values of all choices. */
  private static Scores scores(Known x) throws Strange {
    if (x instanceof Scores s) {
      return s;
    }
    if (x instanceof Features f && f.shape().rank() == 1) {
      return new Scores(f, 0, f.shape().dim(0), null);
    }
    throw new Strange("its input is neither a vector nor values of actions");
  }

  private Known mul() throws Strange {
    for (int i = 0; i < 2; i++) {
      Known a = input(i);
      Known b = input(1 - i);
      if (a instanceof Masks m && b instanceof Constant c) {
        float x = scalar(c.tensor());
        return new Masks(m.from(), m.to(), m.scale() * x, m.offset() * x);
      }
      if (a instanceof Masks m && m.scale() == 1 && m.offset() == 0 && !(b instanceof Masks)) {
        return masked(scores(b), m);
      }
      if (a instanceof Element goal) {
        Source ungated = source(b);
        require(ungated.goal() < 0, "what it multiplies is gated already");
        return new Gated(ungated, goal);
      }
    }
    throw new Strange(
        "it multiplies neither what is seen by an element of a goal, nor values by '%s'",
        Names.MASKS);
  }

  private static Scores masked(Scores q, Masks m) throws Strange {
    require(
        m.to() - m.from() == q.to() - q.from(),
        "masks of %d actions on %d values",
        m.to() - m.from(),
        q.to() - q.from());
    boolean other = q.masks() != null && (q.masks().from() != m.from() || q.masks().to() != m.to());
    require(!other, "values have the masks of other actions already");
    return new Scores(q.q(), q.from(), q.to(), new Masks(m.from(), m.to(), 1, 0));
  }

  private static Known add(Known a, Known b) throws Strange {
    if (b instanceof Features
        || b instanceof Scores
        || b instanceof Masks && a instanceof Constant) {
      return a instanceof Features || a instanceof Scores ? strangeSum() : add(b, a);
    }
    if (a instanceof Constant && b instanceof Chosen) {
      return add(b, a);
    }
    if (a instanceof Masks m && b instanceof Constant c) {
      return new Masks(m.from(), m.to(), m.scale(), m.offset() + scalar(c.tensor()));
    }
    if (b instanceof Masks m && (a instanceof Features || a instanceof Scores)) {
      require(
          m.scale() + m.offset() == 0 && m.offset() <= FORBIDDING,
          "it adds %s for an allowed action and %s for a forbidden one; 0 and %s or less are masks",
          m.scale() + m.offset(),
          m.offset(),
          FORBIDDING);
      return masked(scores(a), m);
    }
    if (a instanceof Chosen chosen && b instanceof Constant c) {
      return offset(chosen, OnnxFile.longs(c.tensor()));
    }
    if (a instanceof Features f && b instanceof Constant c) {
      return bias(f, values(c.tensor()));
    }
    return strangeSum();
  }

  private static Known strangeSum() throws Strange {
    throw new Strange(
        "it adds neither a layer's bias, nor masks to values, nor an action's offset");
  }

  private static Chosen offset(Chosen chosen, long[] first) throws Strange {
    int n = chosen.choices().size();
    require(first.length == 1 || first.length == n, "%d offsets for %d actions", first.length, n);
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      Choice c = chosen.choices().get(i);
      int sum = Math.toIntExact(c.first() + first[first.length == 1 ? 0 : i]);
      require(sum >= 0, "an action's offset is %d", sum);
      choices.add(new Choice(c.scores(), sum));
    }
    return new Chosen(choices);
  }

  /** The bias of the layer before, which was a MatMul. */
  private static Features bias(Features f, Values bias) throws Strange {
    int last = f.head().size() - 1;
    require(
        last >= 0
            && f.head().get(last) instanceof Dense d
            && d.bias() == null
            && bias.shape().size() == f.shape().size(),
        "the layer before takes no bias of %s",
        bias.shape());
    Dense dense = (Dense) f.head().get(last);
    List<Step> head = new ArrayList<>(f.head().subList(0, last));
    Values flat = new Values(Shape.of(bias.floats().length), bias.floats());
    head.add(new Dense(dense.name(), dense.weight(), flat));
    return new Features(
        f.picture(), f.encoder(), f.vector(), List.copyOf(head), f.shape(), false, null);
  }

  private Known sub() throws Strange {
    return add(input(0), negative(input(1)));
  }

  /** −x of a constant or of masks; constant − masks is offset + scale · masks as well. */
  private static Known negative(Known x) throws Strange {
    if (x instanceof Masks m) {
      return new Masks(m.from(), m.to(), -m.scale(), -m.offset());
    }
    if (x instanceof Constant c) {
      float[] values = OnnxFile.floats(c.tensor());
      float[] negative = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        negative[i] = -values[i];
      }
      return new Constant(
          OnnxFile.floats(c.tensor().getName(), negative, OnnxFile.dims(c.tensor())));
    }
    throw new Strange("it subtracts neither a constant nor masks");
  }

  private Chosen argMax() throws Strange {
    long axis = integer("axis", 0);
    require(
        (axis == 1 || axis == -1) && integer("select_last_index", 0) == 0,
        "axis %d, select_last_index %d; the first of the best is taken, on axis 1",
        axis,
        integer("select_last_index", 0));
    return new Chosen(List.of(new Choice(scores(input(0)), 0)));
  }
}
