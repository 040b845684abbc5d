package bellman.rl.onnx;

import bellman.engine.io.AtomicFile;
import bellman.rl.onnx.proto.ModelProto;
import bellman.rl.onnx.proto.TensorProto;
import bellman.rl.onnx.proto.TensorProto.DataLocation;
import bellman.rl.onnx.proto.TensorProto.DataType;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/** Files of the ONNX format and the numbers in them. */
final class OnnxFile {
  private OnnxFile() {}

  static void write(Path file, ModelProto model) throws IOException {
    AtomicFile.write(file, model.toByteArray());
  }

  /**
   * @throws OnnxException if the file is not whole, or none of the format
   * @throws IOException if it cannot be read
   */
  static ModelProto read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    if (bytes.length == 0) {
      throw new OnnxException(file, "the file is empty");
    }
    ModelProto model;
    try {
      model = ModelProto.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new OnnxException(
          file,
          String.format(
              "not an ONNX model, or cut off (%,d bytes are there): %s",
              bytes.length, e.getMessage()));
    }
    // Other formats may pass as a message none of whose fields is known.
    if (!model.hasGraph() || model.getIrVersion() == 0) {
      throw new OnnxException(
          file,
          "not an ONNX model: it holds no "
              + (model.hasGraph() ? "version of the format" : "graph")
              + ", which every model begins with");
    }
    if (model.getOpsetImportCount() == 0) {
      throw new OnnxException(
          file, "the file is cut off: behind its graph it does not say which operators it means");
    }
    return model;
  }

  // ── constants ─────────────────────────────────────────────────────────────────────────────────

  static TensorProto floats(String name, float[] values, int... dims) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return tensor(name, DataType.FLOAT, dims).setRawData(ByteString.copyFrom(bytes)).build();
  }

  static TensorProto longs(String name, long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return tensor(name, DataType.INT64, values.length)
        .setRawData(ByteString.copyFrom(bytes))
        .build();
  }

  private static TensorProto.Builder tensor(String name, DataType type, int... dims) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(type.getNumber());
    Arrays.stream(dims).forEach(tensor::addDims);
    return tensor;
  }

  static int[] dims(TensorProto tensor) {
    return tensor.getDimsList().stream().mapToInt(Math::toIntExact).toArray();
  }

  /**
   * The numbers of a constant of type float32.
   *
   * @throws IllegalArgumentException if it is of another type, incomplete or in another file
   */
  static float[] floats(TensorProto tensor) {
    ByteBuffer raw = raw(tensor, DataType.FLOAT, 4);
    float[] values = new float[raw == null ? tensor.getFloatDataCount() : raw.remaining() / 4];
    if (raw != null) {
      FloatBuffer numbers = raw.asFloatBuffer();
      numbers.get(values);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = tensor.getFloatData(i);
      }
    }
    checkCount(tensor, values.length);
    return values;
  }

  /** The same for int64. */
  static long[] longs(TensorProto tensor) {
    ByteBuffer raw = raw(tensor, DataType.INT64, 8);
    long[] values = new long[raw == null ? tensor.getInt64DataCount() : raw.remaining() / 8];
    if (raw != null) {
      raw.asLongBuffer().get(values);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = tensor.getInt64Data(i);
      }
    }
    checkCount(tensor, values.length);
    return values;
  }

  /** Null where the numbers are a list. */
  private static ByteBuffer raw(TensorProto tensor, DataType type, int bytes) {
    if (tensor.getDataLocation() == DataLocation.EXTERNAL) {
      throw new IllegalArgumentException("its numbers lie in another file");
    }
    if (tensor.getDataType() != type.getNumber()) {
      throw new IllegalArgumentException(
          "it is of type " + typeName(tensor.getDataType()) + " instead of " + typeName(type));
    }
    ByteString raw = tensor.getRawData();
    if (raw.isEmpty()) {
      return null;
    }
    if (raw.size() % bytes != 0) {
      throw new IllegalArgumentException(
          raw.size() + " bytes are no whole number of " + typeName(type));
    }
    return raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void checkCount(TensorProto tensor, int count) {
    long size = 1;
    for (long dim : tensor.getDimsList()) {
      size *= dim;
    }
    if (count != size) {
      throw new IllegalArgumentException(count + " numbers for the shape " + tensor.getDimsList());
    }
  }

  /** {@code float32}, as users of the format know it. */
  static String typeName(int number) {
    DataType type = DataType.forNumber(number);
    return type == null ? "number " + number : typeName(type);
  }

  private static String typeName(DataType type) {
    return switch (type) {
      case FLOAT -> "float32";
      case DOUBLE -> "float64";
      default -> type.name().toLowerCase(Locale.ROOT);
    };
  }
}
