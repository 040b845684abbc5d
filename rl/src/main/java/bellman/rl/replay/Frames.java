package bellman.rl.replay;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Fold;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What agents saw, each frame stored once on the device: its picture as bytes, its vector as
 * floats. A frame lives as long as somebody counts on it: an agent that stands in it, or a
 * transition that names it.
 */
public final class Frames {
  private static final int CHUNK = 1 << 20; // bytes that go to or from a file at a time

  private final Spec spec;
  private final Fold fold;
  private final Frame frame; // folded
  private final int aboutWords;
  private final Tensor pictures; // [F, h·w·c] uint8; null where the world has none
  private final Tensor vectors; // [F, n] float32; null likewise
  private final Tensor about; // [F, 1 + words] int32: goal, forbidden actions as bits
  private final int[] uses;
  private final int[] free; // a stack
  private int freeCount;

  /** Room for {@code count} frames, kept as they come. */
  public Frames(Device device, Spec spec, int count) {
    this(device, spec, count, 1);
  }

  /**
   * Room for {@code count} frames.
   *
   * @param fold pictures are kept with so many neighbours in each direction as one pixel, for a
   *     network whose first convolution is {@link bellman.nn.Conv2d#folded}; 1: as they come
   */
  public Frames(Device device, Spec spec, int count, int fold) {
    this.spec = spec;
    Frame seen = spec.frame();
    this.fold = new Fold(seen.height(), seen.width(), seen.channels(), fold);
    this.frame = seen.folded(fold);
    this.aboutWords = aboutWords(spec);
    pictures =
        frame.hasPicture()
            ? device.state("frames", DType.UINT8, Shape.of(count, frame.size()))
            : null;
    vectors =
        frame.hasVector()
            ? device.state("frames.vectors", DType.FLOAT32, Shape.of(count, frame.vector()))
            : null;
    about = device.state("frames.about", DType.INT32, Shape.of(count, aboutWords));
    uses = new int[count];
    free = new int[count];
    freeUnused();
  }

  /** Every frame without a use is free; the lowest comes first. */
  void freeUnused() {
    freeCount = 0;
    for (int f = uses.length - 1; f >= 0; f--) {
      if (uses[f] == 0) {
        free[freeCount++] = f;
      }
    }
  }

  private static int aboutWords(Spec spec) {
    return 1 + (spec.actions() + 31) / 32;
  }

  /** Bytes of device memory that a frame takes. */
  static long bytesOfOne(Spec spec) {
    return spec.frame().size() + 4L * spec.frame().vector() + 4L * aboutWords(spec);
  }

  public boolean isFull() {
    return freeCount == 0;
  }

  /** Neighbours in each direction that are one pixel. */
  public int fold() {
    return fold.by();
  }

  /** How many there is room for. */
  public int count() {
    return uses.length;
  }

  int freeCount() {
    return freeCount;
  }

  int uses(int f) {
    return uses[f];
  }

  int free(int place) {
    return free[place];
  }

  /** Bytes of device memory. */
  public long bytes() {
    return bytes(pictures) + bytes(vectors) + bytes(about);
  }

  private static long bytes(Tensor x) {
    return x == null ? 0 : x.buffer().bytes();
  }

  /**
   * Stores what an agent sees, with one use.
   *
   * @param forbidden [actions] or null: the actions not allowed here
   * @return the frame's index
   * @throws IllegalArgumentException if the observation is of another kind or size, or its goal is
   *     none of the world's
   * @throws FramesFullException if every frame has a use
   */
  public int hold(Observation observation, boolean[] forbidden) {
    if (isFull()) {
      throw new FramesFullException(
          "the player has more agents than the replay has room for what they see: all "
              + uses.length
              + " frames are held; raise --buffer-size to the number of agents or above");
    }
    Frame seen = spec.frame();
    checkLength(observation.pixels() == null ? 0 : observation.pixels().length, seen.size());
    checkLength(observation.vector() == null ? 0 : observation.vector().length, seen.vector());
    if (observation.goal() < 0 || observation.goal() >= Math.max(spec.goals(), 1)) {
      throw new IllegalArgumentException(
          "frames: goal "
              + observation.goal()
              + " is none of "
              + spec.name()
              + "'s, which are 0 to "
              + (Math.max(spec.goals(), 1) - 1));
    }
    int f = free[--freeCount];
    if (pictures != null) {
      pictures.set((long) f * frame.size(), observation.pixels(), fold);
    }
    if (vectors != null) {
      vectors.set((long) f * frame.vector(), observation.vector());
    }
    int[] words = new int[aboutWords];
    words[0] = observation.goal();
    for (int i = 0; forbidden != null && i < spec.actions(); i++) {
      if (forbidden[i]) {
        words[1 + i / 32] |= 1 << (i % 32);
      }
    }
    about.set((long) f * aboutWords, words);
    uses[f] = 1;
    return f;
  }

