package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Device;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kernel's proof and one measured call on toy sizes, and that each proof can fail. */
class KernelBenchmarkTest {
  private static void measure(KernelBenchmark b) {
    b.calls = 2;
    b.setUp();
    try {
      assertThat(b.run()).isEqualTo(2);
    } finally {
      b.tearDown();
    }
  }

  static Stream<Arguments> products() {
    return Stream.of("onednn", "java", "reference")
        .flatMap(
            device ->
                Stream.of("3x5x4", "64x64x64", "65x70x130", "33x40x50:tn", "33x4x50:nt", "9x8x7:tt")
                    .flatMap(
                        product ->
                            Stream.of("naive", "tiled", "engine")
                                .filter(rung -> rung.equals("engine") || !product.contains(":"))
                                .map(rung -> Arguments.of(device, product, rung))));
  }

  @ParameterizedTest
  @MethodSource
  void products(String device, String product, String rung) {
    measure(gemm(new GemmBenchmark(), device, product, rung));
  }

  private static GemmBenchmark gemm(GemmBenchmark b, String device, String product, String rung) {
    b.device = device;
    b.product = product;
    b.rung = rung;
    return b;
  }

  static Stream<Arguments> convolutions() {
    return Stream.of("onednn", "java")
        .flatMap(
            device ->
                Stream.of("conv1", "conv1-folded", "conv2", "conv3")
                    .flatMap(
                        layer ->
                            Stream.of("forward", "relu", "data", "filter")
                                .map(pass -> Arguments.of(device, layer, pass))));
  }

  @ParameterizedTest
  @MethodSource
  void convolutions(String device, String layer, String pass) {
    measure(convolution(new ConvolutionBenchmark(), device, layer, pass));
  }

  /** With padding. */
  @ParameterizedTest
  @ValueSource(strings = {"forward", "relu", "data", "filter"})
  void paddedConvolutions(String pass) {
    ConvolutionBenchmark b = convolution(new ConvolutionBenchmark(), "onednn", "resnet", pass);
    b.batch = 1;
    measure(b);
  }

  private static ConvolutionBenchmark convolution(
      ConvolutionBenchmark b, String device, String layer, String pass) {
    b.device = device;
    b.layer = layer;
    b.pass = pass;
    b.batch = 2;
    return b;
  }

  static Stream<Arguments> memory() {
    return Stream.of("onednn", "java")
        .flatMap(
            device -> MemoryKernel.ALL.keySet().stream().map(name -> Arguments.of(device, name)));
  }

  @ParameterizedTest
  @MethodSource
  void memory(String device, String kernel) {
    measure(memory(new MemoryBenchmark(), device, kernel, "33x8"));
  }

  /** More rows than a block of the proof has. */
  @ParameterizedTest
  @ValueSource(strings = {"add", "sum_rows", "sum", "max_abs", "row_argmax", "pick", "place"})
  void memoryOfSeveralBlocks(String kernel) {
    measure(memory(new MemoryBenchmark(), "java", kernel, "263000x4"));
  }

  private static MemoryBenchmark memory(
      MemoryBenchmark b, String device, String kernel, String shape) {
    b.device = device;
    b.kernel = kernel;
    b.shape = shape;
    return b;
  }

