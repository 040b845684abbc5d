package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.reference.ReferenceBackend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How gradients meet, stop and are kept: the walk, not the formulas. */
class AutogradTest {
  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  private Tensor vector(float... values) {
    return device.tensor(values, Shape.of(values.length));
  }

  private Tensor leaf(float... values) {
    return vector(values).requireGradient();
  }

  @Test
  void aTensorUsedTwiceAddsBothContributions() {
    Tensor x = leaf(2, 3);
    Gradients g = x.mul(x).sum().backward();
    assertThat(g.of(x).toFloats()).containsExactly(4, 6);
  }

  @Test
  void aTensorUsedInThreePlacesAddsAll() {
    Tensor x = leaf(2, 3);
    Tensor y = x.scale(5).add(x.square()).sub(x);
    assertThat(y.sum().backward().of(x).toFloats()).containsExactly(5 + 4 - 1, 5 + 6 - 1);
  }

  @Test
  void aParameterUsedTwiceAccumulatesInTheFlatGradients() {
    Parameters parameters = new Parameters(device);
    Tensor a = parameters.add("a", Shape.of(2), new float[] {2, 3});
    Tensor b = parameters.add("b", Shape.of(1, 2), new float[] {5, 7});
    Tensor product = a.mul(b.reshape(Shape.of(2))).add(a.mul(a)).add(a);
    Gradients g = product.sum().backward();
    assertThat(g.of(a).toFloats()).containsExactly(5 + 4 + 1, 7 + 6 + 1);
    float[] flat = new float[32];
    flat[0] = 10;
    flat[1] = 14;
    flat[16] = 2;
    flat[17] = 3;
    assertThat(g.of(parameters).toFloats()).containsExactly(flat);
  }

  @Test
  void aSecondBackwardOverwritesAndDoesNotAccumulate() {
    Parameters parameters = new Parameters(device);
    Tensor a = parameters.add("a", Shape.of(2), new float[] {2, 3});
    a.scale(4).sum().backward();
    Gradients g = a.scale(10).sum().backward();
    assertThat(g.of(a).toFloats()).containsExactly(10, 10);
  }

  @Test
  void theSameLossCanBeDifferentiatedTwice() {
    Tensor x = leaf(3);
    Tensor loss = x.square().sum();
    assertThat(loss.backward().of(x).toFloats()).containsExactly(6);
    assertThat(loss.backward().of(x).toFloats()).containsExactly(6);
  }

  /** Depth-first in the order of edges would pass on half of h's gradient. */
  @Test
  void aDiamondWaitsForBothArms() {
    Tensor x = leaf(3);
    Tensor h = x.square(); // 9
    Tensor near = h.scale(2);
    Tensor far = h.scale(3).shift(1).scale(5).shift(1);
    assertThat(near.add(far).sum().backward().of(x).toFloats()).containsExactly((2 + 15) * 6);
    assertThat(far.add(near).sum().backward().of(x).toFloats()).containsExactly((2 + 15) * 6);
  }

  @Test
  void diamondsInARowMultiply() {
    Tensor x = leaf(1);
    Tensor y = x;
    for (int i = 0; i < 20; i++) {
      y = y.add(y);
    }
    assertThat(y.sum().backward().of(x).toFloats()).containsExactly(1 << 20);
  }

  /** In any other order the result is the same, yet the work doubles with every diamond. */
  @Test
  void theWalkVisitsEachOpOnce() {
    CountingBackend counting = new CountingBackend();
    try (Device counted = new Device(counting.proxy())) {
      Tensor x = counted.full(Shape.scalar(), 1).requireGradient();
      Tensor y = x;
      for (int i = 0; i < 10; i++) {
        y = y.scale(2).add(y.scale(-1)); // backward: two scales and their sum
      }
      int before = counting.calls("map");
      assertThat(y.backward().of(x).item()).isEqualTo(1);
      assertThat(counting.calls("map") - before).isEqualTo(30);
    }
  }

