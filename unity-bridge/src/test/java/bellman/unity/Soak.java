package bellman.unity;

/** How long the long tests are: short in every build, a million under {@code -Psoak}. */
final class Soak {
  static final int ROUNDS = Integer.getInteger("bellman.soak", 20_000);

  private Soak() {}

  /** Bytes of the heap that are in use once garbage is gone. */
  static long heap() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      least =
          Math.min(least, Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
    }
    return least;
  }
}
