package bellman.rl.torch;

import bellman.engine.Shape;
import bellman.engine.io.Safetensors;
import bellman.nn.Values;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A tensor of a file: a view of a storage, checked to lie inside it. Element (i₀, i₁, …) is the
 * storage's element offset + Σ iₖ·strideₖ.
 */
record TorchTensor(TorchFile file, Storage storage, Shape shape, int offset, int[] strides) {
  /**
   * The numbers behind any number of tensors.
   *
   * @param key names the archive's entry
   * @param count elements
   */
  record Storage(String key, Safetensors.Type type, int count) {}

  /** Whether the elements are of a floating type. */
  boolean floating() {
    return switch (storage.type()) {
      case F64, F32, F16, BF16 -> true;
      default -> false;
    };
  }

  /** Copied from the file as float32, row-major. */
  Values values() throws IOException {
    float[] values = new float[Math.toIntExact(shape.size())];
    if (values.length == 0) {
      return new Values(shape, values);
    }
    ByteBuffer data = file.data(storage);
    int rank = shape.rank();
    int[] at = new int[rank];
    int place = offset;
    for (int n = 0; n < values.length; n++) {
      values[n] = element(data, place);
      for (int k = rank - 1; k >= 0; k--) { // the next place, last dimension fastest
        place += strides[k];
        if (++at[k] < shape.dim(k)) {
          break;
        }
        place -= at[k] * strides[k];
        at[k] = 0;
      }
    }
    return new Values(shape, values);
  }

  private float element(ByteBuffer data, int i) {
    return switch (storage.type()) {
      case F32 -> data.getFloat(4 * i);
      case F64 -> (float) data.getDouble(8 * i);
      case F16 -> Safetensors.half(data.getShort(2 * i));
      case BF16 -> Float.intBitsToFloat(data.getShort(2 * i) << 16);
      case I64, U64 -> data.getLong(8 * i);
      case I32, U32 -> data.getInt(4 * i);
      case I16, U16 -> data.getShort(2 * i);
      case I8 -> data.get(i);
      case U8, BOOL -> data.get(i) & 0xff;
    };
  }

  /** {@code F32 [32, 6, 8, 8]}. */
  @Override
  public String toString() {
    return storage.type() + " " + shape;
  }
}
