package bellman.rl.onnx;

import bellman.rl.onnx.proto.AttributeProto;
import bellman.rl.onnx.proto.AttributeProto.AttributeType;
import bellman.rl.onnx.proto.GraphProto;
import bellman.rl.onnx.proto.NodeProto;
import bellman.rl.onnx.proto.TensorProto;
import bellman.rl.onnx.proto.TensorProto.DataType;
import bellman.rl.onnx.proto.TensorShapeProto;
import bellman.rl.onnx.proto.TensorShapeProto.Dimension;
import bellman.rl.onnx.proto.TypeProto;
import bellman.rl.onnx.proto.ValueInfoProto;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A graph as it grows; tensors are known by their names, which this makes unique. */
final class GraphBuilder {
  private final GraphProto.Builder graph;
  private final Set<String> names;

  /**
   * @param outputs names that are kept for {@link #output}
   */
  GraphBuilder(String name, Set<String> outputs) {
    graph = GraphProto.newBuilder().setName(name);
    names = new HashSet<>(outputs);
  }

  /** [batch, dims…], with any batch. */
  String input(String name, DataType type, List<Integer> dims) {
    names.add(name);
    graph.addInput(info(name, type, true, dims));
    return name;
  }

  /** A result of the graph: the same as {@code of}, under the name that was kept for it. */
  void output(String name, String of, DataType type, boolean batch, List<Integer> dims) {
    graph.addNode(node("Identity", name, List.of(of), List.of()));
    graph.addOutput(info(name, type, batch, dims));
  }

  private static ValueInfoProto info(
      String name, DataType type, boolean batch, List<Integer> dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    if (batch) {
      shape.addDim(Dimension.newBuilder().setDimParam("batch"));
    }
    dims.forEach(dim -> shape.addDim(Dimension.newBuilder().setDimValue(dim)));
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  String constant(TensorProto tensor) {
    String name = unique(tensor.getName());
    graph.addInitializer(tensor.toBuilder().setName(name));
    return name;
  }

  /** A node with one result, which has the node's name; returns it. */
  String node(String op, String name, List<String> inputs, AttributeProto... attributes) {
    String result = unique(name);
    graph.addNode(node(op, result, inputs, List.of(attributes)));
    return result;
  }

  private static NodeProto node(
      String op, String result, List<String> inputs, List<AttributeProto> attributes) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .setName(result)
        .addAllInput(inputs)
        .addOutput(result)
        .addAllAttribute(attributes)
        .build();
  }

  private String unique(String wanted) {
    String name = wanted;
    for (int i = 2; !names.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }

  GraphProto build() {
    return graph.build();
  }

  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  static AttributeProto list(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }
}
