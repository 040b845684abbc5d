package bellman.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.engine.reference.ReferenceBackend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsTest {
  private static final Shape IMAGE = Shape.of(64, 84, 6);

  private final Device device = new Device(ReferenceBackend.floats());

  @AfterEach
  void close() {
    device.close();
  }

  private Weights tutorial(long seed) {
    Weights weights = new Weights(device, seed);
    Tutorial.network(weights, IMAGE);
    return weights;
  }

  /** conv [2, 3, 2, 2] on images [3, 3, 3], flattened, linear [2, 8]. */
  private Weights small(long seed) {
    Weights weights = new Weights(device, seed);
    Sequential.on(weights, Shape.of(3, 3, 3)).conv2d("conv", 2, 2, 1).flatten().linear("q", 2);
    return weights;
  }

  @Test
  void theTutorialsNetworkHasPyTorchsNamesShapesAndCount() throws IOException {
    Weights weights = tutorial(1);
    assertThat(weights.count()).isEqualTo(1_002_148);
    assertThat(weights.layouts().keySet())
        .containsExactly(
            "conv1.weight",
            "conv1.bias",
            "conv2.weight",
            "conv2.bias",
            "conv3.weight",
            "conv3.bias",
            "fc1.weight",
            "fc1.bias",
            "q.weight",
            "q.bias");
    try (Safetensors file = Golden.open("dqn_full")) {
      weights
          .layouts()
          .forEach(
              (name, layout) ->
                  assertThat(layout.file()).as(name).isEqualTo(file.entry("init." + name).shape()));
    }
  }

  /** The tutorial's picture behind match3's convolutions; and more than an array can hold. */
  @Test
  void aLayerTooLargeForTheHeapIsNamedWithItsSize() {
    Weights weights = new Weights(device, 1);
    Initializer noHeap =
        (key, count) -> {
          throw new OutOfMemoryError("Java heap space");
        };
    long heap = Runtime.getRuntime().maxMemory() >> 20;
    assertThatThrownBy(
            () -> weights.in("fc1").parameter("weight", Layout.same(512, 691_200), noHeap))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "fc1.weight [512, 691200]: 353,894,400 weights are too many for a heap of up to %,d MB;"
                    .formatted(heap)
                + " lower --hidden-units, take a --vis-encode-type with fewer features, or set"
                + " BELLMAN_JAVA_OPTS=-Xmx8g");
    assertThatThrownBy(() -> new Linear(weights.in("q"), 691_200, 65_536))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("q.weight [65536, 691200]: 45,298,483,200 weights are too many");
  }

  @Test
  void firstValuesAreUniformWithinTheInverseRootOfTheFanIn() {
    Map<String, Values> values = tutorial(1).save();
    Map<String, Integer> fanIn =
        Map.of("conv1", 6 * 64, "conv2", 32 * 16, "conv3", 64 * 9, "fc1", 1792, "q", 512);
    values.forEach(
        (name, v) -> {
          double bound = 1 / Math.sqrt(fanIn.get(name.substring(0, name.indexOf('.'))));
          int n = v.floats().length;
          double sum = 0;
          double squares = 0;
          double largest = 0;
          int[] quarters = new int[4];
          for (float x : v.floats()) {
            sum += x;
            squares += (double) x * x;
            largest = Math.max(largest, Math.abs(x));
            quarters[Math.min(3, (int) ((x / bound + 1) * 2))]++;
          }
          double sigma = bound / Math.sqrt(3); // of U(±bound)
          assertThat(largest).as(name).isLessThanOrEqualTo((float) bound);
          assertThat(sum / n).as("mean of " + name).isCloseTo(0, within(4 * sigma / Math.sqrt(n)));
          if (n >= 1000) {
            assertThat(largest).as(name).isGreaterThan(0.99 * bound);
            assertThat(Math.sqrt(squares / n)).as(name).isCloseTo(sigma, within(0.03 * sigma));
            for (int q : quarters) {
              double deviation = Math.sqrt(n * 0.25 * 0.75);
              assertThat((double) q).as(name).isCloseTo(n / 4.0, within(4 * deviation));
            }
          }
        });
  }

  @Test
  void firstValuesDependOnSeedAndNameAlone() {
    Map<String, Values> a = small(7).save();
    Map<String, Values> b = small(7).save();
    Map<String, Values> c = small(8).save();
    Weights turned = new Weights(device, 7);
    new Linear(turned.in("q"), Shape.of(2, 2, 2), 0, 2);
    new Conv2d(turned.in("conv"), 3, 2, 2, 1);
    Map<String, Values> d = turned.save();
    a.forEach(
        (name, v) -> {
          assertThat(b.get(name).floats()).containsExactly(v.floats());
          assertThat(d.get(name).floats()).containsExactly(v.floats());
          assertThat(c.get(name).floats()).isNotEqualTo(v.floats());
        });
    assertThat(a.get("conv.bias").floats()).isNotEqualTo(a.get("q.bias").floats());
  }

  @Test
  void weightsFirstUsedInsideAStepOutliveIt() {
    Weights weights = small(1);
    try (Scope outer = device.scope("episode");
        Scope inner = device.scope("step")) {
      weights.save();
    }
    assertThat(weights.save()).containsKey("conv.weight");
  }

  @Test
  void namesNest() {
    Weights weights = new Weights(device, 0);
    Weights inner = weights.in("head").in("value");
    assertThat(inner.name()).isEqualTo("head.value");
    Tensor p = inner.parameter("scale", Layout.same(3), Initializer.constant(2));
    assertThat(p.described()).isEqualTo("[3] (head.value.scale)");
    assertThat(p.toFloats()).containsExactly(2, 2, 2);
    assertThat(weights.layouts()).containsOnlyKeys("head.value.scale");
    assertThatThrownBy(() -> weights.in(""))
        .hasMessage("in: the name of a part of a network cannot be empty");
  }

  @Test
  void valuesGoThroughAFileAndBack(@TempDir Path folder) throws IOException {
    Weights from = small(1);
    Tensor squares = from.parameters().likeValues("squares");
    squares.set(Tensor.withoutGradient(() -> from.parameters().values().square()));
    Path path = folder.resolve("weights.safetensors");
    SafetensorsWriter writer = new SafetensorsWriter();
    Values.write(writer, "network.", from.save());
    Values.write(writer, "squares.", from.save(squares));
    writer.write(path);

    Weights to = small(2);
    Tensor other = to.parameters().likeValues("other");
    try (Safetensors file = Safetensors.open(path)) {
      to.load(Values.read(file, "network."));
      to.load(other, Values.read(file, "squares."));
    }
    assertThat(to.parameters().values().toFloats())
        .containsExactly(from.parameters().values().toFloats());
    assertThat(other.toFloats()).containsExactly(squares.toFloats());
  }

  @Test
  void filesHoldPyTorchsOrderAndMemoryOurs() {
    Weights weights = small(1);
    float[] filter = weights.save().get("conv.weight").floats(); // [2, 3, 2, 2]
    float[] memory = weights.parameters().tensors().get("conv.weight").toFloats(); // [2, 2, 2, 3]
    assertThat(memory[1]).isEqualTo(filter[4]); // out 0, at (0, 0), in 1
    float[] columns = weights.save().get("q.weight").floats(); // [2, 2·2·2], C,H,W
    float[] inMemory = weights.parameters().tensors().get("q.weight").toFloats(); // H,W,C
    assertThat(inMemory[1]).isEqualTo(columns[4]); // out 0, at (0, 0), channel 1
  }

  @Test
  void loadListsEverythingThatDiffersAndWritesNothing() {
    Weights weights = small(1);
    float[] before = weights.parameters().values().toFloats();
    Map<String, Values> values = new LinkedHashMap<>(weights.save());
    values.remove("conv.bias");
    values.put("q.weight", new Values(Shape.of(8, 2), new float[16]));
    values.put("q.wait", new Values(Shape.of(1), new float[1]));
    assertThatThrownBy(() -> weights.load(values))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "load: these are not this network's parameters: missing: conv.bias; unexpected:"
                + " q.wait; other shapes (in PyTorch's order): q.weight is [2, 8] here, [8, 2]"
                + " given");
    assertThat(weights.parameters().values().toFloats()).containsExactly(before);
    Tensor wrong = device.zeros(Shape.of(3)).named("m");
    assertThatThrownBy(() -> weights.save(wrong))
        .isInstanceOf(ShapeException.class)
        .hasMessage(
            "save: a flat tensor like the values [80] needed, got [3] (m); Parameters.likeValues"
                + " makes one");
    assertThatThrownBy(() -> new Values(Shape.of(3), new float[2]))
        .isInstanceOf(ShapeException.class)
        .hasMessage("values: 2 numbers for shape [3]");
  }

  @Test
  void copyFromCopiesANetworkOfTheSameStructureOnly() {
    Weights online = small(1);
    Weights target = small(2);
    target.copyFrom(online);
    assertThat(target.parameters().values().toFloats())
        .containsExactly(online.parameters().values().toFloats());

    Weights other = new Weights(device, 0);
    new Linear(other.in("q"), 8, 3);
    assertThatThrownBy(() -> other.copyFrom(online))
        .hasMessage(
            "copyFrom: these are not this network's parameters: unexpected: conv.weight,"
                + " conv.bias; other shapes (in PyTorch's order): q.weight is [3, 8] here, [2, 8]"
                + " given, q.bias is [3] here, [2] given");
    Weights turned = new Weights(device, 0);
    new Linear(turned.in("q"), Shape.of(2, 2, 2), 0, 2);
    new Conv2d(turned.in("conv"), 3, 2, 2, 1);
    assertThatThrownBy(() -> turned.copyFrom(online))
        .hasMessage(
            "copyFrom: the parameters come in another order: [q.weight, q.bias, conv.weight,"
                + " conv.bias] ← [conv.weight, conv.bias, q.weight, q.bias]; build both networks"
                + " with the same code");
  }

  @Test
  void initializersRefuseWhatTheyCannotDraw() {
    assertThatThrownBy(() -> Initializer.uniform(-1))
        .hasMessage("uniform: bound is 0 or more and finite, got -1.0");
    assertThatThrownBy(() -> Initializer.fanIn(0)).hasMessage("fanIn: at least 1 input, got 0");
  }
}
