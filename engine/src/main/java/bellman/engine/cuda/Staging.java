package bellman.engine.cuda;

import bellman.engine.backend.Fold;
import bellman.engine.cuda.CudaBuffer.Address;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Consumer;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * Pinned memory between Java's arrays and the device: a ring of segments for what goes there, one
 * segment for what comes back. A segment is written again only after the copies out of it are done.
 *
 * <p>A call of the driver costs more than the way of a few kilobytes, so small writes wait here as
 * letters, and one kernel delivers all of them before anything that might read them; a recording
 * that the host feeds before each run begins with that kernel. A picture is folded on its way.
 */
final class Staging implements AutoCloseable {
  /** Pinned memory that kernels reach, too. */
  static final int FLAGS = JCudaDriver.CU_MEMHOSTALLOC_DEVICEMAP;

  private static final int SEGMENT = 1 << 20;
  private static final int SEGMENTS = 4;
  private static final int LISTS = 8; // as many blocks deliver
  private static final int ENTRIES = 15; // of a list, as in deliver.cu
  private static final int ENTRY = 32; // bytes: from, to, bytes, fold
  private static final int READ = Integer.BYTES; // how often a list was read, behind its count
  private static final int LIST = 512; // bytes
  private static final int ALL_LISTS = LISTS * LIST;
  private static final int LETTERS = LISTS * ENTRIES;
  private static final int NEAR = 2304; // bytes beside a recording's list, as in deliver.cu
  private static final int LETTER = 1 << 16; // bytes; larger writes are the copy engine's
  private static final int BAG = 1 << 18; // bytes of all that wait
  private static final int THREADS = 1024;

  private final CUstream stream;
  private final Launcher launcher;
  private final CUfunction kernel;
  private final Pointer pinned = new Pointer();
  private final Address onDevice = new Address(); // where the device sees the pinned memory
  private final ByteBuffer bytes;
  private final int back = SEGMENT * SEGMENTS; // the segment of reads
  private final int recorded = back + SEGMENT; // the lists of recordings
  private final CUevent[] done = new CUevent[SEGMENTS];
  private final boolean[] used = new boolean[SEGMENTS];
  private int segment;
  private int at; // within the segment

  private final int[] from = new int[LETTERS]; // within the pinned memory
  private final long[] to = new long[LETTERS];
  private final int[] length = new int[LETTERS];
  private final Fold[] folds = new Fold[LETTERS]; // null: as it is
  private int waiting;
  private int waitingBytes;
  private int launches; // of recordings that read the lists

  // Letters beside the recordings' lists
  private final int nearby = recorded + ALL_LISTS;
  private final int[] taken = new int[LISTS]; // bytes
  private boolean open; // for the letters that wait
  private int lent = -1; // launches when other lists last named some of them

  Staging(CUstream stream, Launcher launcher, CUfunction kernel) {
    this.stream = stream;
    this.launcher = launcher;
    this.kernel = kernel;
    int size = nearby + LISTS * NEAR;
    Status.driver(
        JCudaDriver.cuMemHostAlloc(pinned, size, FLAGS), "cuMemHostAlloc of " + size + " bytes");
    Status.driver(
        JCudaDriver.cuMemHostGetDevicePointer(onDevice, pinned, 0), "cuMemHostGetDevicePointer");
    bytes = pinned.getByteBuffer(0, size).order(ByteOrder.nativeOrder());
    clear(recorded);
    for (int i = 0; i < SEGMENTS; i++) {
      done[i] = new CUevent();
      Status.driver(
          JCudaDriver.cuEventCreate(done[i], CUevent_flags.CU_EVENT_DISABLE_TIMING),
          "cuEventCreate");
    }
  }

  /** The most bytes of one write or read. */
  static int most() {
    return SEGMENT - ALL_LISTS;
  }

  /** Whether a picture can be folded on its way to byte {@code offset} of a buffer. */
  static boolean folds(long offset, Fold fold) {
    int n = fold.plain();
    boolean whole = n == fold.folded();
    boolean inWords = offset % 4 == 0 && n % 16 == 0 && fold.run() % 4 == 0;
    return fold.by() > 1 && whole && inWords && n <= LETTER;
  }

  /** Writes {@code n ≤ most()} bytes, which {@code fill} puts, to the device; does not wait. */
  void write(CudaBuffer buffer, long offset, int n, Consumer<ByteBuffer> fill) {
    write(buffer, offset, n, null, fill);
  }

  /**
   * Writes a picture, folded; see {@link #folds}. Each block of the kernel folds some bands of it.
   */
  void write(CudaBuffer buffer, long offset, byte[] picture, Fold fold) {
    int bands = picture.length / fold.band();
    int each = (bands + LISTS - 1) / LISTS * fold.band();
    if (each % 16 != 0) {
      each = picture.length;
    }
    for (int from = 0; from < picture.length; from += each) {
      int first = from;
      int n = Math.min(each, picture.length - from);
      write(buffer, offset + from, n, fold, to -> to.put(picture, first, n));
    }
  }

