package bellman.rl.observe;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Encodes one protobuf message, field by field: a tag (number · 8 + wire type) and the value. Wire
 * types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
 */
final class ProtoWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  ProtoWriter varint(int field, long value) {
    raw(field << 3);
    raw(value);
    return this;
  }

  ProtoWriter float64(int field, double value) {
    raw(field << 3 | 1);
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value).array());
    return this;
  }

  ProtoWriter float32(int field, float value) {
    raw(field << 3 | 5);
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
    return this;
  }

  ProtoWriter text(int field, String value) {
    return delimited(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ProtoWriter message(int field, ProtoWriter value) {
    return delimited(field, value.bytes());
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  private ProtoWriter delimited(int field, byte[] value) {
    raw(field << 3 | 2);
    raw(value.length);
    out.writeBytes(value);
    return this;
  }

  /** Seven bits a byte, the low ones first; the top bit says that more follow. */
  private void raw(long value) {
    while ((value & ~0x7fL) != 0) {
      out.write((int) (value & 0x7f | 0x80));
      value >>>= 7;
    }
    out.write((int) value);
  }
}
