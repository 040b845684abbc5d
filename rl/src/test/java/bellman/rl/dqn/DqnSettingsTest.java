package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DqnSettingsTest {
  /** The tutorial's, but for one number. */
  private static DqnSettings with(String name, double x) {
    DqnSettings t = DqnSettings.tutorial(50_000, 1);
    return new DqnSettings(
        name.equals("batchSize") ? (int) x : t.batchSize(),
        name.equals("bufferSize") ? (int) x : t.bufferSize(),
        name.equals("bufferInitSteps") ? (int) x : t.bufferInitSteps(),
        name.equals("stepsPerUpdate") ? x : t.stepsPerUpdate(),
        t.learningRate(),
        name.equals("learningRateWarmup") ? (int) x : t.learningRateWarmup(),
        name.equals("gamma") ? x : t.gamma(),
        name.equals("targetUpdateInterval") ? (int) x : t.targetUpdateInterval(),
        new Epsilon(
            name.equals("epsilonInitial") ? x : t.epsilon().initial(),
            name.equals("epsilonFinal") ? x : t.epsilon().last(),
            name.equals("epsilonEval") ? x : t.epsilon().testing(),
            name.equals("explorationSteps") ? (long) x : t.epsilon().steps()),
        t.maxGradientNorm(),
        t.tutorial(),
        t.seed(),
        t.network());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "batchSize            | 0   | dqn: batchSize is 1 or more, got 0",
        "bufferSize           | 0   | dqn: bufferSize is 1 or more, got 0",
        "bufferInitSteps      | -1  | dqn: bufferInitSteps is 0 or more, got -1",
        "stepsPerUpdate       | 0   | dqn: stepsPerUpdate is above 0, got 0.0",
        "stepsPerUpdate       | NaN | dqn: stepsPerUpdate is above 0, got NaN",
        "learningRateWarmup   | -1  | dqn: learningRateWarmup is 0 or more, got -1",
        "gamma                | 1.1 | dqn: gamma is in [0, 1], got 1.1",
        "gamma                | NaN | dqn: gamma is in [0, 1], got NaN",
        "targetUpdateInterval | 0   | dqn: targetUpdateInterval is 1 or more, got 0",
        "epsilonInitial       | 2   | dqn: epsilonInitial is in [0, 1], got 2.0",
        "epsilonFinal         | -1  | dqn: epsilonFinal is in [0, 1], got -1.0",
        "epsilonEval          | NaN | dqn: epsilonEval is in [0, 1], got NaN",
        "explorationSteps     | -1  | dqn: explorationSteps is 0 or more, got -1"
      })
  void whatCannotBeIsRefused(String name, double value, String message) {
    assertThatThrownBy(() -> with(name, value)).hasMessage(message);
  }
}