  private void write(CudaBuffer buffer, long offset, int n, Fold fold, Consumer<ByteBuffer> fill) {
    long place = buffer.address().value() + offset;
    for (int i = 0; i < waiting; i++) {
      if (place == to[i] && n == length[i]) {
        fill.accept(view(from[i], n)); // what waited is not wanted any more
        folds[i] = fold;
        return;
      }
      if (place < to[i] + length[i] && to[i] < place + n) {
        deliver(); // in the order of writing
      }
    }
    if (n > LETTER) {
      deliver();
      int start = room(n);
      fill.accept(view(start, n));
      CUdeviceptr target = buffer.address().withByteOffset(offset);
      int status = JCudaDriver.cuMemcpyHtoDAsync(target, pinned.withByteOffset(start), n, stream);
      if (status != 0) {
        Status.driver(status, "write of " + n + " bytes");
      }
      return;
    }
    if (waiting == LETTERS || waitingBytes + n > BAG) {
      deliver();
    }
    int start = place(n);
    fill.accept(view(start, n));
    from[waiting] = start;
    to[waiting] = place;
    folds[waiting] = fold;
    length[waiting++] = n;
    waitingBytes += n;
  }

  /**
   * A place for the next letter: beside the recordings' lists, with which it comes in one trip,
   * while those are read and no other delivery is under way from there; else in the ring.
   */
  private int place(int n) {
    room(0);
    if (waiting == 0) {
      open = launches != lent && wereRead();
      Arrays.fill(taken, 0);
    }
    int list = waiting % LISTS;
    if (!open || taken[list] + n > NEAR) {
      return room(n);
    }
    int start = nearby + list * NEAR + taken[list];
    taken[list] += (n + 15) / 16 * 16;
    return start;
  }

  /** A place for n bytes in the ring; behind it is always one for lists. */
  private int room(int n) {
    if (at + n + ALL_LISTS > SEGMENT) {
      deliver();
      Status.driver(JCudaDriver.cuEventRecord(done[segment], stream), "cuEventRecord");
      used[segment] = true;
      segment = (segment + 1) % SEGMENTS;
      at = 0;
      if (used[segment]) {
        Status.driver(JCudaDriver.cuEventSynchronize(done[segment]), "cuEventSynchronize");
      }
    }
    int start = segment * SEGMENT + at;
    at += (n + 63) / 64 * 64;
    return start;
  }

  /** Whether letters wait. */
  boolean isWaiting() {
    return waiting > 0;
  }

  /** Sends off what waits. */
  void deliver() {
    if (waiting > 0) {
      int lists = segment * SEGMENT + at;
      at += ALL_LISTS;
      clear(lists);
      put(lists);
      run(onDevice.value() + lists, 0);
      if (open) {
        lent = launches;
        open = false;
      }
    }
  }

  /** Records the kernel that delivers what {@link #ride} puts on the recordings' lists. */
  void record() {
    run(onDevice.value() + recorded, onDevice.value() + nearby);
  }

  /** Sends what waits along with a recording that reads the lists and is launched now. */
  void ride() {
    if (waiting > 0 && wereRead()) {
      put(recorded);
    } else {
      deliver();
    }
    launches++;
  }

  /** Whether every launch so far has read the recordings' lists. */
  private boolean wereRead() {
    for (int i = 0; i < LISTS; i++) {
      if (bytes.getInt(recorded + i * LIST + READ) != launches) {
        return false;
      }
    }
    return true;
  }

  private void clear(int lists) {
    for (int i = 0; i < LISTS; i++) {
      bytes.putLong(lists + i * LIST, 0); // its count and how often it was read
    }
  }

  /** Deals out what waits; the lists are empty. */
  private void put(int lists) {
    for (int i = 0; i < waiting; i++) {
      int list = lists + i % LISTS * LIST;
      int entry = list + 2 * Integer.BYTES + i / LISTS * ENTRY;
      bytes.putLong(entry, onDevice.value() + from[i]);
      bytes.putLong(entry + Long.BYTES, to[i]);
      bytes.putInt(entry + 16, length[i]);
      Fold fold = folds[i];
      bytes.putInt(entry + 20, fold == null ? 0 : fold.by());
      bytes.putInt(entry + 24, fold == null ? 0 : fold.columns());
      bytes.putInt(entry + 28, fold == null ? 0 : fold.run());
      bytes.putInt(list, i / LISTS + 1);
    }
    waiting = 0;
    waitingBytes = 0;
  }

  private void run(long lists, long nearby) {
    launcher.run(stream, "deliver", kernel, LISTS, 1, THREADS, 1, lists, nearby);
  }

  /** Copies {@code n ≤ most()} bytes from the device, waits, and hands them to {@code take}. */
  void read(CUdeviceptr from, int n, Consumer<ByteBuffer> take) {
    int status = JCudaDriver.cuMemcpyDtoHAsync(pinned.withByteOffset(back), from, n, stream);
    if (status == 0) {
      status = JCudaDriver.cuStreamSynchronize(stream);
    }
    if (status != 0) {
      Status.driver(status, "read of " + n + " bytes");
    }
    take.accept(view(back, n));
  }

  private ByteBuffer view(int start, int n) {
    return bytes.slice(start, n).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    for (CUevent event : done) {
      JCudaDriver.cuEventDestroy(event);
    }
    JCudaDriver.cuMemFreeHost(pinned);
  }
}
