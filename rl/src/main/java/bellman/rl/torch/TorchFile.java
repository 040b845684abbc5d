package bellman.rl.torch;

import bellman.engine.Shape;
import bellman.engine.io.Safetensors;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * The archive that {@code torch.save} writes since PyTorch 1.6: a zip file with the entries {@code
 * X/data.pkl}, {@code X/byteorder} and {@code X/data/0}, {@code 1}, …, none of them compressed.
 *
 * <p>A file may come from anywhere: nothing in it makes this class run code, or take more memory
 * than a small multiple of the file's size.
 */
final class TorchFile implements AutoCloseable {
  private static final String PICKLE = "data.pkl";
  private static final int MOST_PICKLE = 16 << 20;
  private static final int MOST_DIMENSIONS = 64;

  /** Tensors share storages where weights are tied; more than this nobody shares. */
  private static final int MOST_SHARING = 4;

  private final Path path;
  private final ZipFile zip;
  private final long size;
  private final Map<String, ZipEntry> entries = new HashMap<>();
  private final String prefix; // X/
  private final ByteOrder order;
  private final Map<String, ByteBuffer> read = new HashMap<>(); // by key
  private long tensorBytes;

  private TorchFile(Path path, ZipFile zip) throws IOException {
    this.path = path;
    this.zip = zip;
    this.size = Files.size(path);
    list();
    this.prefix = prefix();
    this.order = order();
  }

  /**
   * Opens an archive and checks its directory.
   *
   * @throws TorchException if {@code torch.save} did not write it
   * @throws IOException if it cannot be read
   */
  static TorchFile open(Path path) throws IOException {
    ZipFile zip = null;
    try {
      zip = new ZipFile(path.toFile());
      return new TorchFile(path, zip);
    } catch (IOException | IllegalArgumentException e) { // the latter for names that are no UTF-8
      if (zip != null) {
        zip.close();
      }
      if (e instanceof IOException io && !(e instanceof ZipException)) {
        throw io;
      }
      throw new TorchException(
          path,
          "not a whole zip archive ("
              + e.getMessage()
              + "), as torch.save writes since PyTorch 1.6; an older file becomes one by"
              + " torch.save(torch.load(FILE, weights_only=True), FILE) there");
    }
  }

