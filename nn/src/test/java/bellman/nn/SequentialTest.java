package bellman.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import bellman.engine.reference.ReferenceBackend;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SequentialTest {
  private final Device device = new Device(ReferenceBackend.floats());
  private final Weights weights = new Weights(device, 3);

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void anExporterFindsTheLayersInOrder() {
    Sequential net = Tutorial.network(weights, Shape.of(64, 84, 6));
    assertThat(net.input()).isEqualTo(Shape.of(64, 84, 6));
    assertThat(net.output()).isEqualTo(Shape.of(4));
    assertThat(net.output(Shape.of(64, 84, 6))).isEqualTo(Shape.of(4));
    assertThat(net.layers().stream().map(Object::toString))
        .containsExactly(
            "conv1 6→32 8×8 stride 4",
            "relu",
            "conv2 32→64 4×4 stride 2",
            "relu",
            "conv3 64→64 3×3 stride 1",
            "relu",
            "flatten",
            "fc1 1792→512",
            "relu",
            "q 512→4");
    Conv2d conv2 = (Conv2d) net.layers().get(2);
    assertThat(conv2.name()).isEqualTo("conv2");
    assertThat(conv2.in()).isEqualTo(32);
    assertThat(conv2.out()).isEqualTo(64);
    assertThat(conv2.kernel()).isEqualTo(4);
    assertThat(conv2.stride()).isEqualTo(2);
    assertThat(conv2.padding()).isZero();
    assertThat(conv2.weight().shape()).isEqualTo(Shape.of(64, 4, 4, 32));
    Linear fc1 = (Linear) net.layers().get(7);
    assertThat(fc1.in()).isEqualTo(1792);
    assertThat(fc1.out()).isEqualTo(512);
    assertThat(fc1.weight().shape()).isEqualTo(Shape.of(512, 1792));
  }

  /** The same function as PyTorch's modules, computed in NCHW by plain loops from saved values. */
  @Test
  void itComputesWhatTheSavedValuesSayInPyTorchsOrder() {
    int h = 5;
    int w = 6;
    Sequential net =
        Sequential.on(weights, Shape.of(h, w, 2))
            .conv2d("conv", 3, 3, 2, 1) // → 3×3×3
            .relu()
            .flatten()
            .relu() // keeps the image's order
            .linear("q", 4)
            .build();
    float[] nhwc = new float[h * w * 2];
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < nhwc.length; i++) {
      nhwc[i] = (float) random.nextDouble(-1, 1);
    }
    float[] ours = net.forward(device.tensor(nhwc, Shape.of(1, h, w, 2))).toFloats();

    Map<String, Values> saved = weights.save();
    float[] filter = saved.get("conv.weight").floats(); // [3, 2, 3, 3]
    float[] bias = saved.get("conv.bias").floats();
    double[] features = new double[27]; // C,H,W
    for (int o = 0; o < 3; o++) {
      for (int p = 0; p < 3; p++) {
        for (int q = 0; q < 3; q++) {
          double sum = bias[o];
          for (int c = 0; c < 2; c++) {
            for (int r = 0; r < 3; r++) {
              for (int s = 0; s < 3; s++) {
                int y = 2 * p - 1 + r;
                int x = 2 * q - 1 + s;
                if (y >= 0 && y < h && x >= 0 && x < w) {
                  sum += nhwc[(y * w + x) * 2 + c] * filter[((o * 2 + c) * 3 + r) * 3 + s];
                }
              }
            }
          }
          features[(o * 3 + p) * 3 + q] = Math.max(sum, 0);
        }
      }
    }
    float[] matrix = saved.get("q.weight").floats(); // [4, 27]
    for (int a = 0; a < 4; a++) {
      double q = saved.get("q.bias").floats()[a];
      for (int i = 0; i < 27; i++) {
        q += features[i] * matrix[a * 27 + i];
      }
      assertThat((double) ours[a]).isCloseTo(q, within(1e-6));
    }
  }

  @Test
  void onlyTheFirstLinearBehindAFlattenReorders() {
    Sequential.on(weights, Shape.of(2, 2, 2))
        .flatten()
        .flatten()
        .linear("same", 8)
        .relu()
        .linear("q", 2)
        .build();
    Map<String, Values> saved = weights.save();
    Map<String, Tensor> tensors = weights.parameters().tensors();
    assertThat(tensors.get("same.weight").toFloats())
        .isNotEqualTo(saved.get("same.weight").floats());
    assertThat(tensors.get("q.weight").toFloats()).containsExactly(saved.get("q.weight").floats());
  }

  /** Two networks one behind the other are one, in files too. */
  @Test
  void aNetworkBehindAnother() {
    Sequential whole =
        Sequential.on(weights, Shape.of(2, 3, 2)).flatten().linear("v", 4).linear("q", 2).build();
    Weights others = new Weights(device, 3);
    Sequential first = Sequential.on(others, Shape.of(2, 3, 2)).flatten().build();
    Sequential second = Sequential.behind(others, first, 0).linear("v", 4).linear("q", 2).build();
    float[] x = new float[12];
    for (int i = 0; i < 12; i++) {
      x[i] = i;
    }
    Tensor image = device.tensor(x, Shape.of(1, 2, 3, 2));
    assertThat(second.forward(first.forward(image)).toFloats())
        .containsExactly(whole.forward(image).toFloats());
    assertThat(others.save().get("v.weight").floats())
        .containsExactly(weights.save().get("v.weight").floats());

    Sequential joined = Sequential.behind(new Weights(device, 3), first, 5).linear("v", 4).build();
    assertThat(joined.input()).isEqualTo(Shape.of(17));
    Sequential image3 = Sequential.on(new Weights(device, 3), Shape.of(2, 3, 2)).relu().build();
    assertThatThrownBy(() -> Sequential.behind(weights, image3, 5))
        .isInstanceOf(ShapeException.class)
        .hasMessage(
            "behind: features and 0 or more others needed, got 2×2×3 (C×H×W) and 5; end the first"
                + " network with a Flatten");
  }

  @Test
  void anImageTooSmallIsAnErrorWithTheSizesThroughTheLayers() {
    assertThatThrownBy(() -> Tutorial.network(weights, Shape.of(32, 20, 6)))
        .isInstanceOf(ShapeException.class)
        .hasMessage(
            "conv3: the kernel 3×3 is larger than its input 64×2×1 (C×H×W); take a larger image, a"
                + " smaller kernel or more padding; sizes so far: 6×32×20 →"
                + " conv1 32×7×4 → conv2 64×2×1");
  }

  @Test
  void layersThatDoNotFitAreErrors() {
    Sequential.Builder image = Sequential.on(weights, Shape.of(8, 9, 3));
    assertThatThrownBy(() -> image.linear("q", 4))
        .isInstanceOf(ShapeException.class)
        .hasMessage("q: features needed, got an image; put a Flatten before; sizes so far: 3×8×9");
    assertThatThrownBy(() -> image.conv2d("big", 4, 9, 1))
        .hasMessage(
            "big: the kernel 9×9 is larger than its input 3×8×9 (C×H×W); take a larger image, a"
                + " smaller kernel or more padding; sizes so far: 3×8×9");
    assertThatThrownBy(() -> image.conv2d("none", 0, 3, 1))
        .hasMessage(
            "conv2d none: in, out, kernel and stride are 1 or more, padding 0 or more; got 3, 0, 3,"
                + " 1 and 0");
    Sequential.Builder features = Sequential.on(new Weights(device, 0), Shape.of(5));
    assertThatThrownBy(() -> features.conv2d("conv", 4, 3, 1))
        .hasMessage("conv: an image needed, got features [5]; sizes so far: [5]");
    assertThatThrownBy(() -> features.linear("q", 0))
        .hasMessage("linear q: in and out are 1 or more, got 5 and 0");
    assertThatThrownBy(() -> Sequential.on(weights, Shape.of(32, 8, 9, 3)))
        .hasMessage(
            "sequential: one sample is [h, w, c] or [features], got [32, 8, 9, 3]; leave the batch"
                + " out");
    Sequential built = features.linear("v", 2).build();
    assertThatThrownBy(() -> built.output(Shape.of(4)))
        .hasMessage("sequential: built for [5], got [4]");
    Conv2d conv = new Conv2d(new Weights(device, 0).in("c"), 3, 4, 3, 1);
    assertThatThrownBy(() -> conv.output(Shape.of(8, 8, 2)))
        .hasMessage("c: an image with 3 channels needed, got 2×8×8 (C×H×W)");
    Linear linear = new Linear(new Weights(device, 0).in("l"), 5, 2);
    assertThatThrownBy(() -> linear.output(Shape.of(6)))
        .hasMessage("l: 5 features needed, got [6]");
    assertThatThrownBy(() -> linear.output(Shape.of(1, 1, 5)))
        .hasMessage("l: features needed, got the image 5×1×1 (C×H×W); put a Flatten before");
  }
}
