package bellman.rl.torch;

import bellman.engine.Shape;
import bellman.nn.Values;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes values as {@code torch.save} does: a pickle of protocol 2 with a storage of its own for
 * each tensor, in an archive whose entries are stored as they are, their numbers aligned to 64
 * bytes. Nothing in the file depends on when or where it is written.
 */
final class TorchWriter {
  /** What {@code state_dict()} returns, in PyTorch an OrderedDict. */
  record StateDict(Map<String, Values> tensors) {}

  private static final int ALIGNMENT = 64;
  private static final int ENTRY_HEADER = 30;
  private static final int PADDING_ID = 0x4246; // "FB", as PyTorch's
  private static final LocalDateTime TIME = LocalDateTime.of(2000, 1, 1, 0, 0);

  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final DataOutputStream out = new DataOutputStream(pickle); // big-endian
  private final List<Values> storages = new ArrayList<>();

  private TorchWriter() {}

  /**
   * Writes the file in one step: readers find the old file or the whole new one.
   *
   * @param content {@code Map}, {@code List}, {@link Unpickler.Tuple}, {@code String}, {@code
   *     Integer}, {@code Double}, {@code Boolean}, {@code null}, {@link Values} and {@link
   *     StateDict}, nested
   */
  static void write(Path path, Object content) throws IOException {
    TorchWriter writer = new TorchWriter();
    writer.out.writeShort(0x8002); // PROTO 2
    writer.value(content);
    writer.out.writeByte('.'); // STOP
    Path folder = path.toAbsolutePath().getParent();
    Path draft = folder.resolve("." + path.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (OutputStream to = new BufferedOutputStream(Files.newOutputStream(draft))) {
        writer.archive(to);
      }
      Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  // ── pickle ────────────────────────────────────────────────────────────────────────────────────

  private void value(Object value) throws IOException {
    if (value == null) {
      out.writeByte('N'); // NONE
    } else if (value instanceof Boolean b) {
      out.writeByte(b ? 0x88 : 0x89); // NEWTRUE, NEWFALSE
    } else if (value instanceof Integer i) {
      out.writeByte('J'); // BININT
      out.writeInt(Integer.reverseBytes(i));
    } else if (value instanceof Double d) {
      out.writeByte('G'); // BINFLOAT
      out.writeDouble(d);
    } else if (value instanceof String s) {
      byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
      out.writeByte('X'); // BINUNICODE
      out.writeInt(Integer.reverseBytes(utf8.length));
      out.write(utf8);
    } else if (value instanceof Unpickler.Tuple t) {
      tuple(t.items().toArray());
    } else if (value instanceof List<?> list) {
      out.writeByte(']'); // EMPTY_LIST
      out.writeByte('('); // MARK
      for (Object item : list) {
        value(item);
      }
      out.writeByte('e'); // APPENDS
    } else if (value instanceof Map<?, ?> map) {
      out.writeByte('}'); // EMPTY_DICT
      items(map);
    } else if (value instanceof StateDict dict) {
      orderedDict();
      items(dict.tensors);
    } else if (value instanceof Values tensor) {
      tensor(tensor);
    } else {
      throw new IllegalArgumentException("no pickle of a " + value.getClass().getName());
    }
  }

  private void items(Map<?, ?> map) throws IOException {
    out.writeByte('('); // MARK
    for (Map.Entry<?, ?> e : map.entrySet()) {
      value(e.getKey());
      value(e.getValue());
    }
    out.writeByte('u'); // SETITEMS
  }

  private void tuple(Object... items) throws IOException {
    out.writeByte('('); // MARK
    for (Object item : items) {
      value(item);
    }
    out.writeByte('t'); // TUPLE
  }

  private void global(String module, String name) throws IOException {
    out.writeBytes("c" + module + "\n" + name + "\n"); // GLOBAL
  }

  private void orderedDict() throws IOException {
    global("collections", "OrderedDict");
    out.writeBytes(")R"); // EMPTY_TUPLE, REDUCE
  }

  /** _rebuild_tensor_v2(storage, 0, shape, strides, requires_grad=False, hooks). */
  private void tensor(Values tensor) throws IOException {
    global("torch._utils", "_rebuild_tensor_v2");
    out.writeByte('('); // MARK
    out.writeByte('('); // MARK
    value("storage");
    global("torch", "FloatStorage");
    value(Integer.toString(storages.size()));
    value("cpu");
    value(tensor.floats().length);
    out.writeByte('t'); // TUPLE
    out.writeByte('Q'); // BINPERSID
    value(0);
    Shape shape = tensor.shape();
    Object[] sizes = new Object[shape.rank()];
    Object[] strides = new Object[shape.rank()];
    for (int k = shape.rank() - 1, stride = 1; k >= 0; stride *= shape.dim(k--)) {
      sizes[k] = shape.dim(k);
      strides[k] = stride;
    }
    tuple(sizes);
    tuple(strides);
    value(false);
    orderedDict();
    out.writeBytes("tR"); // TUPLE, REDUCE
    storages.add(tensor);
  }

  // ── archive ───────────────────────────────────────────────────────────────────────────────────

  private void archive(OutputStream to) throws IOException {
    Map<String, byte[]> texts = new LinkedHashMap<>();
    texts.put("archive/data.pkl", pickle.toByteArray());
    texts.put("archive/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    texts.put("archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    try (ZipOutputStream zip = new ZipOutputStream(to)) {
      long at = 0;
      for (Map.Entry<String, byte[]> text : texts.entrySet()) {
        at = entry(zip, at, text.getKey(), text.getValue());
      }
      for (int i = 0; i < storages.size(); i++) {
        float[] floats = storages.get(i).floats();
        ByteBuffer bytes =
            ByteBuffer.allocate(Math.multiplyExact(Float.BYTES, floats.length))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(floats);
        at = entry(zip, at, "archive/data/" + i, bytes.array());
      }
    }
  }

  /** Writes an entry at a place in the file and returns the place behind it. */
  private static long entry(ZipOutputStream zip, long at, String name, byte[] bytes)
      throws IOException {
    int fixed = ENTRY_HEADER + name.length() + 4; // 4: id and size of the padding
    int padding = Math.floorMod(-(at + fixed), ALIGNMENT);
    CRC32 crc = new CRC32();
    crc.update(bytes);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(crc.getValue());
    entry.setTimeLocal(TIME);
    entry.setExtra(
        ByteBuffer.allocate(4 + padding)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putShort((short) PADDING_ID)
            .putShort((short) padding)
            .array());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
    return at + fixed + padding + bytes.length;
  }
}
