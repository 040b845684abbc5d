package bellman.rl.replay;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.RandomStream;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.engine.backend.Philox;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Locale;

/**
 * The replay memory of DQN (Mnih et al. 2015): on the device a ring of transitions and a pool of
 * frames. A frame is stored once, its picture as bytes; a transition names its two frames by index,
 * with action, reward and discount. A frame is free again when the last transition that names it
 * has been overwritten and nobody holds it, so any number of agents, cut-off episodes and the
 * ring's end need no special case.
 *
 * <p>Sampling is uniform, with replacement.
 */
public final class Replay {
  /** s, s′, a, bits of r, bits of discount. */
  private static final int WORDS = 5;

  /** Transitions that go to or from a file at a time. */
  private static final int CHUNK = 1 << 14;

  private static final Kernel TRANSITIONS =
      new Kernel(
          "sample_transitions",
          """
          // __restrict__: the loads need not wait for the stores before them
          extern "C" __global__ void sample_transitions(
              const int* __restrict__ transitions, const int* __restrict__ about,
              const int* __restrict__ window, int seed, int stream, const int* __restrict__ step,
              int draw, int* __restrict__ s, int* __restrict__ sNext, int* __restrict__ a,
              float* __restrict__ r, float* __restrict__ discount,
              unsigned char* __restrict__ forbidden, int capacity, int actions, int aboutWords,
              int n) {
            int row = blockIdx.x * blockDim.x + threadIdx.x;
            if (row >= n) return;
            unsigned i = __umulhi(philox(seed, stream, step[0], row, draw, 0), window[1]);
            const int* t = transitions + 5LL * ((window[0] + i) % capacity);
            s[row] = t[0];
            sNext[row] = t[1];
            a[row] = t[2];
            r[row] = __int_as_float(t[3]);
            discount[row] = __int_as_float(t[4]);
            const int* words = about + (long long)t[1] * aboutWords + 1;
            for (int i = 0; i < actions; i++)
              forbidden[row * actions + i] = words[i / 32] >> (i % 32) & 1;
          }
          """,
          Replay::look);

  private final Device device;
  private final Spec spec;
  private final int capacity;
  private final Frames frames;
  private final Tensor transitions; // [N, 5]
  private final Tensor window; // [2]: oldest slot, number of transitions
  private final int[] named; // [2 N] host copy of each transition's two frames
  private int oldest;
  private int count;

  /** Pictures are kept as they come. */
  public Replay(Device device, Spec spec, int capacity) {
    this(device, spec, capacity, 1);
  }

  /**
   * @param fold how pictures are folded; see {@link Frames}
   * @param capacity N, transitions kept; room for 3N/2 frames is reserved, and where episodes are
   *     so short that this does not suffice, the oldest transitions go early
   * @throws IllegalArgumentException if N is below 1, or the device has less room than that
   */
  public Replay(Device device, Spec spec, int capacity, int fold) {
    if (capacity < 1) {
      throw new IllegalArgumentException("replay: capacity is 1 or more, got " + capacity);
    }
    this.device = device;
    this.spec = spec;
    this.capacity = capacity;
    checkRoom();
    frames = new Frames(device, spec, (int) frames(capacity), fold);
    transitions = device.state("replay.transitions", DType.INT32, Shape.of(capacity, WORDS));
    window = device.state("replay.window", DType.INT32, Shape.of(2));
    named = new int[2 * capacity];
  }

  private static long frames(long capacity) {
    return capacity + capacity / 2 + 256;
  }

