package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.reference.ReferenceBackend;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The flat layout of a network's values and gradients. */
class ParametersTest {
  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  /** Sizes 3, 16 and 17: a gap, none, and almost a whole one. */
  private Parameters network(float first) {
    Parameters parameters = new Parameters(device);
    parameters.add("a", Shape.of(3), filled(3, first));
    parameters.add("b", Shape.of(4, 4), filled(16, first + 1));
    parameters.add("c", Shape.of(17), filled(17, first + 2));
    return parameters;
  }

  private static float[] filled(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return values;
  }

  @Test
  void placesAreMultiplesOf16AndGapsAreZero() {
    Parameters parameters = network(1);
    assertThat(parameters.place("a")).isEqualTo(0);
    assertThat(parameters.place("b")).isEqualTo(16);
    assertThat(parameters.place("c")).isEqualTo(32);
    float[] flat = new float[64];
    Arrays.fill(flat, 0, 3, 1);
    Arrays.fill(flat, 16, 32, 2);
    Arrays.fill(flat, 32, 49, 3);
    assertThat(parameters.values().toFloats()).containsExactly(flat);
    assertThat(parameters.gradients().toFloats()).containsOnly(0).hasSize(64);
    assertThat(parameters.likeValues("adam.m").toFloats()).containsOnly(0).hasSize(64);
  }

  @Test
  void gapsStayZeroThroughBackward() {
    Parameters parameters = network(1);
    Tensor loss = null;
    for (Tensor t : parameters.tensors().values()) {
      Tensor term = t.square().sum();
      loss = loss == null ? term : loss.add(term);
    }
    float[] g = loss.backward().of(parameters).toFloats();
    for (int i = 0; i < g.length; i++) {
      float expected = i < 3 ? 2 : i < 16 ? 0 : i < 32 ? 4 : i < 49 ? 6 : 0;
      assertThat(g[i]).as("flat[%d]", i).isEqualTo(expected);
    }
  }

  @Test
  void aParameterIsASliceOfTheValues() {
    Parameters parameters = network(1);
    Tensor b = parameters.tensors().get("b");
    long version = parameters.values().buffer().version();
    b.set(filled(16, 9));
    assertThat(parameters.values().toFloats()[16]).isEqualTo(9);
    assertThat(parameters.values().toFloats()[32]).isEqualTo(3);
    assertThat(parameters.values().buffer().version()).isGreaterThan(version);
    assertThat(parameters.tensors().get("a").buffer().version()).isGreaterThan(version);
    parameters.values().set(0, new float[] {5});
    assertThat(parameters.tensors().get("a").toFloats()).containsExactly(5, 1, 1);
  }

  @Test
  void backwardRaisesTheVersionOfTheGradients() {
    Parameters parameters = network(1);
    long version = parameters.gradients().buffer().version();
    parameters.tensors().get("a").sum().backward();
    assertThat(parameters.gradients().buffer().version()).isGreaterThan(version);
  }

  @Test
  void namesKeepTheirOrder() {
    assertThat(network(1).tensors().keySet()).containsExactly("a", "b", "c");
    Tensor a = network(1).tensors().get("a");
    assertThat(a.hasGradient()).isTrue();
    assertThat(a).hasToString("Tensor[3] (a)");
    assertThatThrownBy(() -> network(1).tensors().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void firstValuesAreThoseGivenAtAdd() {
    Parameters parameters = new Parameters(device);
    float[] values = {1, 2};
    Tensor a = parameters.add("a", Shape.of(2), values);
    values[0] = 9;
    assertThat(a.toFloats()).containsExactly(1, 2);
  }

  @Test
  void copyFromOverwritesAllValuesInPlace() {
    Parameters online = network(1);
    Parameters target = network(5);
    Tensor a = target.tensors().get("a");
    var address = a.buffer();
    long version = address.version();
    target.copyFrom(online);
    assertThat(target.values().toFloats()).containsExactly(online.values().toFloats());
    assertThat(a.buffer()).isSameAs(address);
    assertThat(address.version()).isGreaterThan(version);
    online.tensors().get("a").set(filled(3, 7));
    assertThat(a.toFloats()).containsExactly(1, 1, 1);
  }

  /** The first use lays out the memory; it belongs where the network was built. */
  @Test
  void parametersFirstUsedInAStepOutliveIt() {
    Parameters parameters = network(1);
    try (Scope step = device.scope("step")) {
      parameters.tensors().get("a").relu();
    }
    assertThat(parameters.tensors().get("a").toFloats()).containsExactly(1, 1, 1);
    assertThat(parameters.gradients().toFloats()).hasSize(64);
  }

  @Test
  void parametersDieWithTheScopeTheyWereBuiltIn() {
    Parameters parameters;
    try (Scope weights = device.scope("weights")) {
      parameters = network(1);
      parameters.values();
    }
    Tensor a = parameters.tensors().get("a");
    assertThatThrownBy(a::toFloats)
        .hasMessage(
            "[3] (a) was used after its scope 'weights' closed; keep() it, or use it inside");
  }

  @Test
  void parametersFirstUsedAfterTheirScopeAreAnError() {
    Parameters parameters;
    try (Scope weights = device.scope("weights")) {
      parameters = network(1);
    }
    assertThatThrownBy(parameters::values)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("parameters [a, b, c] were used after their scope 'weights' closed");
  }

  // ── errors ────────────────────────────────────────────────────────────────────────────────────

  @Test
  void namesAreUnique() {
    assertThatThrownBy(() -> network(1).add("b", Shape.of(1), new float[1]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("parameter b: the name is taken; names are unique");
  }

  @Test
  void addingAfterUseIsAnError() {
    Parameters parameters = network(1);
    parameters.tensors().get("a").relu();
    assertThatThrownBy(() -> parameters.add("d", Shape.of(1), new float[1]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("parameter d: the network is in use; parameters are added while it is built");
  }

  @Test
  void valuesMustFillTheShape() {
    assertThatThrownBy(() -> network(1).add("d", Shape.of(2, 3), new float[5]))
        .isInstanceOf(ShapeException.class)
        .hasMessage("parameter d: 5 values for shape [2, 3]");
  }

  @Test
  void placeOfAnUnknownNameListsTheNames() {
    assertThatThrownBy(() -> network(1).place("x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no parameter x; there are [a, b, c]");
  }

  /** Flat sizes may be equal while the networks differ. */
  @Test
  void copyFromAnotherStructureIsAnError() {
    Parameters one = new Parameters(device);
    one.add("head.weight", Shape.of(3, 2), new float[6]);
    Parameters other = new Parameters(device);
    other.add("head.weight", Shape.of(2, 3), new float[6]);
    assertThatThrownBy(() -> one.copyFrom(other))
        .isInstanceOf(ShapeException.class)
        .hasMessage(
            "copyFrom: the networks differ: {head.weight=[3, 2]} here, {head.weight=[2, 3]} there");
  }
}
