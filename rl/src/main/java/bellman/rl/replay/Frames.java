package bellman.rl.replay;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;

/**
 * What agents saw, each frame stored once on the device: its picture as bytes, its vector as
 * floats. A frame lives as long as somebody counts on it: an agent that stands in it, or a
 * transition that names it.
 */
public final class Frames {
  private final Spec spec;
  private final int fold;
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
    this.fold = fold;
    this.frame = spec.frame().folded(fold);
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
    for (int f = count - 1; f >= 0; f--) {
      free[freeCount++] = f;
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
    return fold;
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
   */
  public int hold(Observation observation, boolean[] forbidden) {
    if (isFull()) {
      throw new IllegalStateException(
          "frames: all " + uses.length + " are in use; raise the buffer size above the agents'");
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
      pictures.set((long) f * frame.size(), folded(observation.pixels()));
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

  /** [h, w, c] → [h/fold, w/fold, fold·fold·c]. */
  private byte[] folded(byte[] pixels) {
    if (fold == 1) {
      return pixels;
    }
    byte[] result = new byte[frame.size()];
    int run = fold * spec.frame().channels(); // of neighbours in a row
    int row = spec.frame().width() * spec.frame().channels();
    for (int h = 0; h < frame.height(); h++) {
      for (int r = 0; r < fold; r++) {
        int from = (h * fold + r) * row;
        int to = h * frame.width() * frame.channels() + r * run;
        for (int w = 0; w < frame.width(); w++) {
          System.arraycopy(pixels, from + w * run, result, to + w * frame.channels(), run);
        }
      }
    }
    return result;
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
