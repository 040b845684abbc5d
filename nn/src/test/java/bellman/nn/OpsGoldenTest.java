package bellman.nn;

import static bellman.nn.Golden.assertClose;
import static bellman.nn.Golden.floats;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Gradients;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.Backend;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.io.Safetensors;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every single op of the goldens, forward and gradients. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpsGoldenTest {
  List<String> backends() {
    return Backends.names();
  }

  /** ‖ours − reference‖ / ‖reference‖ stays below. */
  double limit() {
    return Golden.OPS;
  }

  /** NCHW → NHWC, which is also [out, in, kh, kw] → [out, kh, kw, in]. */
  private static Layout images(Shape nchw) {
    return Layout.filter(nchw.dim(0), nchw.dim(1), nchw.dim(2), nchw.dim(3));
  }

  private static Tensor images(Device device, Safetensors file, String name) throws IOException {
    Layout layout = images(file.entry(name).shape());
    return device.tensor(layout.toMemory(floats(file, name)), layout.memory());
  }

  private void check(Safetensors file, String name, Tensor nhwc) throws IOException {
    float[] ours = images(file.entry(name).shape()).toFile(nhwc.toFloats());
    assertClose(name, ours, floats(file, name), limit());
  }

  private static Tensor tensor(Device device, Safetensors file, String name) throws IOException {
    return device.tensor(floats(file, name), file.entry(name).shape());
  }

  private static int[] pair(Safetensors file, String key) {
    return Arrays.stream(file.metadata().get(key).split(",")).mapToInt(Integer::parseInt).toArray();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void convolutionKernels(String backend) throws IOException {
    try (Safetensors file = Golden.open("ops");
        Device device = Backends.open(backend)) {
      for (int i = 0; i <= 5; i++) {
        String op = "conv" + i + ".";
        Tensor x = images(device, file, op + "x");
        Tensor w = images(device, file, op + "w");
        Tensor b = tensor(device, file, op + "b");
        Tensor dy = images(device, file, op + "dy");
        int[] stride = pair(file, op + "stride");
        int[] padding = pair(file, op + "padding");
        ConvGeometry g =
            new ConvGeometry(
                x.shape().dim(0),
                x.shape().dim(1),
                x.shape().dim(2),
                x.shape().dim(3),
                w.shape().dim(0),
                w.shape().dim(1),
                w.shape().dim(2),
                stride[0],
                stride[1],
                padding[0],
                padding[1]);
        Backend kernels = device.backend();
        Tensor y = device.empty(dy.shape(), DType.FLOAT32);
        kernels.conv2d(g, x.buffer(), w.buffer(), b.buffer(), y.buffer());
        check(file, op + "y", y);
        Tensor dx = device.empty(x.shape(), DType.FLOAT32);
        kernels.conv2dDataGradient(g, w.buffer(), dy.buffer(), dx.buffer());
        check(file, op + "dx", dx);
        Tensor dw = device.empty(w.shape(), DType.FLOAT32);
        kernels.conv2dFilterGradient(g, x.buffer(), dy.buffer(), dw.buffer());
        check(file, op + "dw", dw);
        Tensor db = device.empty(b.shape(), DType.FLOAT32);
        kernels.sumRows(dy.buffer(), g.n() * g.oh() * g.ow(), g.k(), db.buffer());
        assertClose(op + "db", db.toFloats(), floats(file, op + "db"), limit());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void convolutionLayers(String backend) throws IOException {
    try (Safetensors file = Golden.open("ops");
        Device device = Backends.open(backend)) {
      for (int i : new int[] {0, 1, 3, 4}) { // the square ones
        String op = "conv" + i + ".";
        Shape filter = file.entry(op + "w").shape();
        if (filter.dim(2) != filter.dim(3)) {
          throw new IllegalStateException(op + " is not square");
        }
        Weights weights = new Weights(device, 0);
        Conv2d conv =
            new Conv2d(
                weights,
                filter.dim(1),
                filter.dim(0),
                filter.dim(2),
                pair(file, op + "stride")[0],
                pair(file, op + "padding")[0]);
        weights.load(wAndB(file, op));
        Tensor x = images(device, file, op + "x").requireGradient();
        Tensor y = conv.forward(x);
        check(file, op + "y", y);
        Gradients g = y.mul(images(device, file, op + "dy")).sum().backward();
        check(file, op + "dx", g.of(x));
        checkGradients(file, op, weights, g);
      }
    }
  }

  private static Map<String, Values> wAndB(Safetensors file, String op) throws IOException {
    return Map.of(
        "weight", new Values(file.entry(op + "w").shape(), floats(file, op + "w")),
        "bias", new Values(file.entry(op + "b").shape(), floats(file, op + "b")));
  }

  private void checkGradients(Safetensors file, String op, Weights weights, Gradients g)
      throws IOException {
    Map<String, Values> ours = weights.save(g.of(weights.parameters()));
    assertClose(op + "dw", ours.get("weight").floats(), floats(file, op + "dw"), limit());
    assertClose(op + "db", ours.get("bias").floats(), floats(file, op + "db"), limit());
  }

  @ParameterizedTest
  @MethodSource("backends")
  void linearLayers(String backend) throws IOException {
    try (Safetensors file = Golden.open("ops");
        Device device = Backends.open(backend)) {
      for (int i = 0; i <= 3; i++) {
        String op = "linear" + i + ".";
        Shape w = file.entry(op + "w").shape();
        Weights weights = new Weights(device, 0);
        Linear linear = new Linear(weights, w.dim(1), w.dim(0));
        weights.load(wAndB(file, op));
        Tensor x = tensor(device, file, op + "x").requireGradient();
        Tensor y = linear.forward(x);
        assertClose(op + "y", y.toFloats(), floats(file, op + "y"), limit());
        Gradients g = y.mul(tensor(device, file, op + "dy")).sum().backward();
        assertClose(op + "dx", g.of(x).toFloats(), floats(file, op + "dx"), limit());
        checkGradients(file, op, weights, g);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void smoothL1(String backend) throws IOException {
    try (Safetensors file = Golden.open("ops");
        Device device = Backends.open(backend)) {
      for (int i = 0; i <= 2; i++) {
        String op = "smooth_l1_" + i + ".";
        float beta = Float.parseFloat(file.metadata().get(op + "beta"));
        Tensor x = tensor(device, file, op + "x").requireGradient();
        Tensor t = tensor(device, file, op + "t");
        Tensor loss = new SmoothL1(beta).of(x, t);
        float[] reference = floats(file, op + "loss");
        assertClose(op + "loss", loss.toFloats(), reference, limit());
        assertClose(op + "dx", loss.backward().of(x).toFloats(), floats(file, op + "dx"), limit());
        // huber(δ) = δ · smoothL1(δ)
        Tensor huber = new Huber(beta).of(x, t);
        assertClose(op + "huber", huber.toFloats(), new float[] {beta * reference[0]}, limit());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void adam(String backend) throws IOException {
    try (Safetensors file = Golden.open("ops");
        Device device = Backends.open(backend)) {
      for (int i = 0; i <= 3; i++) {
        String op = "adam" + i + ".";
        Weights weights = new Weights(device, 0);
        Tensor p = weights.parameter("p", Layout.same(50), Initializer.constant(0));
        p.set(floats(file, op + "p0"));
        Adam adam = new Adam(weights, settings(file.metadata().get("adam" + i + ".args")));
        float[] grads = floats(file, op + "grads"); // [10, 50]
        for (int t = 0; t < 10; t++) {
          try (Scope step = device.scope("step")) {
            Tensor g = device.tensor(Arrays.copyOfRange(grads, 50 * t, 50 * t + 50), Shape.of(50));
            adam.step(p.mul(g).sum().backward()); // ∂(p·g)/∂p = g
          }
        }
        Adam.State state = adam.state();
        assertClose(op + "p10", p.toFloats(), floats(file, op + "p10"), limit());
        assertClose(op + "m10", state.m().get("p").floats(), floats(file, op + "m10"), limit());
        assertClose(op + "v10", state.v().get("p").floats(), floats(file, op + "v10"), limit());
      }
    }
  }

  private static Adam.Settings settings(String json) throws IOException {
    JsonNode args = new ObjectMapper().readTree(json);
    Adam.Settings settings = Adam.Settings.defaults();
    for (Map.Entry<String, JsonNode> e : args.properties()) {
      JsonNode value = e.getValue();
      settings =
          switch (e.getKey()) {
            case "lr" -> settings.withLearningRate(value.doubleValue());
            case "eps" -> settings.withEpsilon(value.doubleValue());
            case "betas" ->
                settings.withBetas(value.get(0).doubleValue(), value.get(1).doubleValue());
            case "weight_decay" -> settings.withWeightDecay(value.doubleValue());
            default -> throw new IllegalStateException("adam: unknown argument " + e);
          };
    }
    return settings;
  }
}
