package bellman.engine.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bellman.engine.DType;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory in pieces of 64 bytes reads as memory in one. */
class NativeMemoryTest {
  private static final int SMALL = 6; // log₂ of 64
  private static final int COUNT = 150;

  private final Random random = new Random(4);
  private NativeMemory memory;

  private NativeBuffer buffer(DType dtype) {
    memory = new NativeMemory((long) COUNT * dtype.bytes(), SMALL);
    return new NativeBuffer(dtype, COUNT, memory);
  }

  @AfterEach
  void free() {
    if (memory != null) {
      memory.free();
    }
  }

  @Test
  void floatsInEveryPlaceAndOfEveryLength() {
    NativeBuffer x = buffer(DType.FLOAT32);
    float[] expected = new float[COUNT];
    for (int from = 0; from < COUNT; from += 7) {
      for (int n : new int[] {0, 1, 15, 16, 17, 40, COUNT - from}) {
        if (from + n > COUNT) {
          continue;
        }
        float[] values = new float[n + 2];
        for (int i = 0; i < values.length; i++) {
          values[i] = random.nextFloat();
        }
        x.write(from, values, 1, n);
        System.arraycopy(values, 1, expected, from, n);
        float[] back = new float[n + 3];
        x.read(from, back, 2, n);
        assertThat(back).startsWith(0, 0).hasSize(n + 3);
        for (int i = 0; i < n; i++) {
          assertThat(back[2 + i]).isEqualTo(expected[from + i]);
        }
      }
    }
    float[] all = new float[COUNT];
    x.read(0, all, 0, COUNT);
    assertThat(all).isEqualTo(expected);
    int[] bits = new int[50];
    x.readBits(60, bits, 50);
    x.writeBits(3, bits, 50);
    for (int i = 0; i < 50; i++) {
      assertThat(Float.intBitsToFloat(bits[i])).isEqualTo(expected[60 + i]);
      assertThat(x.get(3 + i)).isEqualTo(expected[60 + i]);
    }
    x.set(100, 5.5);
    assertThat(x.get(100)).isEqualTo(5.5);
  }

  @Test
  void bytesAndIntsAcrossTheEdgesOfPieces() {
    NativeBuffer bytes = buffer(DType.UINT8);
    byte[] values = new byte[COUNT];
    random.nextBytes(values);
    bytes.write(0, values, 0, COUNT);
    byte[] back = new byte[100];
    bytes.read(40, back, 0, 100);
    for (int i = 0; i < 100; i++) {
      assertThat(back[i]).isEqualTo(values[40 + i]);
      assertThat(bytes.get(40 + i)).isEqualTo(values[40 + i] & 0xff);
    }
    bytes.set(64, 200);
    assertThat(bytes.get(64)).isEqualTo(200);
    memory.free();
    NativeBuffer ints = buffer(DType.INT32);
    int[] numbers = random.ints(COUNT).toArray();
    ints.write(0, numbers, 0, COUNT);
    int[] some = new int[60];
    ints.read(9, some, 0, 60);
    for (int i = 0; i < 60; i++) {
      assertThat(some[i]).isEqualTo(numbers[9 + i]);
    }
    ints.set(16, -3);
    assertThat(ints.get(16)).isEqualTo(-3);
  }

  @Test
  void copiesBetweenPiecesOfOtherSizesAndInSlices() {
    NativeBuffer from = buffer(DType.INT32);
    int[] numbers = random.ints(COUNT).toArray();
    from.write(0, numbers, 0, COUNT);
    NativeMemory other = new NativeMemory(COUNT * 4L, SMALL + 1);
    try {
      NativeBuffer to = new NativeBuffer(DType.INT32, COUNT, other);
      ((NativeBuffer) to.slice(10, 100)).copy(5, (NativeBuffer) from.slice(20, 100), 3, 70);
      int[] back = new int[70];
      to.read(15, back, 0, 70);
      for (int i = 0; i < 70; i++) {
        assertThat(back[i]).isEqualTo(numbers[23 + i]);
      }
    } finally {
      other.free();
    }
  }

  /** More than Java can view at once; pages that nobody touches cost nothing. */
  @Test
  void beyondFourGigabytes() {
    long count = (5L << 30) + 3;
    assumeTrue(NativeMemory.available().orElse(0) > count, "a machine with less memory");
    memory = new NativeMemory(count);
    NativeBuffer x = new NativeBuffer(DType.UINT8, count, memory);
    byte[] values = new byte[1000];
    random.nextBytes(values);
    for (long at : new long[] {(1L << 30) - 500, (4L << 30) - 1, count - 1000}) {
      x.write(at, values, 0, 1000);
      byte[] back = new byte[1000];
      ((NativeBuffer) x.slice(at, 1000)).read(0, back, 0, 1000);
      assertThat(back).isEqualTo(values);
      assertThat(((NativeBuffer) x.slice(at, 1000)).address().get(999)).isEqualTo(values[999]);
    }
  }

  @Test
  void whatTheSystemCouldGive() {
    List<String> lines = List.of("MemTotal:  100 kB", "MemAvailable:   7340032 kB", "Cached: 3 kB");
    assertThat(NativeMemory.available(lines, Long.MAX_VALUE)).hasValue(7L << 30);
    assertThat(NativeMemory.available(lines, 1L << 30)).hasValue(1L << 30); // a container's limit
    assertThat(NativeMemory.available(List.of("MemTotal:  100 kB"), 5)).isEmpty();
  }

  @Test
  void usedAfterItIsFree() {
    NativeBuffer x = buffer(DType.FLOAT32);
    memory.free();
    assertThatThrownBy(() -> x.get(0)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(x::address).isInstanceOf(IllegalStateException.class);
    memory = null;
  }
}
