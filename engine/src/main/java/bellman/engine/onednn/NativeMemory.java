package bellman.engine.onednn;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Bytes of the system, aligned to a cache line, freed by {@link #free} and by nothing else. Native
 * code sees one piece of any size; Java, whose views end at 2 GiB, sees pieces of 1 GiB.
 */
final class NativeMemory {
  private static final int ALIGN = 64;
  private static final int PIECE = 30; // log₂ of bytes
  private static final Path MEMORY = Path.of("/proc/meminfo");

  private final long bytes;
  private final int piece;
  private Pointer allocation;
  private BytePointer address;
  private ByteBuffer[] views;
  private FloatBuffer[] floats;
  private IntBuffer[] ints;

  NativeMemory(long bytes) {
    this(bytes, PIECE);
  }

  /**
   * The same in other pieces.
   *
   * @param piece log₂ of a piece's bytes, 6 or more
   */
  NativeMemory(long bytes, int piece) {
    this.bytes = bytes;
    this.piece = piece;
    allocation = Pointer.malloc(bytes + ALIGN);
    if (allocation == null || allocation.isNull()) {
      throw new OutOfMemoryError(
          "the system has no " + bytes + " bytes to give; " + described(available()));
    }
    long start = allocation.address();
    long skip = (start + ALIGN - 1) / ALIGN * ALIGN - start;
    address = new BytePointer(allocation).getPointer(skip).capacity(bytes);
    int pieces = Math.toIntExact(Math.max(1, (bytes + (1L << piece) - 1) >>> piece));
    views = new ByteBuffer[pieces];
    floats = new FloatBuffer[pieces];
    ints = new IntBuffer[pieces];
    for (int i = 0; i < pieces; i++) {
      long from = (long) i << piece;
      views[i] = view(from, Math.min(bytes - from, 1L << piece));
      floats[i] = views[i].asFloatBuffer();
      ints[i] = views[i].asIntBuffer();
    }
  }

  private ByteBuffer view(long from, long n) {
    return n == 0 // JavaCPP has no view of 0 bytes
        ? ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder())
        : new BytePointer(address).getPointer(from).capacity(n).asByteBuffer();
  }

  /** What the system could still give; empty if it does not say. */
  static OptionalLong available() {
    try {
      return available(
          Files.readAllLines(MEMORY),
          ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
              ? system.getTotalMemorySize()
              : Long.MAX_VALUE);
    } catch (IOException e) { // not Linux
      return OptionalLong.empty();
    }
  }

  /**
   * @param memory lines of /proc/meminfo
   * @param container the most bytes that this container may take
   */
  static OptionalLong available(List<String> memory, long container) {
    for (String line : memory) {
      if (line.startsWith("MemAvailable:")) {
        long kilobytes = Long.parseLong(line.replaceAll("\\D", ""));
        return OptionalLong.of(Math.min(kilobytes << 10, container));
      }
    }
    return OptionalLong.empty();
  }

  private static String described(OptionalLong available) {
    return available.isPresent()
        ? available.getAsLong() + " are free"
        : "it does not say how many are free";
  }

  long bytes() {
    return bytes;
  }

  BytePointer address() {
    return address;
  }

  // An element never lies in two pieces. Places count elements: of 4 bytes, or single ones.

  private int words() {
    return piece - 2; // log₂ of a piece's floats or ints
  }

  private static int of(long at, int size) {
    return (int) (at >>> size);
  }

  private static int within(long at, int size) {
    return (int) (at & (1L << size) - 1);
  }

  float getFloat(long at) {
    return floats[of(at, words())].get(within(at, words()));
  }

  void putFloat(long at, float value) {
    floats[of(at, words())].put(within(at, words()), value);
  }

  int getInt(long at) {
    return ints[of(at, words())].get(within(at, words()));
  }

  void putInt(long at, int value) {
    ints[of(at, words())].put(within(at, words()), value);
  }

  byte getByte(long at) {
    return views[of(at, piece)].get(within(at, piece));
  }

  void putByte(long at, byte value) {
    views[of(at, piece)].put(within(at, piece), value);
  }

  /** Elements {@code done … done + n − 1} of a copy, which lie in one piece. */
  @FunctionalInterface
  private interface Part {
    void copy(int piece, int within, int done, int n);
  }

  private static void parts(long at, int n, int size, Part part) {
    int m;
    for (int done = 0; done < n; done += m) {
      int within = within(at + done, size);
      m = (int) Math.min(n - done, (1L << size) - within);
      part.copy(of(at + done, size), within, done, m);
    }
  }

  void get(long at, float[] to, int start, int n) {
    parts(at, n, words(), (i, in, done, m) -> floats[i].get(in, to, start + done, m));
  }

  void put(long at, float[] from, int start, int n) {
    parts(at, n, words(), (i, in, done, m) -> floats[i].put(in, from, start + done, m));
  }

  void get(long at, int[] to, int start, int n) {
    parts(at, n, words(), (i, in, done, m) -> ints[i].get(in, to, start + done, m));
  }

  void put(long at, int[] from, int start, int n) {
    parts(at, n, words(), (i, in, done, m) -> ints[i].put(in, from, start + done, m));
  }

  void get(long at, byte[] to, int start, int n) {
    parts(at, n, piece, (i, in, done, m) -> views[i].get(in, to, start + done, m));
  }

  void put(long at, byte[] from, int start, int n) {
    parts(at, n, piece, (i, in, done, m) -> views[i].put(in, from, start + done, m));
  }

  /** Copies {@code n} bytes of another memory from {@code from} on. */
  void put(long at, NativeMemory source, long from, int n) {
    parts(
        at,
        n,
        piece,
        (i, in, done, m) ->
            parts(
                from + done,
                m,
                source.piece,
                (j, there, more, k) -> views[i].put(in + more, source.views[j], there, k)));
  }

  /** Afterwards a late access is a NullPointerException, not a crash of the process. */
  void free() {
    if (allocation == null) {
      return;
    }
    views = null;
    floats = null;
    ints = null;
    address = null;
    Pointer.free(allocation);
    allocation = null;
  }
}
