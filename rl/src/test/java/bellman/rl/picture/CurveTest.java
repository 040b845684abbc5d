package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CurveTest {
  private static final double NONE = Double.NaN;

  /** Windows in training that end at the steps and have the returns. */
  private static RunLog run(double[] steps, double[] returns) {
    List<RunLog.Window> windows = new ArrayList<>();
    for (int i = 0; i < steps.length; i++) {
      double from = i == 0 ? 0 : steps[i - 1];
      windows.add(new RunLog.Window(false, from, steps[i], returns[i], NONE, NONE, 1));
    }
    return new RunLog("r", windows);
  }

  private static Curve returns(double piece, RunLog... runs) {
    return Curve.of(List.of(runs), piece, w -> !w.testing(), RunLog.Window::meanReturn);
  }

  @Test
  void aPieceIsTheMeanOfItsWindowsByTheStepsTheyCover() {
    // [0, 10): 8 steps of 1 and 2 of 6; [10, 20): 4 of 6 and 6 of −4; [20, 30): 2 of −4
    Curve curve = returns(10, run(new double[] {8, 14, 22}, new double[] {1, 6, -4}));
    assertThat(curve.steps()).containsExactly(5, 15, 21);
    assertThat(curve.mean()).containsExactly(new double[] {2, 0, -4}, within(1e-12));
    assertThat(curve.low()).containsExactly(1, -4, -4);
    assertThat(curve.high()).containsExactly(6, 6, -4);
  }

  /** The band of several runs is that of their values, not of their windows. */
  @Test
  void severalRunsAreTheirMeanLowestAndHighest() {
    Curve curve =
        returns(
            10,
            run(new double[] {5, 10, 20}, new double[] {0, 4, 1}),
            run(new double[] {10, 20}, new double[] {5, -1}),
            run(new double[] {10}, new double[] {8})); // ended early
    assertThat(curve.mean()).containsExactly(new double[] {5, 0}, within(1e-12));
    assertThat(curve.low()).containsExactly(2, -1);
    assertThat(curve.high()).containsExactly(8, 1);
  }

  @Test
  void whatHasNoValueIsLeftOut() {
    RunLog log = run(new double[] {10, 20, 30}, new double[] {NONE, 2, Double.POSITIVE_INFINITY});
    Curve curve = returns(10, log);
    assertThat(curve.steps()).containsExactly(15);
    assertThat(curve.mean()).containsExactly(2);
    assertThat(Curve.of(List.of(log), 10, w -> w.testing(), RunLog.Window::meanReturn).size())
        .isZero();
  }

  @Test
  void noRunHasFewerWindowsThanThereArePieces() {
    RunLog few = run(new double[] {10, 100}, new double[] {0, 0});
    double[] many = new double[1000];
    for (int i = 0; i < many.length; i++) {
      many[i] = 3 * (i + 1);
    }
    assertThat(Curve.piece(List.of(few))).isEqualTo(50);
    assertThat(Curve.piece(List.of(run(many, many)))).isEqualTo(30);
    assertThat(Curve.piece(List.of(few, run(many, many)))).isEqualTo(1500);
    assertThat(Curve.piece(List.of(run(new double[] {1, 1, 1}, many)))).isEqualTo(1);
  }
}