  /** Refuses before anything is taken: what the system promises it may be unable to give later. */
  private void checkRoom() {
    long frames = frames(capacity);
    long bytes = frames * Frames.bytesOfOne(spec) + capacity * 4L * WORDS;
    long free = device.freeBytes().orElse(Long.MAX_VALUE);
    if (frames > Integer.MAX_VALUE || bytes > free) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "replay: %,d transitions with %,d frames of %s need %.2f GB%s; lower --buffer-size",
              capacity,
              frames,
              spec.frame().described(),
              bytes / 1e9,
              bytes > free
                  ? String.format(
                      Locale.ROOT, " and %s has %.2f GB free", device.name(), free / 1e9)
                  : ", more than can be numbered"));
    }
  }

  /** Transitions held. */
  public int size() {
    return count;
  }

  public int capacity() {
    return capacity;
  }

  public Frames frames() {
    return frames;
  }

  /** Bytes of device memory. */
  public long bytes() {
    return frames.bytes() + transitions.buffer().bytes();
  }

  /** {@code 10,000 transitions, 15,256 frames of [64, 84, 3] bytes, 0.25 GB}. */
  public String described() {
    return String.format(
        Locale.ROOT,
        "%,d transitions, %,d frames of %s, %.2f GB",
        capacity,
        frames.count(),
        spec.frame().described(),
        bytes() / 1e9);
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────

  /** Stores what an agent sees and holds it until {@link Frames#release}. */
  public int hold(Observation observation, boolean[] forbidden) {
    while (frames.isFull() && count > 0) {
      dropOldest();
    }
    return frames.hold(observation, forbidden);
  }

  /**
   * Adds (s, a, r, discount, s′); s and s′ are held frames and stay held.
   *
   * @param discount γ, or 0 where s′ is terminal
   */
  public void add(int s, int a, float r, float discount, int sNext) {
    if (a < 0 || a >= spec.actions()) {
      throw new IllegalArgumentException(
          "replay: action "
              + a
              + " is none of the "
              + spec.actions()
              + " that "
              + spec.name()
              + " has");
    }
    if (count == capacity) {
      dropOldest();
    }
    int slot = (oldest + count) % capacity;
    transitions.set(
        (long) slot * WORDS,
        new int[] {s, sNext, a, Float.floatToRawIntBits(r), Float.floatToRawIntBits(discount)});
    frames.use(s);
    frames.use(sNext);
    named[2 * slot] = s;
    named[2 * slot + 1] = sNext;
    count++;
    publish();
  }

  private void dropOldest() {
    frames.release(named[2 * oldest]);
    frames.release(named[2 * oldest + 1]);
    oldest = (oldest + 1) % capacity;
    count--;
    publish();
  }

  private void publish() {
    window.set(new int[] {oldest, count});
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────

  /** B transitions, uniform with replacement; part of a captured step. */
  public Batch sample(RandomStream random, int batchSize) {
    int actions = spec.actions();
    Shape rows = Shape.of(batchSize);
    RandomStream.Draw draw = random.draw();
    Tensor s = device.empty(rows, DType.INT32);
    Tensor sNext = device.empty(rows, DType.INT32);
    Tensor a = device.empty(rows, DType.INT32);
    Tensor r = device.empty(rows, DType.FLOAT32);
    Tensor discount = device.empty(rows, DType.FLOAT32);
    Tensor forbidden = device.empty(Shape.of(batchSize, actions), DType.UINT8);
    device.launch(
        TRANSITIONS,
        batchSize,
        transitions,
        frames.about(),
        window,
        draw.key().seed(),
        draw.key().stream(),
        draw.step(),
        draw.draw(),
        s,
        sNext,
        a,
        r,
        discount,
        forbidden,
        capacity,
        actions,
        frames.about().shape().dim(1));
    return new Batch(
        frames.gather(s).named("s"),
        a.named("a"),
        r.named("r"),
        discount.named("discount"),
        frames.gather(sNext).named("s′"),
        forbidden.named("forbidden in s′"));
  }

  private static void look(Kernel.Arguments arguments, int from, int to) {
    HostArray transitions = arguments.array(0);
    HostArray about = arguments.array(1);
    int oldest = (int) arguments.array(2).get(0);
    int count = (int) arguments.array(2).get(1);
    Philox.Key key = new Philox.Key(arguments.integer(3), arguments.integer(4));
    int step = (int) arguments.array(5).get(0);
    int draw = arguments.integer(6);
    int capacity = arguments.integer(13);
    int actions = arguments.integer(14);
    int aboutWords = arguments.integer(15);
    for (int row = from; row < to; row++) {
      long slot = ((long) oldest + Philox.integer(key, step, row, draw, count)) % capacity;
      long t = WORDS * slot;
      arguments.array(7).set(row, transitions.get(t));
      arguments.array(8).set(row, transitions.get(t + 1));
      arguments.array(9).set(row, transitions.get(t + 2));
      arguments.array(10).set(row, Float.intBitsToFloat((int) transitions.get(t + 3)));
      arguments.array(11).set(row, Float.intBitsToFloat((int) transitions.get(t + 4)));
      long words = (long) transitions.get(t + 1) * aboutWords + 1;
      for (int i = 0; i < actions; i++) {
        int word = (int) about.get(words + i / 32);
        arguments.array(12).set((long) row * actions + i, word >> (i % 32) & 1);
      }
    }
  }

  // ── in a file ─────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes the transitions, the oldest first, and the frames in use. Where they lie is not kept,
   * for no draw depends on it.
   *
   * @param held frames that somebody holds beside the transitions
   */
  public void save(DataOutputStream out, int[] held) throws IOException {
    out.writeUTF(kind());
    int[] numbers = frames.save(out);
    out.writeInt(count);
    for (int first = 0; first < count; ) {
      int slot = (oldest + first) % capacity;
      int n = Math.min(Math.min(CHUNK, count - first), capacity - slot);
      int[] words = new int[n * WORDS];
      transitions.read((long) slot * WORDS, words);
      for (int i = 0; i < words.length; i++) {
        out.writeInt(i % WORDS < 2 ? numbers[words[i]] : words[i]);
      }
      first += n;
    }
    out.writeInt(held.length);
    for (int f : held) {
      out.writeInt(numbers[f]);
    }
  }

  /**
   * Takes what {@link #save} wrote in place of everything here. The buffer may be larger than it
   * was.
   *
   * @return the held frames, in the order in which they were given, each held again
   * @throws IOException if the file is not whole or does not fit; the replay is then empty
   */
  public int[] restore(DataInputStream in) throws IOException {
    oldest = 0;
    count = 0;
    try {
      String kind = in.readUTF();
      if (!kind.equals(kind())) {
        throw new IOException("it holds " + kind + ", and this run has " + kind());
      }
      int known = frames.restore(in);
      int n = in.readInt();
      if (n < 0 || n > capacity) {
        throw new IOException(
            "it holds %,d transitions, and there is room for %,d; resume with the --buffer-size it was saved with"
                .formatted(n, capacity));
      }
      for (int first = 0; first < n; first += CHUNK) {
        restore(first, Math.min(CHUNK, n - first), known, in);
      }
      int[] held = new int[checked("held frames", in.readInt(), known + 1)];
      for (int i = 0; i < held.length; i++) {
        held[i] = checked("a held frame", in.readInt(), known);
        frames.use(held[i]);
      }
      frames.freeUnused();
      count = n;
      publish();
      return held;
    } catch (IOException | RuntimeException e) {
      clear();
      throw e;
    }
  }

  /** Drops all transitions and all frames, held ones too. */
  public void clear() {
    frames.clear();
    oldest = 0;
    count = 0;
    publish();
  }

  private void restore(int first, int n, int known, DataInputStream in) throws IOException {
    int[] words = new int[n * WORDS];
    for (int i = 0; i < n; i++) {
      for (int w = 0; w < WORDS; w++) {
        words[i * WORDS + w] = in.readInt();
      }
      checked("an action", words[i * WORDS + 2], spec.actions());
      for (int w = 0; w < 2; w++) {
        int f = checked("a frame", words[i * WORDS + w], known);
        frames.use(f);
        named[2 * (first + i) + w] = f;
      }
    }
    transitions.set((long) first * WORDS, words);
  }

  private static int checked(String what, int value, int bound) throws IOException {
    if (value < 0 || value >= bound) {
      throw new IOException("it is damaged: " + what + " is " + value);
    }
    return value;
  }

  private String kind() {
    return "frames of %s with %d goals and %d actions"
        .formatted(spec.frame().described(), spec.goals(), spec.actions());
  }

  // ── proof ─────────────────────────────────────────────────────────────────────────────────────

  /** Throws if the bookkeeping contradicts itself. For tests. */
  public void checkInvariants(int heldFrames) {
    int[] named = new int[frames.count()];
    for (int i = 0; i < count; i++) {
      int slot = (oldest + i) % capacity;
      named[this.named[2 * slot]]++;
      named[this.named[2 * slot + 1]]++;
    }
    int holds = 0;
    int used = 0;
    for (int f = 0; f < named.length; f++) {
      if (frames.uses(f) < named[f]) {
        throw new IllegalStateException("frame " + f + " is named more often than it is counted");
      }
      holds += frames.uses(f) - named[f];
      used += frames.uses(f) > 0 ? 1 : 0;
    }
    if (holds != heldFrames || used + frames.freeCount() != named.length) {
      throw new IllegalStateException(
          "replay: "
              + holds
              + " holds, "
              + heldFrames
              + " expected; "
              + used
              + " frames in use and "
              + frames.freeCount()
              + " free of "
              + named.length);
    }
    boolean[] seen = new boolean[named.length];
    for (int i = 0; i < frames.freeCount(); i++) {
      int f = frames.free(i);
      if (seen[f] || frames.uses(f) != 0) {
        throw new IllegalStateException("frame " + f + " is free and in use, or free twice");
      }
      seen[f] = true;
    }
  }
}
