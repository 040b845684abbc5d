package bellman.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.CapturedStep;
import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AdamTest {
  private static final int N = 37; // not a multiple of the places' alignment

  /** Two parameters a and b whose gradients are set from outside: L = Σ a·ga + Σ b·gb. */
  private static final class Learner {
    final Weights weights;
    final Tensor ga;
    final Tensor gb;
    final Adam adam;
    final CapturedStep<Tensor> step;
    private final SplittableRandom random = new SplittableRandom(5);

    Learner(Device device, Adam.Settings settings) {
      weights = new Weights(device, 9);
      Tensor a = weights.parameter("a", Layout.same(N), Initializer.uniform(1));
      Tensor b = weights.parameter("b", Layout.same(2, 3), Initializer.uniform(1));
      adam = new Adam(weights, settings);
      ga = device.state("ga", DType.FLOAT32, Shape.of(N));
      gb = device.state("gb", DType.FLOAT32, Shape.of(2, 3));
      step =
          device.capture(
              "step",
              () -> {
                Tensor loss = a.mul(ga).sum().add(b.mul(gb).sum());
                adam.step(loss.backward());
                return loss;
              });
    }

    /** The gradients of one step: a's, then b's. */
    float[] step() {
      float[] g = new float[N + 6];
      for (int i = 0; i < g.length; i++) {
        g[i] = (float) random.nextGaussian();
      }
      ga.set(Arrays.copyOf(g, N));
      gb.set(Arrays.copyOfRange(g, N, N + 6));
      step.run();
      return g;
    }

    float[] values() {
      Map<String, Values> saved = weights.save();
      float[] all = new float[N + 6];
      System.arraycopy(saved.get("a").floats(), 0, all, 0, N);
      System.arraycopy(saved.get("b").floats(), 0, all, N, 6);
      return all;
    }
  }

  static List<Adam.Settings> settings() {
    Adam.Settings d = Adam.Settings.defaults();
    return List.of(
        d,
        d.withLearningRate(2.5e-4).withEpsilon(1e-4),
        d.withLearningRate(0.1).withWarmup(7),
        d.withBetas(0.5, 0.9),
        d.withBetas(0, 0),
        d.withWeightDecay(0.1),
        d.withMaxGradientNorm(0.5),
        d.withMaxGradientNorm(1e6));
  }

  /** A step while gradients are computed is the step behind them, bit by bit. */
  @ParameterizedTest
  @MethodSource("settings")
  void descendingIsBackwardAndAStep(Adam.Settings o) {
    for (String backend : Backends.names()) {
      try (Device device = Backends.open(backend)) {
        float[][] results = new float[2][];
        float[] largest = new float[2];
        for (int k = 0; k < 2; k++) {
          Weights weights = new Weights(device, 4);
          Sequential net =
              Sequential.on(weights, Shape.of(9, 9, 4))
                  .conv2d("conv", 8, 3, 2)
                  .relu()
                  .flatten()
                  .linear("fc", 12)
                  .relu()
                  .linear("q", 3)
                  .build();
          Adam adam = new Adam(weights, o);
          Tensor x = device.tensor(values(5 * 9 * 9 * 4), Shape.of(5, 9, 9, 4));
          Tensor top = device.state("largest", new float[1], Shape.scalar());
          boolean descends = k == 1;
          CapturedStep<Tensor> step =
              device.capture(
                  "step",
                  () -> {
                    Tensor loss = net.forward(x).square().mean();
                    if (descends) {
                      adam.descend(loss, top);
                    } else {
                      Gradients gradients = loss.backward();
                      top.accumulateMax(gradients.of(weights.parameters()).maxAbs());
                      adam.step(gradients);
                    }
                    return loss;
                  });
          for (int i = 0; i < 5; i++) {
            step.run();
          }
          results[k] = weights.parameters().values().toFloats();
          largest[k] = top.item();
          assertThat(adam.t()).isEqualTo(5);
          step.close();
        }
        assertThat(results[1]).as(backend).isEqualTo(results[0]);
        assertThat(largest[1]).as(backend).isEqualTo(largest[0]).isPositive();
      }
    }
  }

  private static float[] values(int n) {
    SplittableRandom random = new SplittableRandom(6);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /** A parameter that is used twice is stepped behind both. */
  @Test
  void aSharedParameterWaitsForAllItsGradients() {
    try (Device device = Backends.open("reference")) {
      Weights weights = new Weights(device, 2);
      Tensor w = weights.parameter("w", Layout.same(3, 3), Initializer.uniform(1));
      Tensor b = weights.parameter("b", Layout.same(3), Initializer.uniform(1));
      weights.parameters().values();
      Tensor x = device.tensor(values(6), Shape.of(2, 3));
      Tensor loss = x.linear(w, b).tanh().linear(w, b).square().sum();
      List<List<Tensor>> arrived = new ArrayList<>();
      List<Boolean> last = new ArrayList<>();
      loss.backward(
          (parameters, end) -> {
            arrived.add(parameters);
            last.add(end);
          });
      assertThat(arrived).containsExactly(List.of(w, b));
      assertThat(last).containsExactly(true);
    }
  }

  @Test
  void parametersArriveAsTheirGradientsAreThere() {
    try (Device device = Backends.open("reference")) {
      Weights weights = new Weights(device, 2);
      Tensor w = weights.parameter("w", Layout.same(3, 3), Initializer.uniform(1));
      Tensor v = weights.parameter("v", Layout.same(3, 3), Initializer.uniform(1));
      weights.parameters().values();
      Tensor x = device.tensor(values(6), Shape.of(2, 3)).requireGradient();
      Tensor loss = x.linear(w).tanh().linear(v).square().sum();
      List<List<Tensor>> arrived = new ArrayList<>();
      loss.backward((parameters, end) -> arrived.add(parameters));
      assertThat(arrived).containsExactly(List.of(v), List.of(w));
    }
  }

  /** The paper's algorithm in the paper's form: m̂ and v̂ spelled out, in double. */
  @ParameterizedTest
  @MethodSource("settings")
  void itIsThePapersAlgorithm(Adam.Settings o) {
    for (String backend : Backends.names()) {
      try (Device device = Backends.open(backend)) {
        Learner learner = new Learner(device, o);
        float[] first = learner.values();
        double[] p = new double[N + 6];
        double[] m = new double[N + 6];
        double[] v = new double[N + 6];
        for (int i = 0; i < p.length; i++) {
          p[i] = first[i];
        }
        for (int t = 1; t <= 20; t++) {
          float[] gradients = learner.step();
          double norm = 0;
          for (float g : gradients) {
            norm += (double) g * g;
          }
          double rate = o.learningRate() * Math.min(1, (double) t / Math.max(1, o.warmup()));
          double c = Math.min(1, o.maxGradientNorm() / (Math.sqrt(norm) + 1e-6));
          for (int i = 0; i < p.length; i++) {
            double g = gradients[i] * c + o.weightDecay() * p[i];
            m[i] = o.beta1() * m[i] + (1 - o.beta1()) * g;
            v[i] = o.beta2() * v[i] + (1 - o.beta2()) * g * g;
            double mHat = m[i] / (1 - Math.pow(o.beta1(), t));
            double vHat = v[i] / (1 - Math.pow(o.beta2(), t));
            p[i] -= rate * mHat / (Math.sqrt(vHat) + o.epsilon());
          }
        }
        float[] ours = learner.values();
        for (int i = 0; i < p.length; i++) {
          assertThat((double) ours[i]).as("%s [%d]", o, i).isCloseTo(p[i], within(2e-6));
        }
        assertThat(learner.adam.t()).isEqualTo(20);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void theGapsBetweenParametersStayZero(String backend) {
    try (Device device = Backends.open(backend)) {
      Learner learner =
          new Learner(
              device, Adam.Settings.defaults().withWeightDecay(0.1).withMaxGradientNorm(0.1));
      for (int i = 0; i < 5; i++) {
        learner.step();
      }
      float[] flat = learner.weights.parameters().values().toFloats();
      int b = (int) learner.weights.parameters().place("b");
      for (int i = 0; i < flat.length; i++) {
        if (i >= N && i < b || i >= b + 6) {
          assertThat(flat[i]).as("gap at %d", i).isZero();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void aCapturedStepFollowsANewLearningRate(String backend) {
    try (Device device = Backends.open(backend)) {
      Learner learner = new Learner(device, Adam.Settings.defaults());
      learner.step();
      learner.step();
      learner.adam.learningRate(0);
      float[] before = learner.values();
      learner.step();
      assertThat(learner.values()).containsExactly(before);
      assertThat(learner.adam.learningRate()).isZero();
      learner.adam.learningRate(0.5);
      learner.step();
      assertThat(learner.values()).isNotEqualTo(before);
      assertThat(learner.adam.t()).isEqualTo(4);
    }
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void aRestoredStateGoesOnAsIfNeverStopped(String backend) {
    try (Device device = Backends.open(backend)) {
      Learner whole = new Learner(device, Adam.Settings.defaults());
      Learner first = new Learner(device, Adam.Settings.defaults());
      for (int i = 0; i < 5; i++) {
        whole.step();
        first.step();
      }
      Adam.State state = first.adam.state();
      assertThat(state.t()).isEqualTo(5);
      assertThat(state.m().get("b").shape()).isEqualTo(Shape.of(2, 3));
      Learner second = new Learner(device, Adam.Settings.defaults());
      for (int i = 0; i < 5; i++) {
        second.random.nextGaussian(); // so that a forgotten restore shows
        second.step();
      }
      second.weights.copyFrom(first.weights);
      second.adam.restore(state);
      for (int i = 0; i < 5; i++) {
        whole.step();
        second.ga.set(whole.ga);
        second.gb.set(whole.gb);
        second.step.run();
      }
      assertThat(second.values()).containsExactly(whole.values());
    }
  }

  @Test
  void aStateOfAnotherNetworkIsRefusedWhole() {
    try (Device device = Backends.open("reference")) {
      Learner learner = new Learner(device, Adam.Settings.defaults());
      learner.step();
      Adam.State state = learner.adam.state();
      Adam.State wrong = new Adam.State(7, learner.weights.save(), Map.of());
      assertThatThrownBy(() -> learner.adam.restore(wrong))
          .hasMessage("adam: restore v: these are not this network's parameters: missing: a, b");
      assertThat(learner.adam.t()).isEqualTo(1);
      assertThat(learner.adam.state().m().get("a").floats())
          .containsExactly(state.m().get("a").floats());
      assertThatThrownBy(() -> learner.adam.restore(new Adam.State(-1, state.m(), state.v())))
          .hasMessage("adam: t counts from 0, got -1");
    }
  }

  @Test
  void aParameterWithoutGradientIsAnErrorThatNamesIt() {
    try (Device device = Backends.open("reference")) {
      Weights weights = new Weights(device, 0);
      Tensor used = weights.parameter("used", Layout.same(2), Initializer.constant(1));
      weights.parameter("idle", Layout.same(2), Initializer.constant(1));
      Adam adam = new Adam(weights, Adam.Settings.defaults());
      assertThatThrownBy(() -> adam.step(used.sum().backward()))
          .hasMessageStartingWith("parameters without a gradient: [idle]");
      assertThat(adam.t()).isZero();
    }
  }

  @Test
  void settingsOutsideTheirRangeAreErrors() {
    Adam.Settings d = Adam.Settings.defaults();
    assertThat(d)
        .isEqualTo(new Adam.Settings(1e-3, 0, 0.9, 0.999, 1e-8, 0, Double.POSITIVE_INFINITY));
    assertThatThrownBy(() -> d.withLearningRate(-1))
        .hasMessage("adam: learningRate is 0 or more, got -1.0");
    assertThatThrownBy(() -> d.withLearningRate(Double.NaN))
        .hasMessage("adam: learningRate is 0 or more, got NaN");
    assertThatThrownBy(() -> d.withWarmup(-1)).hasMessage("adam: warmup is 0 or more, got -1");
    assertThatThrownBy(() -> d.withBetas(1, 0.9)).hasMessage("adam: beta1 is in [0, 1), got 1.0");
    assertThatThrownBy(() -> d.withBetas(0, -0.1)).hasMessage("adam: beta2 is in [0, 1), got -0.1");
    assertThatThrownBy(() -> d.withEpsilon(-1e-8))
        .hasMessage("adam: epsilon is 0 or more, got -1.0E-8");
    assertThatThrownBy(() -> d.withWeightDecay(-0.1))
        .hasMessage("adam: weightDecay is 0 or more, got -0.1");
    assertThatThrownBy(() -> d.withMaxGradientNorm(0))
        .hasMessage("adam: maxGradientNorm is above 0, got 0.0");
  }

  @ParameterizedTest
  @MethodSource("bellman.nn.Backends#names")
  void clippingScalesAllGradientsByOneFactor(String backend) {
    try (Device device = Backends.open(backend)) {
      Weights weights = new Weights(device, 0);
      Tensor a = weights.parameter("a", Layout.same(1), Initializer.constant(0));
      Tensor b = weights.parameter("b", Layout.same(1), Initializer.constant(0));
      float[][] limits = {{10, 3, 4}, {2.5f, 1.5f, 2}, {5, 3, 4}};
      for (float[] row : limits) {
        try (Scope scope = device.scope("clip")) {
          var g = a.scale(3).add(b.scale(4)).sum().backward(); // ‖(3, 4)‖ = 5
          Tensor norm = GradientNorm.clip(weights.parameters(), g, row[0]);
          assertThat(norm.shape()).isEqualTo(Shape.scalar());
          assertThat(norm.item()).isCloseTo(5, within(1e-6f));
          assertThat(g.of(a).item()).isCloseTo(row[1], within(2e-6f));
          assertThat(g.of(b).item()).isCloseTo(row[2], within(2e-6f));
        }
      }
      var zero = a.scale(0).add(b.scale(0)).sum().backward();
      assertThat(GradientNorm.clip(weights.parameters(), zero, 1).item()).isZero();
      assertThat(zero.of(a).item()).isZero();
      var nan = a.scale(Float.NaN).add(b.scale(1)).sum().backward();
      GradientNorm.clip(weights.parameters(), nan, 1);
      assertThat(nan.of(a).item()).isNaN();
      assertThat(nan.of(b).item()).isNaN(); // a NaN never hides behind a limit
      assertThatThrownBy(() -> GradientNorm.clip(weights.parameters(), nan, 0))
          .hasMessage("clip: the limit is above 0, got 0.0");
    }
  }
}
