package bellman.unity.sidechannel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads a side-channel message front to back. Reading past the end yields the default given, so
 * that messages of older players, which end earlier, can still be read.
 */
public final class MessageReader {
  private final ByteBuffer bytes;

  /** Reads from the buffer's position to its limit. */
  public MessageReader(ByteBuffer bytes) {
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** How many bytes are left. */
  public int remaining() {
    return bytes.remaining();
  }

  /** One byte; anything but 0 is true. */
  public boolean bool(boolean otherwise) {
    return bytes.hasRemaining() ? bytes.get() != 0 : otherwise;
  }

  /** Four bytes. */
  public int int32(int otherwise) {
    return bytes.remaining() >= 4 ? bytes.getInt() : exhausted(otherwise);
  }

  /** Four bytes, IEEE 754. */
  public float float32(float otherwise) {
    return bytes.remaining() >= 4 ? bytes.getFloat() : exhausted(otherwise);
  }

  /**
   * A count, then as many numbers.
   *
   * @throws IllegalArgumentException when the count is negative or promises more than is there
   */
  public float[] float32List(float... otherwise) {
    if (bytes.remaining() < 4) {
      return exhausted(otherwise);
    }
    int count = bytes.getInt();
    checkLength("float list", count, 4);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = bytes.getFloat();
    }
    return values;
  }

  /**
   * A length, then as many ASCII bytes.
   *
   * @throws IllegalArgumentException when the length is negative or promises more than is there
   */
  public String string(String otherwise) {
    if (bytes.remaining() < 4) {
      return exhausted(otherwise);
    }
    int length = bytes.getInt();
    checkLength("string", length, 1);
    byte[] text = new byte[length];
    bytes.get(text);
    return new String(text, StandardCharsets.US_ASCII);
  }

  /** All that is left. */
  public byte[] raw() {
    byte[] rest = new byte[bytes.remaining()];
    bytes.get(rest);
    return rest;
  }

  private void checkLength(String what, int count, int size) {
    if (count < 0 || (long) count * size > bytes.remaining()) {
      throw new IllegalArgumentException(
          "side channel: a "
              + what
              + " says its length is "
              + count
              + " but "
              + bytes.remaining()
              + " bytes are left; both ends must write and read the same fields");
    }
  }

  private <T> T exhausted(T otherwise) {
    bytes.position(bytes.limit());
    return otherwise;
  }
}
