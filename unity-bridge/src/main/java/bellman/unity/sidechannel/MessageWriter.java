package bellman.unity.sidechannel;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a side-channel message: little-endian numbers, ASCII strings with their length first. */
public final class MessageWriter {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** One byte, 0 or 1. */
  public MessageWriter bool(boolean value) {
    bytes.write(value ? 1 : 0);
    return this;
  }

  /** Four bytes. */
  public MessageWriter int32(int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.write(value >>> shift);
    }
    return this;
  }

  /** Four bytes, IEEE 754. */
  public MessageWriter float32(float value) {
    return int32(Float.floatToRawIntBits(value));
  }

  /** Its count as int32, then every number. */
  public MessageWriter float32List(float... values) {
    int32(values.length);
    for (float value : values) {
      float32(value);
    }
    return this;
  }

  /**
   * Its length as int32, then ASCII bytes.
   *
   * @throws IllegalArgumentException for a character outside ASCII: Unity would read a question
   *     mark
   */
  public MessageWriter string(String value) {
    for (int i = 0; i < value.length(); i++) {
      if (value.charAt(i) > 0x7F) {
        throw new IllegalArgumentException(
            "side channel: the string \""
                + value
                + "\" has a character outside ASCII at "
                + i
                + "; Unity reads ASCII only, so rename it");
      }
    }
    int32(value.length());
    return raw(value.getBytes(StandardCharsets.US_ASCII));
  }

  /** The bytes as they are. */
  public MessageWriter raw(byte... values) {
    bytes.writeBytes(values);
    return this;
  }

  byte[] toByteArray() {
    return bytes.toByteArray();
  }
}
