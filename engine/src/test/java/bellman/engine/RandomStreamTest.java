package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.backend.Philox;
import bellman.engine.reference.ReferenceBackend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Philox by its published vectors and its statistics, and the streams drawn from it. */
class RandomStreamTest {
  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  /** The known answers of Random123 for philox4x32-10. */
  @Test
  void knownAnswers() {
    assertThat(Philox.block(0, 0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(Philox.block(-1, -1, -1, -1, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertThat(Philox.block(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  @Test
  void theCounterIsStepElementDraw() {
    Philox.Key key = new Philox.Key(11, 22);
    assertThat(Philox.bits(key, 3, 4, 5)).isEqualTo(Philox.block(11, 22, 3, 4, 5, 0)[0]);
    int bits = Philox.bits(key, 3, 4, 5);
    assertThat(Philox.integer(key, 3, 4, 5, 1000))
        .isEqualTo((int) (Integer.toUnsignedLong(bits) * 1000 / (1L << 32)));
    assertThat(Philox.uniform(key, 3, 4, 5)).isEqualTo((bits >>> 8) / 16777216f);
  }

  @Test
  void aDrawOfAKernelIsTheStreamsNext() {
    RandomStream stream = device.random(5, "replay");
    RandomStream same = device.random(5, "replay");
    Tensor bound = device.tensor(new int[] {1000}, Shape.scalar());
    for (RandomStream s : new RandomStream[] {stream, same}) {
      s.advance();
      s.integers(bound, Shape.of(2));
    }
    RandomStream.Draw draw = stream.draw();
    int step = draw.step().toInts()[0];
    int[] drawn = same.integers(bound, Shape.of(3)).toInts();
    for (int i = 0; i < 3; i++) {
      assertThat(Philox.integer(draw.key(), step, i, draw.draw(), 1000)).isEqualTo(drawn[i]);
    }
  }

  @Test
  void keysDifferInSeedAndName() {
    Philox.Key key = Philox.Key.of(1, "replay");
    assertThat(Philox.Key.of(1, "replay")).isEqualTo(key);
    assertThat(Philox.Key.of(1, "policy")).isNotEqualTo(key);
    assertThat(Philox.Key.of(2, "replay")).isNotEqualTo(key);
    for (int shift = 32; shift < 64; shift += 8) {
      assertThat(Philox.Key.of(1 | 1L << shift, "replay")).isNotEqualTo(key);
    }
  }

  @Test
  void uniformsAreUniform() {
    Philox.Key key = Philox.Key.of(42, "statistics");
    int n = 100_000;
    int[] bins = new int[20];
    double sum = 0;
    double squares = 0;
    double products = 0;
    double last = 0.5;
    for (int i = 0; i < n; i++) {
      float u = Philox.uniform(key, i / 100, i % 100, 0);
      assertThat(u >= 0 && u < 1).isTrue();
      bins[(int) (u * bins.length)]++;
      sum += u;
      squares += (double) u * u;
      products += (u - 0.5) * (last - 0.5);
      last = u;
    }
    assertThat(sum / n).isBetween(0.5 - 0.004, 0.5 + 0.004); // σ of the mean: 0.0009
    assertThat(squares / n).isBetween(1 / 3.0 - 0.004, 1 / 3.0 + 0.004);
    assertThat(products / n * 12).isBetween(-0.015, 0.015); // correlation; σ 0.0032
    assertThat(chiSquare(bins, n)).isBetween(5.0, 50.0); // 19 degrees of freedom
  }

  @Test
  void integersAreUniformOverTheirBound() {
    Philox.Key key = Philox.Key.of(42, "integers");
    int n = 70_000;
    int[] bins = new int[7];
    for (int i = 0; i < n; i++) {
      bins[Philox.integer(key, 0, i, 3, 7)]++;
    }
    assertThat(chiSquare(bins, n)).isBetween(0.3, 25.0); // 6 degrees of freedom
    for (int i = 0; i < 1000; i++) {
      assertThat(Philox.integer(key, i, 0, 0, 1)).isZero();
      assertThat(Philox.integer(key, i, 0, 0, Integer.MAX_VALUE)).isNotNegative();
    }
  }

  private static double chiSquare(int[] bins, int n) {
    double expected = (double) n / bins.length;
    double sum = 0;
    for (int bin : bins) {
      sum += (bin - expected) * (bin - expected) / expected;
    }
    return sum;
  }

  // ── streams ───────────────────────────────────────────────────────────────────────────────────

  private Tensor bound(int n) {
    return device.tensor(new int[] {n}, Shape.scalar());
  }

  @Test
  void aStreamDrawsWhatPhiloxSays() {
    long seed = 0x1234_5678_9abc_def0L;
    RandomStream random = device.random(seed, "replay");
    Philox.Key key = Philox.Key.of(seed, "replay");
    for (int step = 0; step < 3; step++) {
      int[] ints = random.integers(bound(1000), Shape.of(4)).toInts();
      float[] floats = random.uniform(Shape.of(2, 3)).toFloats();
      for (int i = 0; i < 4; i++) {
        assertThat(ints[i]).isEqualTo(Philox.integer(key, step, i, 0, 1000));
      }
      for (int i = 0; i < 6; i++) {
        assertThat(floats[i]).isEqualTo(Philox.uniform(key, step, i, 1));
      }
      random.advance();
    }
  }

  @Test
  void theBoundIsReadOnTheDevice() {
    RandomStream random = device.random(1, "replay");
    Tensor size = device.state("size", new int[] {1}, Shape.scalar());
    assertThat(random.integers(size, Shape.of(50)).toInts()).containsOnly(0);
    size.set(new int[] {3});
    random.advance();
    assertThat(random.integers(size, Shape.of(50)).toInts())
        .containsOnly(0, 1, 2)
        .contains(0, 1, 2);
  }

  @Test
  void drawsOfOneStepDifferAndAdvanceStartsAnew() {
    RandomStream random = device.random(1, "policy");
    float[] first = random.uniform(Shape.of(8)).toFloats();
    float[] second = random.uniform(Shape.of(8)).toFloats();
    random.advance();
    float[] third = random.uniform(Shape.of(8)).toFloats();
    assertThat(first).isNotEqualTo(second).isNotEqualTo(third);
    assertThat(second).isNotEqualTo(third);
    assertThat(random.step()).isEqualTo(1);
  }

  @Test
  void restoreRepeats() {
    RandomStream random = device.random(1, "policy");
    random.advance();
    random.advance();
    int saved = random.step();
    float[] first = random.uniform(Shape.of(8)).toFloats();
    random.uniform(Shape.of(8));
    random.advance();
    random.uniform(Shape.of(8)); // a draw of the step that restore leaves
    random.restore(saved);
    assertThat(random.step()).isEqualTo(2);
    assertThat(random.uniform(Shape.of(8)).toFloats()).containsExactly(first);
    RandomStream resumed = device.random(1, "policy");
    resumed.restore(saved);
    assertThat(resumed.uniform(Shape.of(8)).toFloats()).containsExactly(first);
  }

  @Test
  void aCapturedStepDrawsAnewAtEachRun() {
    RandomStream random = device.random(9, "captured");
    Philox.Key key = Philox.Key.of(9, "captured");
    CapturedStep<Tensor> step =
        device.capture(
            "draw",
            () -> {
              Tensor u = random.uniform(Shape.of(2));
              random.advance();
              return u;
            });
    for (int i = 0; i < 4; i++) {
      assertThat(step.run().toFloats())
          .containsExactly(Philox.uniform(key, i, 0, 0), Philox.uniform(key, i, 1, 0));
    }
  }

  @Test
  void theBoundMustBeAnIntScalar() {
    RandomStream random = device.random(1, "replay");
    assertThatThrownBy(() -> random.integers(device.zeros(Shape.scalar()), Shape.of(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("integers: the bound [] must be INT32, it is FLOAT32");
    assertThatThrownBy(() -> random.integers(device.tensor(new int[2], Shape.of(2)), Shape.of(2)))
        .isInstanceOf(ShapeException.class)
        .hasMessage("integers: rank 0 needed, got [2] of rank 1");
  }
}
