package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TrialTest {
  private final List<String> leftOut = new ArrayList<>();

  private List<Trial> trials(
      String benchmark, boolean quick, Map<String, List<String>> parameters, String... devices) {
    return Trial.of(
        benchmark,
        new Trial.Choice(List.of(devices), List.of("2"), parameters, quick),
        leftOut::add);
  }

  @Test
  void everyCombinationWithItsWork() {
    List<Trial> trials =
        trials(
            "ConvolutionBenchmark.pass",
            false,
            Map.of("layer", List.of("conv1", "conv2"), "batch", List.of("1", "3")),
            "java");
    assertThat(trials).hasSize(2 * 3 + 2 * 4); // two batches; conv1 has no data gradient
    assertThat(leftOut).containsOnly("nothing asks for the pixels' gradient").hasSize(2);
    assertThat(trials.get(0))
        .isEqualTo(
            new Trial(
                "ConvolutionBenchmark.pass",
                Map.of(
                    "device",
                    "java",
                    "threads",
                    "2",
                    "calls",
                    "1",
                    "layer",
                    "conv1",
                    "batch",
                    "1",
                    "pass",
                    "forward",
                    "precision",
                    "fp32"),
                Work.of(
                    ConvolutionBenchmark.geometry("conv1", 1).flops(),
                    4 * (64 * 84 * 6 + 15 * 20 * 32 + 32 * 8 * 8 * 6))));
  }

  @Test
  void aGpuHasValuesOfItsOwn() {
    Map<String, List<String>> one = Map.of("product", List.of("64x64x64"));
    List<Trial> gpu = trials(Trial.PRODUCT, false, one, "cuda");
    assertThat(gpu.stream().map(t -> t.parameters().get("precision")))
        .containsExactlyInAnyOrder("fp32", "tf32", "bf16", "fp32", "fp32"); // naive and tiled
    assertThat(gpu).allMatch(t -> t.parameters().get("calls").equals("20"));
    assertThat(trials(Trial.PRODUCT, false, one, "java"))
        .hasSize(3)
        .allMatch(t -> t.parameters().get("precision").equals("fp32"))
        .allMatch(t -> t.parameters().get("calls").equals("1"));
  }

  @Test
  void aCpuComputesInFp32() {
    assertThat(trials("UpdateBenchmark.update", true, Map.of("precision", List.of("tf32")), "java"))
        .isEmpty();
    assertThat(leftOut).containsExactly("a CPU computes in FP32");
  }

  @Test
  void quickIsLess() {
    assertThat(trials("MemoryBenchmark.move", true, Map.of(), "java")).hasSize(7);
    assertThat(trials("MemoryBenchmark.move", false, Map.of(), "java")).hasSize(38 * 2);
    assertThat(trials("MemoryBenchmark.move", true, Map.of(), "cuda"))
        .allMatch(t -> t.parameters().get("shape").equals("262144x256"));
    assertThat(trials("UpdateBenchmark.update", true, Map.of(), "cuda"))
        .allMatch(t -> t.parameters().get("batch").equals("32"))
        .hasSize(4);
    assertThat(trials("BridgeBenchmark.step", true, Map.of(), "java", "onednn")).hasSize(1);
  }

  @Test
  void quickMeasuresOfACpuBesideAGpuTheUpdateAlone() {
    assertThat(trials("MemoryBenchmark.move", true, Map.of(), "cuda:1", "java"))
        .hasSize(7)
        .allMatch(t -> t.parameters().get("device").equals("cuda:1"));
    assertThat(leftOut)
        .hasSize(7)
        .containsOnly(
            "beside a GPU --quick measures a CPU in Update alone; --device cpu takes the rest");
    assertThat(trials("UpdateBenchmark.update", true, Map.of(), "cuda", "java")).hasSize(5);
    assertThat(trials("MemoryBenchmark.move", true, Map.of(), "onednn", "java")).hasSize(14);
    assertThat(trials("MemoryBenchmark.move", false, Map.of(), "cuda", "java")).hasSize(4 * 38);
    assertThat(trials("BridgeBenchmark.step", true, Map.of(), "cuda", "java")).hasSize(1);
  }

  @Test
  void theLadderBeginsWithLoopsOfOneDevice() {
    Map<String, List<String>> one = Map.of("product", List.of("64x64x64"));
    assertThat(trials(Trial.PRODUCT, false, one, "onednn"))
        .extracting(t -> t.parameters().get("rung"))
        .containsExactly("engine");
    trials(Trial.PRODUCT, false, Map.of("product", List.of("4096x4096x4096")), "java");
    assertThat(leftOut)
        .contains("naive and tiled are the same loops as on java")
        .contains("naive and tiled would take too long");
  }

  @Test
  void peaksOfEachDeviceAndPrecision() {
    Trial.Choice choice = new Trial.Choice(List.of("cuda", "java"), List.of("2"), Map.of(), true);
    List<Trial> updates = Trial.of("UpdateBenchmark.update", choice, leftOut::add);
    assertThat(Trial.peaks(updates, choice))
        .extracting(
            t ->
                t.benchmark()
                    + " "
                    + t.parameters().get("device")
                    + " "
                    + t.parameters().get("precision"))
        .containsExactly(
            "GemmBenchmark.gemm cuda fp32",
            "MemoryBenchmark.move cuda null",
            "GemmBenchmark.gemm cuda tf32",
            "GemmBenchmark.gemm java fp32",
            "MemoryBenchmark.move java null");
    assertThat(Trial.peaks(Trial.of("BridgeBenchmark.step", choice, leftOut::add), choice))
        .isEmpty();
  }

  /** Whatever sizes are asked for, a share is one of what the device does at most. */
  @Test
  void peaksAreThoseOfLargeSizes() {
    Map<String, List<String>> small =
        Map.of("product", List.of("32x4x512:nt"), "shape", List.of("32x4"));
    Trial.Choice choice = new Trial.Choice(List.of("java"), List.of("2"), small, true);
    assertThat(Trial.peaks(Trial.of(Trial.PRODUCT, choice, leftOut::add), choice))
        .extracting(t -> t.parameters().get("product"), t -> t.parameters().get("shape"))
        .containsExactly(tuple("1024x1024x1024", null), tuple(null, "65536x256"));
  }

  @Test
  void valuesThatAreNoneAreRefused() {
    assertThatThrownBy(
            () -> trials("UpdateBenchmark.update", true, Map.of("batch", List.of("x")), "java"))
        .hasMessage("batch: 'x' is not a number of 1 or more");
    assertThatThrownBy(() -> trials(Trial.PRODUCT, true, Map.of("product", List.of("big")), "java"))
        .hasMessageStartingWith("product: 'big' is not MxNxK");
  }
}
