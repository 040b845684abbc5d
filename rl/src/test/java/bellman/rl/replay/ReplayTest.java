package bellman.rl.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.RandomStream;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.reference.ReferenceBackend;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReplayTest {
  private static final int ACTIONS = 35; // more than one word of mask bits
  private static final Spec PICTURE = new Spec("Test", Frame.picture(2, 3, 2), 2, ACTIONS);

  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  /**
   * What a transition should hold; its reward is its number, so that a sample can be told apart.
   */
  private record Expected(
      byte[] s, int goal, int a, float discount, byte[] sNext, int goalNext, boolean[] forbidden) {}

  private static byte[] pixels(SplittableRandom random) {
    byte[] pixels = new byte[PICTURE.frame().size()];
    random.nextBytes(pixels);
    return pixels;
  }

  /** Agents that end at different times, are cut off and begin anew, while the ring wraps often. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 50})
  void samplesAreWhatWasAdded(int capacity) {
    SplittableRandom random = new SplittableRandom(capacity);
    Replay replay = new Replay(device, PICTURE, capacity);
    RandomStream stream = device.random(3, "sample");
    int agents = 3;
    int[] held = new int[agents];
    byte[][] seen = new byte[agents][];
    int[] goals = new int[agents];
    for (int i = 0; i < agents; i++) {
      seen[i] = pixels(random);
      goals[i] = random.nextInt(2);
      held[i] = replay.hold(Observation.picture(seen[i], goals[i]), null);
    }
    Deque<Integer> order = new ArrayDeque<>();
    Map<Integer, Expected> model = new TreeMap<>();
    for (int step = 0; step < 400; step++) {
      int agent = random.nextInt(agents);
      boolean ends = random.nextInt(4) == 0;
      byte[] next = pixels(random);
      int goal = random.nextInt(2);
      boolean[] forbidden = new boolean[ACTIONS];
      for (int a = 0; a < ACTIONS; a++) {
        forbidden[a] = random.nextInt(3) == 0;
      }
      int sNext = replay.hold(Observation.picture(next, goal), forbidden);
      int a = random.nextInt(ACTIONS);
      float discount = ends && random.nextBoolean() ? 0f : 0.9f;
      replay.add(held[agent], a, step, discount, sNext);
      replay.frames().release(held[agent]);
      model.put(step, new Expected(seen[agent], goals[agent], a, discount, next, goal, forbidden));
      order.addLast(step);
      if (order.size() > capacity) {
        model.remove(order.removeFirst());
      }
      if (ends) {
        replay.frames().release(sNext);
        next = pixels(random);
        goal = random.nextInt(2);
        sNext = replay.hold(Observation.picture(next, goal), null);
      }
      held[agent] = sNext;
      seen[agent] = next;
      goals[agent] = goal;
      replay.checkInvariants(agents);
      assertThat(replay.size()).isEqualTo(model.size());
      checkSample(replay, stream, model);
    }
  }

  private void checkSample(Replay replay, RandomStream stream, Map<Integer, Expected> model) {
    try (Scope scope = device.scope("sample")) {
      Batch b = replay.sample(stream, 4);
      stream.advance();
      float[] r = b.r().toFloats();
      for (int row = 0; row < 4; row++) {
        Expected e = model.get((int) r[row]);
        assertThat(e).as("reward %s is in the ring", r[row]).isNotNull();
        assertThat(b.a().toInts()[row]).isEqualTo(e.a);
        assertThat(b.discount().toFloats()[row]).isEqualTo(e.discount);
        checkGated(b.s().picture().toFloats(), row, e.s, e.goal);
        checkGated(b.sNext().picture().toFloats(), row, e.sNext, e.goalNext);
        byte[] mask = b.forbiddenNext().toBytes();
        for (int a = 0; a < ACTIONS; a++) {
          assertThat(mask[row * ACTIONS + a]).isEqualTo((byte) (e.forbidden[a] ? 1 : 0));
        }
      }
    }
  }

  /**
   * The tutorial's state: the picture times each element of the one-hot goal, joined on channels.
   */
  private static void checkGated(float[] x, int row, byte[] pixels, int goal) {
    int channels = 2;
    for (int pixel = 0; pixel < 6; pixel++) {
      for (int g = 0; g < 2; g++) {
        for (int c = 0; c < channels; c++) {
          float expected = g == goal ? (pixels[pixel * channels + c] & 0xff) / 255f : 0f;
          assertThat(x[((row * 6 + pixel) * 2 + g) * channels + c]).isEqualTo(expected);
        }
      }
    }
  }

  /** Picture and vector of a frame, each stored once and gated alike, as plain loops have it. */
  @ParameterizedTest
  @CsvSource({"reference, 0", "reference, 3", "java, 0", "java, 3", "onednn, 0", "onednn, 3"})
  void picturesWithVectorsAreGatheredAsAPlainComputationSays(String name, int goals) {
    Frame frame = Frame.picture(3, 5, 3).with(6);
    Spec spec = new Spec("Both", frame, goals, ACTIONS);
    int blocks = Math.max(1, goals);
    SplittableRandom random = new SplittableRandom(9);
    try (Device here = Devices.open(name, DeviceOptions.defaults().withThreads(2))) {
      Frames frames = new Frames(here, spec, 20);
      List<Observation> held = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        byte[] pixels = new byte[frame.size()];
        random.nextBytes(pixels);
        float[] vector = new float[6];
        for (int j = 0; j < 6; j++) {
          vector[j] = (float) random.nextDouble(-3, 3);
        }
        held.add(new Observation(pixels, vector, random.nextInt(blocks)));
      }
      int[] at = held.stream().mapToInt(o -> frames.hold(o, null)).toArray();
      int[] index = random.ints(50, 0, 20).map(i -> at[i]).toArray();
      Seen seen = frames.gather(here.tensor(index, Shape.of(50)));
      assertThat(seen.picture().shape()).isEqualTo(Shape.of(50, 3, 5, 3 * blocks));
      assertThat(seen.vector().shape()).isEqualTo(Shape.of(50, 6 * blocks));
      float[] picture = new float[50 * 15 * 3 * blocks];
      float[] vector = new float[50 * 6 * blocks];
      for (int row = 0; row < 50; row++) {
        Observation o = held.get(frameAt(at, index[row]));
        for (int i = 0; i < 45; i++) {
          picture[((row * 15 + i / 3) * blocks + o.goal()) * 3 + i % 3] =
              (o.pixels()[i] & 0xff) / 255f;
        }
        System.arraycopy(o.vector(), 0, vector, (row * blocks + o.goal()) * 6, 6);
      }
      assertThat(seen.picture().toFloats()).isEqualTo(picture);
      assertThat(seen.vector().toFloats()).isEqualTo(vector);
      assertThat(frames.bytes()).isEqualTo(20 * (45 + 4 * 6 + 4 * 3));
    }
  }

  private static int frameAt(int[] at, int frame) {
    int i = 0;
    while (at[i] != frame) {
      i++;
    }
    return i;
  }

  @Test
  void everyTransitionIsDrawn() {
    Replay replay = new Replay(device, new Spec("V", Frame.vector(1), 0, 2), 10);
    int s = replay.hold(Observation.vector(0.5f), null);
    for (int i = 0; i < 17; i++) {
      replay.add(s, 0, i, 1, s);
    }
    Set<Integer> drawn = new HashSet<>();
    RandomStream stream = device.random(1, "sample");
    for (int i = 0; i < 20; i++) {
      try (Scope scope = device.scope("sample")) {
        for (float r : replay.sample(stream, 16).r().toFloats()) {
          drawn.add((int) r);
        }
        stream.advance();
      }
    }
    assertThat(drawn).containsExactlyInAnyOrder(7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
  }

  @Test
  void shortEpisodesCostOldTransitionsInsteadOfFailing() {
    int capacity = 1_000;
    Replay replay = new Replay(device, new Spec("V", Frame.vector(1), 0, 2), capacity);
    for (int i = 0; i < 5 * capacity; i++) { // every episode has one step: two frames each
      int s = replay.hold(Observation.vector(i), null);
      int sNext = replay.hold(Observation.vector(-i), null);
      replay.add(s, 0, i, 0, sNext);
      replay.frames().release(s);
      replay.frames().release(sNext);
    }
    replay.checkInvariants(0);
    assertThat(replay.size()).isEqualTo((capacity + capacity / 2 + 256) / 2);
    try (Scope scope = device.scope("sample")) { // the newest are left, and they are whole
      Batch b = replay.sample(device.random(1, "sample"), 64);
      float[] r = b.r().toFloats();
      for (int row = 0; row < 64; row++) {
        assertThat(r[row]).isGreaterThanOrEqualTo(5 * capacity - replay.size());
        assertThat(b.s().vector().toFloats()[row]).isEqualTo(r[row]);
        assertThat(b.sNext().vector().toFloats()[row]).isEqualTo(-r[row]);
      }
    }
  }

  /** Walks of n agents that end now and then; returns the frames that are held. */
  private static int[] fill(Replay replay, Spec spec, int agents, int steps) {
    SplittableRandom random = new SplittableRandom(steps);
    int[] held = new int[agents];
    for (int i = 0; i < agents; i++) {
      held[i] = replay.hold(seen(spec, random), null);
    }
    for (int step = 0; step < steps; step++) {
      int i = random.nextInt(agents);
      boolean[] forbidden = new boolean[ACTIONS];
      forbidden[random.nextInt(ACTIONS)] = true;
      int sNext = replay.hold(seen(spec, random), forbidden);
      replay.add(held[i], random.nextInt(ACTIONS), step, random.nextInt(2), sNext);
      replay.frames().release(held[i]);
      held[i] = sNext;
      if (random.nextInt(4) == 0) {
        replay.frames().release(held[i]);
        held[i] = replay.hold(seen(spec, random), null);
      }
    }
    return held;
  }

  private static Observation seen(Spec spec, SplittableRandom random) {
    float[] vector = {(float) random.nextDouble(), -0f, Float.MIN_VALUE};
    return new Observation(
        spec.frame().hasPicture() ? pixels(random) : null,
        spec.frame().hasVector() ? vector : null,
        spec.goals() > 0 ? random.nextInt(2) : 0);
  }

  private static byte[] saved(Replay replay, int[] held) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    replay.save(new DataOutputStream(bytes), held);
    return bytes.toByteArray();
  }

  private static DataInputStream stream(byte[] bytes) {
    return new DataInputStream(new ByteArrayInputStream(bytes));
  }

  private static final Spec VECTOR = new Spec("V", Frame.vector(3), 0, ACTIONS);
  private static final Spec BOTH = new Spec("B", Frame.picture(2, 3, 2).with(3), 2, ACTIONS);

  static List<Spec> specs() {
    return List.of(PICTURE, VECTOR, BOTH);
  }

  /** Empty, half full, full, wrapped around; then both go on alike. */
  @ParameterizedTest
  @MethodSource("specs")
  void whatIsSavedComesBack(Spec spec) throws IOException {
    for (int steps : new int[] {0, 11, 40, 100_000}) {
      int capacity = steps > 1000 ? 20_000 : 40; // more than one chunk
      Replay replay = new Replay(device, spec, capacity);
      int[] held = fill(replay, spec, 3, steps);
      byte[] saved = saved(replay, held);
      Replay other = new Replay(device, spec, capacity + 7);
      fill(other, spec, 2, 50);
      other.clear();
      other.checkInvariants(0);
      int[] heldThere = other.restore(stream(saved));
      other.checkInvariants(3);
      assertThat(other.size()).isEqualTo(replay.size());
      assertThat(saved(other, heldThere)).isEqualTo(saved);
      if (steps > 0) {
        assertThat(drawn(other)).isEqualTo(drawn(replay));
        replay.add(held[0], 1, -1, 0.5f, held[1]);
        other.add(heldThere[0], 1, -1, 0.5f, heldThere[1]);
        if (steps < capacity) {
          assertThat(drawn(other)).isEqualTo(drawn(replay));
        }
      }
    }
  }

  /** A file holds pictures as they came, however the memory keeps them. */
  @Test
  void foldingIsNotInTheFile() throws IOException {
    Spec spec = new Spec("Test", Frame.picture(4, 6, 2), 2, ACTIONS);
    Replay plain = new Replay(device, spec, 8);
    Replay folded = new Replay(device, spec, 8, 2);
    SplittableRandom random = new SplittableRandom(1);
    byte[] pixels = new byte[spec.frame().size()];
    for (int i = 0; i < 5; i++) {
      random.nextBytes(pixels);
      for (Replay replay : List.of(plain, folded)) {
        int s = replay.hold(Observation.picture(pixels, 1), null);
        replay.add(s, 2, i, 0, s);
        replay.frames().release(s);
      }
    }
    byte[] saved = saved(plain, new int[0]);
    assertThat(saved(folded, new int[0])).isEqualTo(saved);
    Replay other = new Replay(device, spec, 8, 2);
    other.restore(stream(saved));
    assertThat(drawn(other)).isEqualTo(drawn(folded));
    assertThat(drawn(other)).isNotEqualTo(drawn(plain));
  }

  private List<Integer> drawn(Replay replay) {
    try (Scope scope = device.scope("sample")) {
      Batch b = replay.sample(device.random(3, "sample"), 256);
      return Stream.of(
              b.r(),
              b.discount(),
              b.s().picture(),
              b.s().vector(),
              b.sNext().picture(),
              b.sNext().vector())
          .filter(Objects::nonNull)
          .map(x -> Arrays.hashCode(x.toFloats()))
          .toList();
    }
  }

  /** No damage leads anywhere but to an error, or to numbers that are in range. */
  @ParameterizedTest
  @MethodSource("specs")
  void damageDoesNoHarm(Spec spec) throws IOException {
    Replay replay = new Replay(device, spec, 8);
    byte[] good = saved(replay, fill(replay, spec, 2, 20));
    Replay other = new Replay(device, spec, 8);
    int refused = 0;
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 0x41;
      try {
        other.checkInvariants(other.restore(stream(bad)).length);
        drawn(other);
      } catch (IOException e) {
        refused++;
        assertThat(other.size()).isZero();
        other.checkInvariants(0);
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void anotherWorldsReplayIsRefused() throws IOException {
    Replay replay = new Replay(device, VECTOR, 8);
    byte[] saved = saved(replay, fill(replay, VECTOR, 1, 20));
    assertThatThrownBy(() -> new Replay(device, PICTURE, 8).restore(stream(saved)))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "it holds frames of [3] floats with 0 goals and 35 actions, and this run has frames of"
                + " [2, 3, 2] bytes with 2 goals and 35 actions");
    assertThatThrownBy(() -> new Replay(device, VECTOR, 7).restore(stream(saved)))
        .hasMessage(
            "it holds 8 transitions, and there is room for 7; resume with the --buffer-size it was"
                + " saved with");
  }

  @Test
  void aFrameOfAnotherSizeIsRefused() {
    Replay replay = new Replay(device, PICTURE, 4);
    assertThatThrownBy(() -> replay.hold(Observation.picture(new byte[5], 0), null))
        .hasMessage("frames: an observation of 5 elements does not fit frames of [2, 3, 2] bytes");
    assertThatThrownBy(() -> replay.hold(Observation.vector(1, 2), null))
        .hasMessage(
            "frames: an observation of another kind does not fit frames of [2, 3, 2] bytes");
    replay.checkInvariants(0);
    Replay both = new Replay(device, new Spec("B", Frame.picture(2, 3, 2).with(4), 0, 2), 4);
    assertThatThrownBy(() -> both.hold(Observation.picture(new byte[12], 0), null))
        .hasMessage(
            "frames: an observation of another kind does not fit frames of [2, 3, 2] bytes and [4]"
                + " floats");
    assertThatThrownBy(() -> both.hold(new Observation(new byte[12], new float[3], 0), null))
        .hasMessage(
            "frames: an observation of 3 elements does not fit frames of [2, 3, 2] bytes and [4]"
                + " floats");
    assertThatThrownBy(() -> replay.hold(new Observation(new byte[12], new float[3], 0), null))
        .hasMessage(
            "frames: an observation of another kind does not fit frames of [2, 3, 2] bytes");
  }

  @Test
  void aGoalOrAnActionThatTheWorldDoesNotHaveIsRefused() {
    Replay replay = new Replay(device, PICTURE, 4);
    byte[] pixels = new byte[PICTURE.frame().size()];
    assertThatThrownBy(() -> replay.hold(Observation.picture(pixels, 2), null))
        .hasMessage("frames: goal 2 is none of Test's, which are 0 to 1");
    assertThatThrownBy(() -> replay.hold(Observation.picture(pixels, -1), null))
        .hasMessage("frames: goal -1 is none of Test's, which are 0 to 1");
    int s = replay.hold(Observation.picture(pixels, 1), null);
    assertThatThrownBy(() -> replay.add(s, 35, 0, 0, s))
        .hasMessage("replay: action 35 is none of the 35 that Test has");
    assertThatThrownBy(() -> replay.add(s, -1, 0, 0, s))
        .hasMessage("replay: action -1 is none of the 35 that Test has");
    assertThat(replay.size()).isZero();
    replay.checkInvariants(1);
  }

  @Test
  void moreAgentsThanFramesAreRefusedWithTheFlagThatMakesRoom() {
    Replay replay = new Replay(device, PICTURE, 2);
    Observation o = Observation.picture(new byte[12], 0);
    for (int agent = 0; agent < 259; agent++) {
      replay.hold(o, null);
    }
    assertThatThrownBy(() -> replay.hold(o, null))
        .isInstanceOf(FramesFullException.class)
        .hasMessage(
            "the player has more agents than the replay has room for what they see: all 259 frames"
                + " are held; raise --buffer-size to the number of agents or above");
  }

  @Test
  void aFreeFrameCannotBeReleased() {
    Replay replay = new Replay(device, PICTURE, 4);
    int s = replay.hold(Observation.picture(new byte[PICTURE.frame().size()], 0), null);
    replay.frames().release(s);
    assertThatThrownBy(() -> replay.frames().release(s))
        .hasMessage("frames: frame 0 is free and cannot be released");
    replay.checkInvariants(0);
  }

  @Test
  void saysItsSize() {
    Replay replay = new Replay(device, new Spec("G", Frame.picture(64, 84, 3), 2, 4), 100);
    assertThat(replay.described())
        .isEqualTo("100 transitions, 406 frames of [64, 84, 3] bytes, 0.01 GB");
    assertThat(Shape.of(406, 16128).size()).isLessThan(replay.bytes());
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnythingIsTaken() {
    // A frame is 12 bytes and 3 words about it; a transition 5 words.
    try (Device small =
        new Device(ReferenceBackend.floats(), OptionalLong.of(24 * 406 + 20 * 100))) {
      assertThatThrownBy(() -> new Replay(small, PICTURE, 101))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "replay: 101 transitions with 407 frames of [2, 3, 2] bytes need 0.00 GB and reference has"
                  + " 0.00 GB free; lower --buffer-size");
      assertThat(small.liveBytes()).isZero();
    }
    Spec large = new Spec("Large", Frame.picture(64, 84, 3), 2, 4);
    try (Device small = new Device(ReferenceBackend.floats(), OptionalLong.of(16_000_000_000L))) {
      assertThatThrownBy(() -> new Replay(small, large, 1_000_000))
          .hasMessage(
              "replay: 1,000,000 transitions with 1,500,256 frames of [64, 84, 3] bytes need 24.23 GB"
                  + " and reference has 16.00 GB free; lower --buffer-size");
    }
  }
}
