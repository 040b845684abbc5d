package bellman.engine.io;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.io.Safetensors.Type;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Gathers named arrays and writes them as one safetensors file. Arrays are not copied: they must
 * not change until {@link #write}.
 *
 * <p>The header is padded with spaces to a multiple of 8 bytes and wider types lie first, so that
 * every array is aligned to its elements.
 */
public final class SafetensorsWriter {
  private static final int CHUNK = 1 << 16;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** {@code put} appends element i to a buffer. */
  private record Pending(String name, Type type, Shape shape, Put put) {
    long bytes() {
      return shape.size() * type.bytes();
    }
  }

  @FunctionalInterface
  private interface Put {
    void element(ByteBuffer to, int i);
  }

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Pending> arrays = new LinkedHashMap<>();
  private boolean checked;

  /** The metadata will hold a checksum of the data, for {@link Safetensors#verify}. */
  public SafetensorsWriter checked() {
    checked = true;
    return this;
  }

  /** Free text for the file's {@code __metadata__}; a key given twice keeps the last value. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** F32. */
  public SafetensorsWriter floats(String name, Shape shape, float[] values) {
    return add(name, Type.F32, shape, values.length, (to, i) -> to.putFloat(values[i]));
  }

  /** F64. */
  public SafetensorsWriter doubles(String name, Shape shape, double[] values) {
    return add(name, Type.F64, shape, values.length, (to, i) -> to.putDouble(values[i]));
  }

  /** I64. */
  public SafetensorsWriter longs(String name, Shape shape, long[] values) {
    return add(name, Type.I64, shape, values.length, (to, i) -> to.putLong(values[i]));
  }

  /** I32. */
  public SafetensorsWriter ints(String name, Shape shape, int[] values) {
    return add(name, Type.I32, shape, values.length, (to, i) -> to.putInt(values[i]));
  }

  /** U8. */
  public SafetensorsWriter bytes(String name, Shape shape, byte[] values) {
    return add(name, Type.U8, shape, values.length, (to, i) -> to.put(values[i]));
  }

  public SafetensorsWriter booleans(String name, Shape shape, boolean[] values) {
    return add(
        name, Type.BOOL, shape, values.length, (to, i) -> to.put((byte) (values[i] ? 1 : 0)));
  }

  /** Any type, as its little-endian bytes. */
  public SafetensorsWriter raw(String name, Type type, Shape shape, byte[] values) {
    int width = type.bytes();
    if (values.length != shape.size() * width) {
      throw new ShapeException(
          "tensor '" + name + "': " + values.length + " bytes for " + type + " " + shape);
    }
    return add(
        name, type, shape, values.length / width, (to, i) -> to.put(values, i * width, width));
  }

  private SafetensorsWriter add(String name, Type type, Shape shape, int count, Put put) {
    if (count != shape.size()) {
      throw new ShapeException("tensor '" + name + "': " + count + " values for shape " + shape);
    }
    if (name.equals(SafetensorsHeader.METADATA)) {
      throw new IllegalArgumentException("tensor '" + name + "': the format keeps this name");
    }
    if (arrays.putIfAbsent(name, new Pending(name, type, shape, put)) != null) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' is there already; names are unique in a file");
    }
    return this;
  }

  /**
   * Writes the file in one step: readers find the old file or the whole new one, whatever fails.
   * The data is on the disk when this returns.
   *
   * @throws IOException if it cannot be written; the old file is then as it was
   */
  public void write(Path path) throws IOException {
    List<Pending> order = new ArrayList<>(arrays.values());
    order.sort(
        Comparator.comparingInt((Pending p) -> -p.type.bytes()).thenComparing(Pending::name));
    if (checked) {
      CRC32C crc = new CRC32C();
      for (Pending p : order) {
        put(crc::update, p);
      }
      metadata(SafetensorsHeader.CHECKSUM, Safetensors.checksum(crc));
    }
    AtomicFile.write(
        path,
        channel -> {
          AtomicFile.put(channel, ByteBuffer.wrap(header(order)));
          for (Pending p : order) {
            put(chunk -> AtomicFile.put(channel, chunk), p);
          }
        });
  }

  private byte[] header(List<Pending> order) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = root.putObject(SafetensorsHeader.METADATA);
      metadata.forEach(node::put);
    }
    long at = 0;
    for (Pending p : order) {
      ObjectNode node = root.putObject(p.name).put("dtype", p.type.name());
      node.putPOJO("shape", p.shape.dims());
      node.putArray("data_offsets").add(at).add(at + p.bytes());
      at += p.bytes();
    }
    byte[] json = JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + 7) / 8 * 8;
    if (padded > SafetensorsHeader.MAX_BYTES) {
      throw new IOException(
          "a header of " + padded + " bytes; the format allows " + SafetensorsHeader.MAX_BYTES);
    }
    ByteBuffer header = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(padded).put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.array();
  }

  @FunctionalInterface
  private interface Sink {
    void take(ByteBuffer chunk) throws IOException;
  }

  private static void put(Sink to, Pending p) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < p.shape.size(); i++) {
      if (chunk.remaining() < p.type.bytes()) {
        to.take(chunk.flip());
        chunk.clear();
      }
      p.put.element(chunk, i);
    }
    to.take(chunk.flip());
  }
}