  @Test
  void aChainOf5000OpsDoesNotOverflowTheStack() {
    Tensor x = leaf(1, -2);
    Tensor y = x;
    for (int i = 0; i < 5000; i++) {
      y = i % 2 == 0 ? y.scale(2) : y.scale(0.5f);
    }
    assertThat(y.sum().backward().of(x).toFloats()).containsExactly(1, 1);
  }

  @Test
  void withoutGradientCutsTheGraph() {
    Tensor x = leaf(2, 3);
    Tensor target = Tensor.withoutGradient(() -> x.scale(10));
    assertThat(target.hasGradient()).isFalse();
    assertThat(x.mul(target).sum().backward().of(x).toFloats()).containsExactly(20, 30);
  }

  @Test
  void withoutGradientNestsAndEndsAfterAnError() {
    Tensor x = leaf(1);
    Tensor inner =
        Tensor.withoutGradient(
            () -> {
              Tensor.withoutGradient(() -> x.scale(1));
              return x.scale(2);
            });
    assertThat(inner.hasGradient()).isFalse();
    assertThatThrownBy(
            () ->
                Tensor.withoutGradient(
                    () -> {
                      throw new UnsupportedOperationException();
                    }))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(x.scale(2).hasGradient()).isTrue();
  }

  @Test
  void opsOnConstantsRecordNothing() {
    Tensor x = vector(1, 2);
    assertThat(x.mul(x).hasGradient()).isFalse();
    assertThat(x.hasGradient()).isFalse();
    assertThat(leaf(1, 2).mul(x).hasGradient()).isTrue();
    assertThat(x.mul(leaf(1, 2)).hasGradient()).isTrue();
  }

  /** What asks for its gradient between the leaves and the loss does not dam the flow. */
  @Test
  void anIntermediateResultCanAskForItsGradient() {
    Tensor x = leaf(2, 3);
    Tensor h = x.square().requireGradient();
    Tensor loss = h.scale(5).add(x).sum();
    Gradients g = loss.backward();
    assertThat(g.of(h).toFloats()).containsExactly(5, 5);
    assertThat(g.of(x).toFloats()).containsExactly(5 * 4 + 1, 5 * 6 + 1);
  }

  /** Nothing flows past a result that asked, though a layer could send its gradient through. */
  @Test
  void aRectifiedResultCanAskForItsGradient() {
    Tensor x = device.tensor(new float[] {1, -1, 2, 3}, Shape.of(2, 2)).requireGradient();
    Tensor w = device.tensor(new float[] {1, 1, 1, -1}, Shape.of(2, 2));
    Tensor b = vector(0.5f, 0);
    Tensor v = device.tensor(new float[] {2, 3}, Shape.of(1, 2));
    Tensor h = x.linearRelu(w, b).requireGradient(); // [[0.5, 2], [5.5, 0]]
    Gradients g = h.linear(v, vector(0)).sum().add(h.sum()).backward();
    assertThat(g.of(h).toFloats()).containsExactly(3, 4, 3, 4);
    assertThat(g.of(x).toFloats()).containsExactly(3 + 4, 3 - 4, 3, 3);
    Tensor pixels = x.reshape(Shape.of(1, 1, 2, 2));
    Tensor filter = w.reshape(Shape.of(2, 1, 1, 2));
    Tensor c = pixels.conv2dRelu(filter, b, 1, 0).requireGradient();
    Gradients of = c.flatten().linear(vector(2, 3, 4, 5).reshape(Shape.of(1, 4))).sum().backward();
    assertThat(of.of(c).toFloats()).containsExactly(2, 3, 4, 5);
    assertThat(of.of(x).toFloats()).containsExactly(2 + 3, 2 - 3, 4, 4);
  }

  @Test
  void aLossThatIsItselfALeafHasGradientOne() {
    Tensor x = device.full(Shape.scalar(), 3).requireGradient();
    assertThat(x.backward().of(x).item()).isEqualTo(1);
    Parameters parameters = new Parameters(device);
    Tensor p = parameters.add("p", Shape.scalar(), new float[] {3});
    assertThat(p.backward().of(parameters).toFloats()[0]).isEqualTo(1);
  }