  private void list() throws TorchException {
    long sum = 0;
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      ZipEntry entry = e.nextElement();
      String name = shown(entry.getName());
      if (entry.getMethod() != ZipEntry.STORED || entry.getSize() != entry.getCompressedSize()) {
        throw wrong(
            "its entry %s is compressed (%,d bytes from %,d), which torch.save never does; save it"
                    .formatted(name, entry.getSize(), entry.getCompressedSize())
                + " again with PyTorch");
      }
      sum += entry.getSize();
      if (entry.getSize() < 0 || sum < 0 || sum > size) {
        throw wrong("its entries add up to more than its %,d bytes".formatted(size));
      }
      if (entries.put(entry.getName(), entry) != null) {
        throw wrong("it has two entries " + name);
      }
    }
  }

  private String prefix() throws TorchException {
    List<String> pickles =
        entries.keySet().stream()
            .filter(n -> n.endsWith("/" + PICKLE) && n.indexOf('/') == n.lastIndexOf('/'))
            .toList();
    if (pickles.size() != 1) {
      throw wrong(
          "it has %d entries X/%s, and torch.save writes one: this is another kind of zip archive"
              .formatted(pickles.size(), PICKLE));
    }
    String name = pickles.get(0);
    return name.substring(0, name.length() - PICKLE.length());
  }

  private ByteOrder order() throws IOException {
    ZipEntry entry = entries.get(prefix + "byteorder");
    if (entry == null) { // before PyTorch 2.1
      return ByteOrder.LITTLE_ENDIAN;
    }
    String word = entry.getSize() > 16 ? "" : new String(bytes(entry), StandardCharsets.ISO_8859_1);
    return switch (word) {
      case "little" -> ByteOrder.LITTLE_ENDIAN;
      case "big" -> ByteOrder.BIG_ENDIAN;
      default -> throw wrong("its byteorder is neither 'little' nor 'big'");
    };
  }

  /** What was saved: see {@link Unpickler} for the types. */
  Object content() throws IOException {
    ZipEntry entry = entries.get(prefix + PICKLE);
    if (entry.getSize() > MOST_PICKLE) {
      throw wrong(
          "its %s has %,d bytes; a network's has thousands, and more than %,d are refused"
              .formatted(PICKLE, entry.getSize(), MOST_PICKLE));
    }
    return new Unpickler(this, bytes(entry)).load();
  }

  // ── what the pickle names ─────────────────────────────────────────────────────────────────────

  /** A storage, which must be an entry of just that size. */
  TorchTensor.Storage storage(String key, Safetensors.Type type, long count) throws TorchException {
    ZipEntry entry = entries.get(prefix + "data/" + key);
    if (entry == null) {
      throw wrong("the numbers of storage " + shown(key) + " are missing");
    }
    if (count < 0 || count > entry.getSize() || count * type.bytes() != entry.getSize()) {
      throw wrong(
          "storage %s is said to hold %,d × %s, but has %,d bytes"
              .formatted(key, count, type, entry.getSize()));
    }
    if (entry.getSize() > Integer.MAX_VALUE - 8) {
      throw wrong(
          "storage %s has %,d bytes, which do not fit a Java array"
              .formatted(key, entry.getSize()));
    }
    return new TorchTensor.Storage(key, type, (int) count);
  }

  /** A view, which must lie in its storage. */
  TorchTensor tensor(TorchTensor.Storage storage, long offset, long[] dims, long[] strides)
      throws TorchException {
    String what =
        "a tensor of shape %s, strides %s and offset %,d in storage %s"
            .formatted(shown(dims), shown(strides), offset, storage.key());
    if (dims.length != strides.length || dims.length > MOST_DIMENSIONS) {
      throw wrong(
          what
              + ": shape and strides need the same number of dimensions, at most "
              + MOST_DIMENSIONS);
    }
    long count = storage.count();
    int[] sizes = new int[dims.length];
    int[] steps = new int[dims.length];
    long last = offset;
    boolean empty = Arrays.stream(dims).anyMatch(d -> d == 0);
    boolean within = offset >= 0 && offset <= count;
    for (int k = 0; within && k < dims.length; k++) {
      within = dims[k] >= 0 && dims[k] <= Integer.MAX_VALUE;
      sizes[k] = (int) dims[k];
      if (!empty && dims[k] > 1) { // the stride of a dimension of 1 is never taken
        within &= dims[k] <= count && strides[k] >= 0 && strides[k] <= count;
        steps[k] = (int) strides[k];
        last = Math.min(last + (dims[k] - 1) * strides[k], count); // no overflow: count < 2³¹
      }
    }
    if (!within || !empty && last >= count) {
      throw wrong(what + " reaches beyond its %,d elements".formatted(count));
    }
    Shape shape;
    try {
      shape = Shape.of(sizes);
    } catch (ArithmeticException e) {
      throw wrong(what + " is too large");
    }
    if (shape.size() > count) {
      throw wrong(
          what + " repeats its %,d elements; save its .contiguous() instead".formatted(count));
    }
    tensorBytes += shape.size() * storage.type().bytes();
    if (tensorBytes > MOST_SHARING * size) {
      throw wrong(
          "its tensors add up to more than %d times its %,d bytes".formatted(MOST_SHARING, size));
    }
    return new TorchTensor(this, storage, shape, (int) offset, steps);
  }

  /** A storage's bytes, read once. */
  ByteBuffer data(TorchTensor.Storage storage) throws IOException {
    ByteBuffer data = read.get(storage.key());
    if (data == null) {
      data = ByteBuffer.wrap(bytes(entries.get(prefix + "data/" + storage.key()))).order(order);
      read.put(storage.key(), data);
    }
    return data;
  }

  private byte[] bytes(ZipEntry entry) throws IOException {
    byte[] bytes;
    try (InputStream in = zip.getInputStream(entry)) {
      bytes = in.readNBytes((int) entry.getSize());
    } catch (ZipException | EOFException e) {
      throw wrong("its entry " + shown(entry.getName()) + " is damaged: " + e);
    }
    CRC32 crc = new CRC32();
    crc.update(bytes);
    if (bytes.length != entry.getSize() || crc.getValue() != entry.getCrc()) {
      throw wrong(
          "its entry %s is damaged: CRC-32 %08x is stated, its bytes have %08x"
              .formatted(shown(entry.getName()), entry.getCrc(), crc.getValue()));
    }
    return bytes;
  }

  // ── messages ──────────────────────────────────────────────────────────────────────────────────

  TorchException wrong(String problem) {
    return new TorchException(path, problem);
  }

  /** A text of the file for a message: short, and without what a terminal might obey. */
  static String shown(String text) {
    String start = text.length() > 60 ? text.substring(0, 60) + "…" : text;
    return start.replaceAll("[^\\x20-\\x7e…]", "?");
  }

  private static String shown(long[] numbers) {
    return numbers.length <= 8
        ? Arrays.toString(numbers)
        : Arrays.toString(Arrays.copyOf(numbers, 8)).replace("]", ", …]");
  }

  /** The first names of many, for a message. */
  static String shown(Iterable<?> names) {
    List<String> all = new ArrayList<>();
    for (Object name : names) {
      if (all.size() == 20) {
        all.add("…");
        break;
      }
      all.add(shown(String.valueOf(name)));
    }
    return String.join(", ", all);
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
