package bellman.rl.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GzipBlocksTest {
  private static final int BLOCK = 1 << 20;

  /** Random bits, a byte each. */
  private static byte[] bits(int size) {
    byte[] bytes = new byte[size];
    Random random = new Random(size);
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (random.nextInt() >>> 31);
    }
    return bytes;
  }

  private static byte[] compressed(byte[] bytes) throws IOException {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try (GzipBlocks gzip = new GzipBlocks(file)) {
      gzip.write(bytes, 0, bytes.length / 3);
      for (int i = bytes.length / 3; i < bytes.length; i += 50_000) {
        gzip.write(bytes, i, Math.min(50_000, bytes.length - i));
      }
    }
    return file.toByteArray();
  }

  private static byte[] read(byte[] file) throws IOException {
    try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(file))) {
      return gzip.readAllBytes();
    }
  }

  /** Around the end of a block, of all blocks that are compressed side by side, and beyond. */
  @ParameterizedTest
  @ValueSource(
      ints = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 16 * BLOCK + 1, 35 * BLOCK - 7})
  void isAnOrdinaryGzipFile(int size) throws IOException {
    byte[] bytes = bits(size);
    byte[] file = compressed(bytes);
    assertThat(read(file)).isEqualTo(bytes);
    assertThat(file.length).isLessThan(100 + size / 2);
  }

  @Test
  void singleBytes() throws IOException {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try (GzipBlocks gzip = new GzipBlocks(file)) {
      gzip.write(300);
      gzip.write(7);
    }
    assertThat(read(file.toByteArray())).containsExactly(300 - 256, 7);
  }

  /** Either it is noticed, or it was a bit that says nothing about the content. */
  @Test
  void aFlippedBitIsNoticed() throws IOException {
    byte[] bytes = bits(BLOCK + 1000);
    byte[] good = compressed(bytes);
    int flips = 0;
    int noticed = 0;
    for (int i = 0; i < good.length; i += i < 40 ? 1 : 4999) {
      byte[] bad = good.clone();
      bad[i] ^= (byte) (1 << i % 8);
      flips++;
      try {
        byte[] content = read(bad);
        // Behind the first member, rubbish counts as the end: the reader of the content notices.
        assertThat(Arrays.equals(content, bytes) || content.length < bytes.length).isTrue();
      } catch (IOException e) {
        noticed++;
      }
    }
    assertThat(noticed).isGreaterThan(flips - 12);
  }
}