  @Test
  void numbersOfOneDeviceDoNotDependOnAnother() {
    try (Device other = new Device(ReferenceBackend.floats())) {
      long first = vector(1).sequence();
      other.zeros(Shape.of(1));
      assertThat(vector(1).sequence()).isEqualTo(first + 1);
    }
  }

  @Test
  void gradientsDieWithTheScopeOfTheirBackward() {
    Tensor x = leaf(2);
    Tensor dx;
    try (Scope step = device.scope("step")) {
      dx = x.square().scale(1).sum().backward().of(x);
      assertThat(dx.item()).isEqualTo(4);
    }
    assertThatThrownBy(dx::toFloats).hasMessageContaining("scope 'step' closed");
  }

  // ── errors ────────────────────────────────────────────────────────────────────────────────────

  @Test
  void backwardOfAVectorIsAnError() {
    assertThatThrownBy(() -> leaf(1, 2).scale(2).named("loss").backward())
        .isInstanceOf(ShapeException.class)
        .hasMessage(
            "backward: the loss must be a scalar [], got [2] (loss); reduce it with mean() or"
                + " sum()");
  }

  @Test
  void backwardOfAConstantIsAnError() {
    assertThatThrownBy(() -> vector(1, 2).sum().named("loss").backward())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("backward: [] (loss) depends on no parameter; nothing to differentiate");
  }

  @Test
  void parametersWithoutAGradientAreNamed() {
    Parameters parameters = new Parameters(device);
    Tensor used = parameters.add("used", Shape.of(1), new float[1]);
    Tensor head = parameters.add("head.weight", Shape.of(1), new float[1]);
    parameters.add("head.bias", Shape.of(1), new float[1]);
    Gradients g = used.sum().backward();
    assertThatThrownBy(() -> g.of(parameters))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "parameters without a gradient: [head.weight, head.bias]; they took no part in the"
                + " loss. Use them in forward, or build the network without them");
    assertThatThrownBy(() -> g.of(head))
        .hasMessage(
            "no gradient: [1] (head.weight) took no part in this loss, or did not ask for a"
                + " gradient");
    assertThat(g.of(used).toFloats()).containsExactly(1);
  }

  @Test
  void staleGradientsOfParametersAreAnError() {
    Parameters parameters = new Parameters(device);
    Tensor a = parameters.add("a", Shape.of(1), new float[1]);
    Tensor free = leaf(1);
    Gradients first = a.add(free).sum().backward();
    Gradients second = a.scale(2).sum().backward();
    String text = "these gradients were overwritten by a later backward of the same parameters";
    assertThatThrownBy(() -> first.of(a))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(text);
    assertThatThrownBy(() -> first.of(parameters)).hasMessage(text);
    assertThat(first.of(free).toFloats()).containsExactly(1);
    assertThat(second.of(a).toFloats()).containsExactly(2);
  }

  @Test
  void aBackwardOfAnotherNetworkLeavesGradientsValid() {
    Parameters online = new Parameters(device);
    Tensor a = online.add("a", Shape.of(1), new float[1]);
    Parameters other = new Parameters(device);
    Tensor b = other.add("b", Shape.of(1), new float[1]);
    Gradients g = a.scale(3).sum().backward();
    b.sum().backward();
    assertThat(g.of(online).toFloats()[0]).isEqualTo(3);
  }

  @Test
  void aGradientOfTheWrongShapeNamesTheOp() {
    Tensor x = leaf(1, 2).named("x");
    Tensor y =
        Tensor.withoutGradient(() -> x.scale(2)).named("twice").from(x, dy -> dy.sum()).sum();
    assertThatThrownBy(y::backward)
        .isInstanceOf(ShapeException.class)
        .hasMessage("backward of [2] (twice): the gradient for [2] (x) has shape []");
  }
}
