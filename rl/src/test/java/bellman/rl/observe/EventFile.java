package bellman.rl.observe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads event files without any of the writer's code: CRC-32C bit by bit, protobuf into a list of
 * fields.
 */
public final class EventFile {
  /** A field: a Long, Double, Float or byte[]. */
  public record Field(int number, Object value) {
    public List<Field> message() {
      return fields((byte[]) value);
    }

    public String text() {
      return new String((byte[]) value, StandardCharsets.UTF_8);
    }
  }

  private EventFile() {}

  /** The events' fields; fails on any checksum. */
  public static List<List<Field>> read(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<List<Field>> events = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] length = new byte[8];
      in.get(length);
      check(length, in.getInt());
      byte[] data =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      in.get(data);
      check(data, in.getInt());
      events.add(fields(data));
    }
    return events;
  }

  private static void check(byte[] data, int stored) {
    int crc = crc(data);
    int masked = (crc >>> 15 | crc << 17) + 0xa282ead8;
    if (masked != stored) {
      throw new AssertionError(
          String.format("checksum of %d bytes is %08x, stored %08x", data.length, masked, stored));
    }
  }

  static int crc(byte[] data) {
    int crc = ~0;
    for (byte b : data) {
      crc ^= b & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc >>> 1 ^ ((crc & 1) == 0 ? 0 : 0x82f63b78);
      }
    }
    return ~crc;
  }

  private static List<Field> fields(byte[] data) {
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    List<Field> fields = new ArrayList<>();
    while (in.hasRemaining()) {
      int tag = (int) varint(in);
      Object value =
          switch (tag & 7) {
            case 0 -> varint(in);
            case 1 -> in.getDouble();
            case 2 -> {
              byte[] bytes = new byte[(int) varint(in)];
              in.get(bytes);
              yield bytes;
            }
            case 5 -> in.getFloat();
            default -> throw new AssertionError("wire type " + (tag & 7));
          };
      fields.add(new Field(tag >>> 3, value));
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte b = in.get();
      value |= (b & 0x7fL) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }
}
