package bellman.unity.player;

/**
 * SplitMix64: a random number generator whose whole state is one {@code long}, so that a player can
 * be saved and go on with the same draws. Equal states give equal draws on every machine.
 */
final class SplitMix {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  SplitMix(long state) {
    this.state = state;
  }

  /** Stream number {@code stream} of a seed; streams of one seed are independent of each other. */
  static SplitMix of(long seed, int stream) {
    return new SplitMix(mix(mix(seed) + stream * GAMMA));
  }

  long state() {
    return state;
  }

  long nextLong() {
    state += GAMMA;
    return mix(state);
  }

  /** Uniform in [0, bound). The bias of the multiplication is below bound / 2³². */
  int nextInt(int bound) {
    return (int) ((nextLong() >>> 32) * bound >>> 32);
  }

  /** Uniform in [0, 1), 53 bits. */
  double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
