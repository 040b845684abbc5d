package bellman.rl.torch;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A torch file by hand, with whatever in it: the pickle, opcode by opcode, and storages. */
final class Archive {
  private final Map<String, byte[]> entries = new LinkedHashMap<>();
  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final DataOutputStream out = new DataOutputStream(pickle);
  private boolean compressed;

  /** Begins with protocol 2. */
  static Archive begin() {
    return new Archive().op(0x80).op(2);
  }

  /** With a pickle that is there already. */
  static Archive of(byte[] pickle) {
    return new Archive().bytes(pickle);
  }

  Archive op(int opcode) {
    pickle.write(opcode);
    return this;
  }

  /** Opcodes that are letters, with texts that belong to them. */
  Archive ops(String text) {
    return bytes(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private Archive bytes(byte[] bytes) {
    pickle.writeBytes(bytes);
    return this;
  }

  /** BININT. */
  Archive number(int n) {
    op('J');
    return int32(n);
  }

  Archive int32(int n) {
    try {
      out.writeInt(Integer.reverseBytes(n));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** BINUNICODE. */
  Archive text(String s) {
    byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
    return op('X').int32(utf8.length).bytes(utf8);
  }

  Archive tuple(int... numbers) {
    op('(');
    for (int n : numbers) {
      number(n);
    }
    return op('t');
  }

  /** A storage of floats by its persistent id. */
  Archive storage(String key, int count) {
    return op('(')
        .text("storage")
        .ops("ctorch\nFloatStorage\n")
        .text(key)
        .text("cpu")
        .number(count)
        .ops("tQ");
  }

  /** A tensor in storage 0. */
  Archive tensor(int count, int offset, int[] shape, int[] strides) {
    return ops("ctorch._utils\n_rebuild_tensor_v2\n(")
        .storage("0", count)
        .number(offset)
        .tuple(shape)
        .tuple(strides)
        .op(0x89)
        .ops("ccollections\nOrderedDict\n)R")
        .ops("tR");
  }

  Archive entry(String name, byte... bytes) {
    entries.put(name, bytes);
    return this;
  }

  Archive compressed() {
    compressed = true;
    return this;
  }

  /** Writes the file, with the pickle, if any, as x/data.pkl unless there is one. */
  Path write(Path path) throws IOException {
    if (pickle.size() > 0) {
      entries.putIfAbsent("x/data.pkl", pickle.toByteArray());
    }
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
      for (Map.Entry<String, byte[]> e : entries.entrySet()) {
        ZipEntry entry = new ZipEntry(e.getKey());
        if (!compressed) {
          CRC32 crc = new CRC32();
          crc.update(e.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(e.getValue().length);
          entry.setCrc(crc.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(e.getValue());
      }
    }
    return path;
  }
}
