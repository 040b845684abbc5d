package bellman.rl.picture;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * A figure over agent steps. Steps are cut into equal pieces; in each piece a run's value is the
 * mean of its windows, weighted by how much of the piece they cover. Of several runs the mean is
 * the mean of their values, and the band goes from the lowest to the highest of them; of one run
 * the band goes from the lowest to the highest of the windows in the piece. Pieces without a value
 * are left out.
 *
 * @param steps the middle of each piece
 */
record Curve(double[] steps, double[] mean, double[] low, double[] high) {
  /** So many pieces are still told apart on a screen. */
  private static final int PIECES = 100;

  /** The length of a piece for these runs: no run has fewer windows than there are pieces. */
  static double piece(List<RunLog> runs) {
    double steps = runs.stream().mapToDouble(RunLog::steps).max().orElse(0);
    int windows = runs.stream().mapToInt(run -> run.windows().size()).min().orElse(0);
    return Math.max(1, steps / Math.max(1, Math.min(PIECES, windows)));
  }

  /**
   * The curve of some runs.
   *
   * @param piece agent steps in a piece
   * @param taken which windows count
   * @param figure of a window; NaN where it has none
   */
  static Curve of(
      List<RunLog> runs,
      double piece,
      Predicate<RunLog.Window> taken,
      ToDoubleFunction<RunLog.Window> figure) {
    double end = runs.stream().mapToDouble(RunLog::steps).max().orElse(0);
    int pieces = (int) Math.ceil(end / piece);
    Piece[][] values = new Piece[pieces][runs.size()];
    for (int r = 0; r < runs.size(); r++) {
      for (RunLog.Window w : runs.get(r).windows()) {
        double value = figure.applyAsDouble(w);
        if (!taken.test(w) || !Double.isFinite(value)) {
          continue;
        }
        int last = Math.min(pieces, (int) Math.ceil(w.to() / piece));
        for (int p = Math.max(0, (int) (w.from() / piece)); p < last; p++) {
          if (values[p][r] == null) {
            values[p][r] = new Piece();
          }
          values[p][r].add(Math.max(w.from(), p * piece), Math.min(w.to(), (p + 1) * piece), value);
        }
      }
    }
    List<double[]> points = new ArrayList<>();
    for (Piece[] ofRuns : values) {
      point(ofRuns).ifPresent(points::add);
    }
    return new Curve(column(points, 0), column(points, 1), column(points, 2), column(points, 3));
  }

  int size() {
    return steps.length;
  }

  /** Step, mean, low and high. */
  private static Optional<double[]> point(Piece[] ofRuns) {
    int n = 0;
    double from = Double.POSITIVE_INFINITY;
    double to = Double.NEGATIVE_INFINITY;
    double sum = 0;
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (Piece p : ofRuns) {
      if (p == null) {
        continue;
      }
      n++;
      double mean = p.sum / p.weight;
      sum += mean;
      low = Math.min(low, ofRuns.length == 1 ? p.low : mean);
      high = Math.max(high, ofRuns.length == 1 ? p.high : mean);
      from = Math.min(from, p.from);
      to = Math.max(to, p.to);
    }
    return n == 0
        ? Optional.empty()
        : Optional.of(new double[] {(from + to) / 2, sum / n, low, high});
  }

  private static double[] column(List<double[]> points, int i) {
    return points.stream().mapToDouble(p -> p[i]).toArray();
  }

  /** One run's windows within a piece. */
  private static final class Piece {
    private double from = Double.POSITIVE_INFINITY;
    private double to = Double.NEGATIVE_INFINITY;
    private double weight;
    private double sum;
    private double low = Double.POSITIVE_INFINITY;
    private double high = Double.NEGATIVE_INFINITY;

    void add(double begin, double end, double value) {
      double covered = end - begin;
      if (covered <= 0) {
        return;
      }
      from = Math.min(from, begin);
      to = Math.max(to, end);
      weight += covered;
      sum += covered * value;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
}
