package bellman.benchmarks;

import java.util.Arrays;
import java.util.Locale;

/**
 * The update's median time in one JVM, as a line of JSON: what {@code peers/compare_update.sh} sets
 * beside the same median of another engine. It measures what {@link UpdateBenchmark} measures, with
 * the same checks before.
 */
public final class UpdateTimes {
  private UpdateTimes() {}

  /** {@code DEVICE THREADS BATCH WARM_UP_SECONDS UPDATES}. */
  public static void main(String[] args) {
    if (args.length != 5) {
      System.err.println("usage: UpdateTimes DEVICE THREADS BATCH WARM_UP_SECONDS UPDATES");
      System.exit(2);
    }
    UpdateBenchmark benchmark = new UpdateBenchmark();
    benchmark.device = args[0];
    benchmark.threads = Integer.parseInt(args[1]);
    benchmark.batch = Integer.parseInt(args[2]);
    benchmark.transitions = 2000;
    System.out.println(measure(benchmark, Double.parseDouble(args[3]), Integer.parseInt(args[4])));
  }

  /** Warms up for so long, then times each of so many updates. */
  static String measure(UpdateBenchmark benchmark, double warmUpSeconds, int updates) {
    benchmark.setUp();
    try {
      long end = System.nanoTime() + Math.round(warmUpSeconds * 1e9);
      while (System.nanoTime() < end) {
        benchmark.update();
      }
      long[] nanos = new long[updates];
      for (int i = 0; i < updates; i++) {
        long begin = System.nanoTime();
        benchmark.update();
        nanos[i] = System.nanoTime() - begin;
      }
      Arrays.sort(nanos);
      return String.format(
          Locale.ROOT,
          "{\"engine\": \"bellman\", \"device\": \"%s\", \"threads\": %d, \"batch\": %d,"
              + " \"updates\": %d, \"median_ms\": {\"sampled\": %.4f}, \"p90_ms\": %.4f}",
          benchmark.device,
          benchmark.threads,
          benchmark.batch,
          updates,
          nanos[updates / 2] / 1e6,
          nanos[(int) (updates * 0.9)] / 1e6);
    } finally {
      benchmark.tearDown();
    }
  }
}