  @Test
  void theParameterNamesEveryKernelOfTheTable() {
    List<String> named =
        Arrays.asList(
            Trial.parameters(Trial.COPY)
                .get("kernel")
                .getAnnotation(org.openjdk.jmh.annotations.Param.class)
                .value());
    assertThat(named).containsExactlyElementsOf(MemoryKernel.ALL.keySet());
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "java", "reference"})
  void adam(String device) {
    AdamBenchmark b = new AdamBenchmark();
    b.device = device;
    b.parameters = 1003;
    measure(b);
  }

  @ParameterizedTest
  @CsvSource({"onednn, conv1", "java, conv2", "onednn, conv3", "java, fc1"})
  void layers(String device, String layer) {
    LayerBenchmark b = new LayerBenchmark();
    b.device = device;
    b.layer = layer;
    b.batch = 2;
    measure(b);
  }

  // ── a proof that cannot fail proves nothing ───────────────────────────────────────────────────

  private static void assertCaught(KernelBenchmark b, String what) {
    try {
      assertThatThrownBy(b::setUp)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(what);
    } finally {
      b.tearDown();
    }
  }

  @ParameterizedTest
  @CsvSource({"gemm, engine", "launch, naive", "launch, tiled"})
  void wrongProductsAreCaught(String method, String rung) {
    GemmBenchmark b =
        new GemmBenchmark() {
          @Override
          Device open() {
            return Faulty.device(method);
          }
        };
    assertCaught(gemm(b, "java", "300x200x100", rung), "C v of 300x200x100: element 299 is ");
  }

  @ParameterizedTest
  @CsvSource({
    "conv2d, forward",
    "conv2dRelu, relu",
    "conv2d, relu",
    "conv2dDataGradient, data",
    "conv2dFilterGradient, filter"
  })
  void wrongConvolutionsAreCaught(String method, String pass) {
    ConvolutionBenchmark b =
        new ConvolutionBenchmark() {
          @Override
          Device open() {
            return Faulty.device(method);
          }
        };
    String what = "conv2 " + (method.equals("conv2d") ? "" : pass + " ");
    assertCaught(convolution(b, "java", "conv2", pass), what);
  }

  static Stream<String> memoryKernels() {
    return MemoryKernel.ALL.keySet().stream().filter(name -> !name.equals("fill"));
  }

  @ParameterizedTest
  @MethodSource("memoryKernels")
  void wrongMemoryKernelsAreCaught(String kernel) {
    boolean pointwise =
        Stream.of(bellman.engine.backend.Pointwise.values())
            .anyMatch(row -> row.name().equalsIgnoreCase(kernel));
    StringBuilder method = new StringBuilder();
    for (String word : kernel.split("_")) {
      method.append(
          method.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    MemoryBenchmark b =
        new MemoryBenchmark() {
          @Override
          Device open() {
            return Faulty.device(pointwise ? "map" : method.toString());
          }
        };
    assertCaught(memory(b, "java", kernel, "9x8"), "benchmark: " + kernel + ": element ");
  }

  @Test
  void aWrongAdamIsCaught() {
    AdamBenchmark b =
        new AdamBenchmark() {
          @Override
          Device open() {
            return Faulty.device("adam");
          }
        };
    b.parameters = 10;
    assertCaught(b, "adam: p: element 9 is ");
  }

  @ParameterizedTest
  @CsvSource({
    "conv2dRelu, y",
    "conv2dFilterGradient, ∂L/∂conv3.weight",
    "conv2dDataGradient, ∂L/∂x",
    "sumRows, ∂L/∂conv3.bias"
  })
  void wrongLayersAreCaught(String method, String what) {
    LayerBenchmark b =
        new LayerBenchmark() {
          @Override
          Device open() {
            return Faulty.device(method);
          }
        };
    b.layer = "conv3";
    b.batch = 1;
    assertCaught(b, what);
  }

  // ── parameters ────────────────────────────────────────────────────────────────────────────────

  @Test
  void bytesThatDoNotFitTheOperandsAreCaught() {
    AdamBenchmark b =
        new AdamBenchmark() {
          @Override
          public Work work(String method) {
            return Work.of(0, 4.0 * 6 * parameters); // forgets that v is read
          }
        };
    b.device = "java";
    b.parameters = 10;
    assertCaught(b, "benchmark: the operands have 280 bytes, 240 are counted");
  }

  @Test
  void workIsCountedFromTheOperands() {
    GemmBenchmark gemm = gemm(new GemmBenchmark(), "java", "2x3x4:nt", "engine");
    assertThat(gemm.work("")).isEqualTo(Work.of(2 * 24, 4 * (8 + 12 + 6)));
    ConvolutionBenchmark conv = convolution(new ConvolutionBenchmark(), "java", "conv2", "relu");
    assertThat(conv.work(""))
        .isEqualTo(
            Work.of(
                2.0 * 2 * 6 * 9 * 64 * 4 * 4 * 32,
                4.0 * (2 * (15 * 20 * 32 + 6 * 9 * 64) + 64 * 4 * 4 * 32 + 64)));
    assertThat(memory(new MemoryBenchmark(), "java", "pick", "5x3").work(""))
        .isEqualTo(Work.of(0, 4 * (5 + 5 + 5)));
    assertThat(memory(new MemoryBenchmark(), "java", "masked_fill", "5x3").work(""))
        .isEqualTo(Work.of(0, 15 * (4 + 1 + 4)));
    assertThat(memory(new MemoryBenchmark(), "java", "add", "5x3").work(""))
        .isEqualTo(Work.of(15, 15 * 12));
    LayerBenchmark first = new LayerBenchmark();
    first.layer = "conv1";
    LayerBenchmark last = new LayerBenchmark();
    last.layer = "fc1";
    assertThat(first.work("").flops()).isEqualTo(2 * 2.0 * 32 * 15 * 20 * 32 * 8 * 8 * 6);
    assertThat(last.work("").flops()).isEqualTo(3 * 2.0 * 32 * 1792 * 512);
  }

  @Test
  void theFoldedLayerDoesTheSameWork() {
    assertThat(ConvolutionBenchmark.geometry("conv1-folded", 7).flops())
        .isEqualTo(ConvolutionBenchmark.geometry("conv1", 7).flops());
  }

  @Test
  void unknownWordsNameTheKnownOnes() {
    assertThatThrownBy(() -> gemm(new GemmBenchmark(), "java", "2x3", "engine").work(""))
        .hasMessage(
            "product: '2x3' is not MxNxK, with :nn, :nt, :tn or :tt behind it if need be, as in"
                + " 32x512x1792:nt");
    assertThatThrownBy(
            () -> convolution(new ConvolutionBenchmark(), "java", "conv9", "data").work(""))
        .hasMessageStartingWith("layer: 'conv9' is unknown; there are conv1, ");
    assertThatThrownBy(() -> memory(new MemoryBenchmark(), "java", "rely", "2x2").work(""))
        .hasMessageStartingWith("kernel: 'rely' is unknown; there are copy, fill, ");
    assertThatThrownBy(() -> memory(new MemoryBenchmark(), "java", "relu", "0x2").work(""))
        .hasMessage("shape: '0x2' is not ROWSxCOLUMNS, as in 65536x256");
    assertThatThrownBy(() -> Workload.open("java", 1, "fp16"))
        .hasMessage("precision: 'fp16' is unknown; there are fp32, tf32 and bf16");
  }
}