  private void checkLength(int length, int needed) {
    if (length != needed) {
      throw new IllegalArgumentException(
          "frames: an observation of "
              + (length == 0 || needed == 0 ? "another kind" : length + " elements")
              + " does not fit frames of "
              + spec.frame().described());
    }
  }

  /** One more use. */
  void use(int f) {
    uses[f]++;
  }

  /** One use less; the last frees the frame. */
  public void release(int f) {
    if (uses[f] < 1) {
      throw new IllegalStateException("frames: frame " + f + " is free and cannot be released");
    }
    if (--uses[f] == 0) {
      free[freeCount++] = f;
    }
  }

  // ── in a file ─────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes the frames in use, pictures as they came.
   *
   * @return each frame's number among them, −1 for a free one
   */
  int[] save(DataOutputStream out) throws IOException {
    out.writeInt(uses.length - freeCount);
    int[] numbers = new int[uses.length];
    int number = 0;
    int most = chunkFrames();
    for (int first = 0; first < uses.length; first += most) {
      int n = Math.min(most, uses.length - first);
      int inUse = 0;
      for (int f = first; f < first + n; f++) {
        numbers[f] = uses[f] > 0 ? number++ : -1;
        inUse += uses[f] > 0 ? 1 : 0;
      }
      if (inUse > 0) {
        save(first, n, out);
      }
    }
    return numbers;
  }

  private void save(int first, int n, DataOutputStream out) throws IOException {
    int[] words = new int[n * aboutWords];
    byte[] folded = new byte[n * frame.size()];
    float[] floats = new float[n * frame.vector()];
    about.read((long) first * aboutWords, words);
    if (pictures != null) {
      pictures.read((long) first * frame.size(), folded);
    }
    if (vectors != null) {
      vectors.read((long) first * frame.vector(), floats);
    }
    byte[] picture = new byte[spec.frame().size()];
    ByteBuffer vector = ByteBuffer.allocate(4 * frame.vector());
    for (int i = 0; i < n; i++) {
      if (uses[first + i] == 0) {
        continue;
      }
      for (int w = 0; w < aboutWords; w++) {
        out.writeInt(words[i * aboutWords + w]);
      }
      fold.unfold(folded, i * frame.size(), picture);
      out.write(picture);
      vector.asFloatBuffer().put(floats, i * frame.vector(), frame.vector());
      out.write(vector.array());
    }
  }

  /**
   * Takes what {@link #save} wrote in place of everything here; frame number i gets index i. Nobody
   * uses them yet: {@link #use} those that are, then {@link #freeUnused}.
   *
   * @return how many
   * @throws IOException if there are more than there is room for, or their goals are not the
   *     world's
   */
  int restore(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > uses.length) {
      throw new IOException(
          "it holds %,d frames, and there is room for %,d; resume with the --buffer-size it was saved with"
              .formatted(count, uses.length));
    }
    Arrays.fill(uses, 0);
    freeCount = 0;
    int most = chunkFrames();
    for (int first = 0; first < count; first += most) {
      restore(first, Math.min(most, count - first), in);
    }
    return count;
  }

  private void restore(int first, int n, DataInputStream in) throws IOException {
    int[] words = new int[n * aboutWords];
    byte[] folded = new byte[n * frame.size()];
    float[] floats = new float[n * frame.vector()];
    byte[] picture = new byte[spec.frame().size()];
    ByteBuffer vector = ByteBuffer.allocate(4 * frame.vector());
    for (int i = 0; i < n; i++) {
      for (int w = 0; w < aboutWords; w++) {
        words[i * aboutWords + w] = in.readInt();
      }
      int goal = words[i * aboutWords];
      if (goal < 0 || goal >= Math.max(spec.goals(), 1)) {
        throw new IOException("it is damaged: frame " + (first + i) + " has goal " + goal);
      }
      in.readFully(picture);
      fold.fold(picture, folded, i * frame.size());
      in.readFully(vector.array());
      vector.asFloatBuffer().get(floats, i * frame.vector(), frame.vector());
    }
    about.set((long) first * aboutWords, words);
    if (pictures != null) {
      pictures.set((long) first * frame.size(), folded);
    }
    if (vectors != null) {
      vectors.set((long) first * frame.vector(), floats);
    }
  }

  private int chunkFrames() {
    return (int) Math.max(1, CHUNK / bytesOfOne(spec));
  }

  /** Nobody uses any frame. */
  void clear() {
    Arrays.fill(uses, 0);
    freeUnused();
  }

  /** The frames of an int32 index [B] as a network's input; see {@link Gather}. */
  public Seen gather(Tensor index) {
    return new Seen(
        pictures == null ? null : Gather.pictures(frame, spec.goals(), pictures, about, index),
        vectors == null ? null : Gather.vectors(frame, spec.goals(), vectors, about, index));
  }

  Tensor about() {
    return about;
  }
}
