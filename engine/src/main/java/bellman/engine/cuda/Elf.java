package bellman.engine.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The dynamic section of a 64-bit little-endian ELF library, as far as it names other libraries.
 *
 * <p>JCuda's natives ask for {@code libcublas.so.12} in two places: as a needed library and as the
 * version of its symbols. Both can be renamed in a copy, if the new name is as long; a version is
 * found by its hash, which must follow.
 */
final class Elf {
  private static final int PROGRAM_LOAD = 1;
  private static final int PROGRAM_DYNAMIC = 2;
  private static final long DT_NEEDED = 1;
  private static final long DT_STRTAB = 5;
  private static final long DT_VERNEED = 0x6ffffffeL;
  private static final long DT_VERNEEDNUM = 0x6fffffffL;

  private final ByteBuffer file;
  private final List<Integer> needed = new ArrayList<>(); // offsets of names
  private int strings;
  private int versions = -1;
  private int versionCount;

  /** Reads {@code contents}, which {@link #rename} changes. */
  Elf(byte[] contents) {
    file = ByteBuffer.wrap(contents).order(ByteOrder.LITTLE_ENDIAN);
    if (contents.length < 64 || file.getInt(0) != 0x464c457f || contents[4] != 2) {
      throw new IllegalArgumentException("not a 64-bit ELF library");
    }
    int dynamic = -1;
    long dynamicSize = 0;
    for (int i = 0; i < programs(); i++) {
      int header = program(i);
      if (file.getInt(header) == PROGRAM_DYNAMIC) {
        dynamic = Math.toIntExact(file.getLong(header + 8));
        dynamicSize = file.getLong(header + 32);
      }
    }
    if (dynamic < 0) {
      throw new IllegalArgumentException("an ELF file without a dynamic section");
    }
    List<Long> names = new ArrayList<>();
    for (int at = dynamic; at < dynamic + dynamicSize; at += 16) {
      long tag = file.getLong(at);
      long value = file.getLong(at + 8);
      if (tag == 0) {
        break;
      } else if (tag == DT_NEEDED) {
        names.add(value);
      } else if (tag == DT_STRTAB) {
        strings = offset(value);
      } else if (tag == DT_VERNEED) {
        versions = offset(value);
      } else if (tag == DT_VERNEEDNUM) {
        versionCount = (int) value;
      }
    }
    names.forEach(name -> needed.add(strings + (int) (long) name));
  }

  private int programs() {
    return file.getShort(56) & 0xffff;
  }

  private int program(int i) {
    return Math.toIntExact(file.getLong(32) + (long) i * (file.getShort(54) & 0xffff));
  }

  /** Where in the file an address of the loaded library lies. */
  private int offset(long address) {
    for (int i = 0; i < programs(); i++) {
      int header = program(i);
      long from = file.getLong(header + 16);
      long size = file.getLong(header + 32);
      if (file.getInt(header) == PROGRAM_LOAD && address >= from && address < from + size) {
        return Math.toIntExact(file.getLong(header + 8) + address - from);
      }
    }
    throw new IllegalArgumentException("an ELF file whose address " + address + " lies nowhere");
  }

  private String string(int at) {
    int end = at;
    while (file.get(end) != 0) {
      end++;
    }
    return new String(file.array(), at, end - at, StandardCharsets.US_ASCII);
  }

  /** The libraries that it needs. */
  List<String> needed() {
    return needed.stream().map(this::string).toList();
  }

  /** A version of symbols: where its entry lies. */
  private record Version(int entry, int name, int hash) {}

  private List<Version> versionEntries() {
    List<Version> all = new ArrayList<>();
    int at = versions;
    for (int i = 0; i < versionCount; i++) {
      int auxiliary = at + file.getInt(at + 8);
      for (int j = 0; j < (file.getShort(at + 2) & 0xffff); j++) {
        all.add(
            new Version(auxiliary, strings + file.getInt(auxiliary + 8), file.getInt(auxiliary)));
        auxiliary += file.getInt(auxiliary + 12);
      }
      at += file.getInt(at + 12);
    }
    return all;
  }

  /** The versions of symbols that it needs, of all libraries. */
  List<String> versions() {
    return versionEntries().stream().map(v -> string(v.name)).toList();
  }

  /** Whether every version's hash is that of its name. */
  boolean hashesFit() {
    return versionEntries().stream().allMatch(v -> v.hash == hash(string(v.name)));
  }

  /** Needs the library {@code to} instead of {@code from}, an equally long name. */
  void rename(String from, String to) {
    if (from.length() != to.length()) {
      throw new IllegalArgumentException(
          "rename: " + from + " and " + to + " differ in length; the name is replaced in place");
    }
    byte[] name = to.getBytes(StandardCharsets.US_ASCII);
    List<Version> renamed =
        versionEntries().stream().filter(v -> string(v.name).equals(from)).toList();
    List<Integer> places = new ArrayList<>();
    needed.stream().filter(at -> string(at).equals(from)).forEach(places::add);
    renamed.forEach(v -> places.add(v.name)); // often the very same string
    for (int place : places) {
      file.put(place, name);
    }
    for (Version v : renamed) {
      file.putInt(v.entry, hash(to));
    }
  }

  /** The System V ABI's hash of a symbol. */
  static int hash(String name) {
    int h = 0;
    for (byte b : name.getBytes(StandardCharsets.US_ASCII)) {
      h = (h << 4) + (b & 0xff);
      int top = h & 0xf0000000;
      h = (h ^ (top >>> 24)) & ~top;
    }
    return h;
  }
}
