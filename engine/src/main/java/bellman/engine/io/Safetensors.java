package bellman.engine.io;

import bellman.engine.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Named arrays in one file: 8 bytes with the header's length (little-endian), a JSON header with
 * each array's dtype, shape and place, then the data, little-endian and row-major (<a
 * href="https://huggingface.co/docs/safetensors">format</a>).
 *
 * <p>{@link #open} checks the whole header; data is read when an entry is asked for it, from the
 * file as it was when opened, even if a writer has replaced it since. {@link SafetensorsWriter}
 * writes such files.
 *
 * <pre>{@code
 * try (Safetensors file = Safetensors.open(path)) {
 *   float[] w = file.entry("conv1.weight").floats();
 * }
 * }</pre>
 */
public final class Safetensors implements AutoCloseable {
  /** What one element is. */
  public enum Type {
    F64(8),
    F32(4),
    F16(2),
    BF16(2),
    I64(8),
    I32(4),
    I16(2),
    I8(1),
    U64(8),
    U32(4),
    U16(2),
    U8(1),
    BOOL(1);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
      return bytes;
    }
  }

  private final Path path;
  private final FileChannel channel;
  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;
  private final long dataAt;

  private Safetensors(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    SafetensorsHeader header = SafetensorsHeader.read(this, path, channel);
    this.metadata = Collections.unmodifiableMap(header.metadata());
    this.entries = Collections.unmodifiableMap(header.entries());
    this.dataAt = header.dataAt();
  }

  /**
   * Opens a file and checks its header: lengths, names, dtypes, and that the arrays' places cover
   * the data without overlap or hole.
   *
   * @throws SafetensorsException if it is not a sound safetensors file
   * @throws IOException if it cannot be read
   */
  public static Safetensors open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new Safetensors(path, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Reads all data and compares it with the checksum that {@link SafetensorsWriter#checked} put
   * into the metadata; a file without one passes.
   *
   * @throws SafetensorsException if a byte has changed since
   */
  public void verify() throws IOException {
    String expected = metadata.get(SafetensorsHeader.CHECKSUM);
    if (expected == null) {
      return;
    }
    CRC32C crc = new CRC32C();
    ByteBuffer chunk = ByteBuffer.allocate(1 << 16);
    for (long at = dataAt, n = channel.read(chunk, at); n > 0; n = channel.read(chunk, at)) {
      at += n;
      crc.update(chunk.flip());
      chunk.clear();
    }
    String actual = checksum(crc);
    if (!actual.equals(expected)) {
      throw new SafetensorsException(
          path,
          "damaged: the checksum of its data is "
              + actual
              + ", and "
              + expected
              + " when it was written; if another program changed it, have it drop the metadata "
              + SafetensorsHeader.CHECKSUM);
    }
  }

  static String checksum(CRC32C crc) {
    return "%08x".formatted(crc.getValue());
  }

  public Path path() {
    return path;
  }

  /** Free text by key: the header's {@code __metadata__}; empty if there is none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** All arrays by name, in the header's order. */
  public Map<String, Entry> entries() {
    return entries;
  }

  /**
   * The array of that name.
   *
   * @throws IllegalArgumentException if there is none; the message lists the names
   */
  public Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          path + ": no tensor '" + name + "'; it holds " + entries.keySet());
    }
    return entry;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** IEEE 754 binary16 as float. */
  public static float half(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >>> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0) { // zero or subnormal: fraction · 2⁻²⁴
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int rebased = exponent == 0x1f ? 0xff : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | rebased << 23 | fraction << 13);
  }

  /** One array. Accessors copy it from the file; each widens exactly and refuses other dtypes. */
  public static final class Entry {
    private final Safetensors file;
    private final String name;
    private final Type type;
    private final Shape shape;
    private final long at; // in the file

    Entry(Safetensors file, String name, Type type, Shape shape, long at) {
      this.file = file;
      this.name = name;
      this.type = type;
      this.shape = shape;
      this.at = at;
    }

    public String name() {
      return name;
    }

    public Type type() {
      return type;
    }

    public Shape shape() {
      return shape;
    }

    /** F32, F16 or BF16. */
    public float[] floats() throws IOException {
      ByteBuffer data = data();
      float[] values = new float[count()];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (type) {
              case F32 -> data.getFloat();
              case F16 -> half(data.getShort());
              case BF16 -> Float.intBitsToFloat(data.getShort() << 16);
              default -> throw wrong("floats() reads F32, F16 and BF16");
            };
      }
      return values;
    }

    /** F64, F32, F16 or BF16. */
    public double[] doubles() throws IOException {
      double[] values = new double[count()];
      if (type == Type.F64) {
        data().asDoubleBuffer().get(values);
        return values;
      }
      if (type != Type.F32 && type != Type.F16 && type != Type.BF16) {
        throw wrong("doubles() reads F64, F32, F16 and BF16");
      }
      float[] floats = floats();
      for (int i = 0; i < values.length; i++) {
        values[i] = floats[i];
      }
      return values;
    }

    /** Any integer type but U64. */
    public long[] longs() throws IOException {
      ByteBuffer data = data();
      long[] values = new long[count()];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (type) {
              case I64 -> data.getLong();
              case I32 -> data.getInt();
              case U32 -> data.getInt() & 0xffffffffL;
              case I16 -> data.getShort();
              case U16 -> data.getShort() & 0xffff;
              case I8 -> data.get();
              case U8 -> data.get() & 0xff;
              default -> throw wrong("longs() reads I64, I32, I16, I8, U32, U16 and U8");
            };
      }
      return values;
    }

    /**
     * Any integer type but U64.
     *
     * @throws ArithmeticException if a value needs more than 32 bits
     */
    public int[] ints() throws IOException {
      long[] longs = longs();
      int[] values = new int[longs.length];
      for (int i = 0; i < values.length; i++) {
        if (longs[i] != (int) longs[i]) {
          throw new ArithmeticException(
              describe() + ": element " + i + " is " + longs[i] + ", too large for ints()");
        }
        values[i] = (int) longs[i];
      }
      return values;
    }

    /** U8 (0…255 as Java's signed bytes), I8 or BOOL. */
    public byte[] bytes() throws IOException {
      if (type.bytes() != 1) {
        throw wrong("bytes() reads U8, I8 and BOOL; raw() reads every type");
      }
      return raw();
    }

    public boolean[] booleans() throws IOException {
      if (type != Type.BOOL) {
        throw wrong("booleans() reads BOOL");
      }
      byte[] raw = raw();
      boolean[] values = new boolean[raw.length];
      for (int i = 0; i < raw.length; i++) {
        values[i] = raw[i] != 0;
      }
      return values;
    }

    /** The bytes as they lie in the file: little-endian, of any type. */
    public byte[] raw() throws IOException {
      return data().array();
    }

    private int count() {
      return Math.toIntExact(shape.size());
    }

    private ByteBuffer data() throws IOException {
      long bytes = shape.size() * type.bytes();
      if (bytes > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException(
            describe() + ": " + bytes + " bytes do not fit a Java array");
      }
      ByteBuffer data = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
      SafetensorsHeader.fill(file.path, file.channel, data, at);
      return data;
    }

    private String describe() {
      return file.path + ": tensor '" + name + "' " + type + " " + shape;
    }

    private IllegalArgumentException wrong(String accessor) {
      return new IllegalArgumentException(describe() + ": " + accessor);
    }
  }
}
