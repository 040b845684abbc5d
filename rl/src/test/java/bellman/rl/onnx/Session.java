package bellman.rl.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.TensorProto.DataType;
import bellman.rl.onnx.proto.TypeProto;
import bellman.rl.onnx.proto.ValueInfoProto;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** A model in ONNX Runtime, the judge of what we write. */
final class Session implements AutoCloseable {
  /** The numbers of an input, batch after batch. */
  record In(float[] values, long... shape) {}

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  Session(byte[] model) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      session = environment.createSession(model, options);
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }

  Session(ModelProto model) {
    this(model.toByteArray());
  }

  /** The same with tensors inside the graph as further outputs. */
  static Session showing(ModelProto model, String... tensors) {
    ModelProto.Builder more = model.toBuilder();
    for (String tensor : tensors) {
      more.getGraphBuilder()
          .addOutput(
              ValueInfoProto.newBuilder()
                  .setName(tensor)
                  .setType(
                      TypeProto.newBuilder()
                          .setTensorType(
                              TypeProto.Tensor.newBuilder()
                                  .setElemType(DataType.FLOAT.getNumber()))));
    }
    return new Session(more.build());
  }

  /** Every output by name, as arrays of Java. */
  Map<String, Object> run(Map<String, In> inputs) {
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, In> in : inputs.entrySet()) {
        FloatBuffer values = FloatBuffer.wrap(in.getValue().values);
        tensors.put(in.getKey(), OnnxTensor.createTensor(environment, values, in.getValue().shape));
      }
      Map<String, Object> outputs = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(tensors)) {
        for (var entry : result) {
          outputs.put(entry.getKey(), entry.getValue().getValue());
        }
      }
      return outputs;
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }
}
