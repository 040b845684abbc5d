package bellman.engine.backend;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Philox4x32-10, a counter-based generator: the value is a pure function of key and counter (Salmon
 * et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), so every backend draws the same
 * integers in any order.
 *
 * <p>Here the key is (seed, stream) and the counter (step, element, draw, 0); of the four words of
 * a block the first is used.
 */
public final class Philox {
  private static final int M0 = 0xD2511F53;
  private static final int M1 = 0xCD9E8D57;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;

  private Philox() {}

  /** The two key words of a stream: the seed folded to 32 bits, and a hash of the stream's name. */
  public record Key(int seed, int stream) {
    public static Key of(long seed, String stream) {
      CRC32C crc = new CRC32C();
      crc.update(stream.getBytes(StandardCharsets.UTF_8));
      crc.update((int) (seed >>> 32) & 0xff);
      crc.update((int) (seed >>> 40) & 0xff);
      crc.update((int) (seed >>> 48) & 0xff);
      crc.update((int) (seed >>> 56) & 0xff);
      return new Key((int) seed, (int) crc.getValue());
    }
  }

  /** The whole block of four words. */
  public static int[] block(int k0, int k1, int c0, int c1, int c2, int c3) {
    for (int round = 0; round < 10; round++) {
      long p0 = (M0 & 0xffffffffL) * (c0 & 0xffffffffL);
      long p1 = (M1 & 0xffffffffL) * (c2 & 0xffffffffL);
      int n0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      int n2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c1 = (int) p1;
      c3 = (int) p0;
      c0 = n0;
      c2 = n2;
      k0 += W0;
      k1 += W1;
    }
    return new int[] {c0, c1, c2, c3};
  }

  /** 32 random bits of (step, element, draw). */
  public static int bits(Key key, int step, int element, int draw) {
    return block(key.seed, key.stream, step, element, draw, 0)[0];
  }

  /** Uniform in [0, bound): the high word of bits · bound, unsigned. */
  public static int integer(Key key, int step, int element, int draw, int bound) {
    return (int) (((bits(key, step, element, draw) & 0xffffffffL) * bound) >>> 32);
  }

  /** Uniform in [0, 1): the top 24 bits as a float. */
  public static float uniform(Key key, int step, int element, int draw) {
    return (bits(key, step, element, draw) >>> 8) * 0x1p-24f;
  }
}
