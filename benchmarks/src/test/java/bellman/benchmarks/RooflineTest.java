package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.cli.Failure;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RooflineTest {
  @TempDir Path folder;

  private static Results results() {
    List<Result> all = new ArrayList<>(ReportTest.PEAKS);
    all.add(
        ReportTest.result(
            "ConvolutionBenchmark.pass",
            Map.of("device", "d", "threads", "1", "precision", "fp32", "pass", "data"),
            1e3,
            0.5e8,
            1e6));
    return new Results("bellman", Map.of("d", "Device D, threads: 1"), all);
  }

  @Test
  void asPngWithThePointInItsPlace() throws IOException {
    Path file = folder.resolve("roof.png");
    new Roofline(results()).write(file);
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(2400);
    assertThat(image.getHeight()).isEqualTo(1280);
    int orange = 0; // of convolution data, in the plot and in the legend
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        orange += (image.getRGB(x, y) & 0xffffff) == 0xe69f00 ? 1 : 0;
      }
    }
    assertThat(orange).isGreaterThan(100);
  }

  /** Words are outlines in it; colours tell what is drawn. */
  @Test
  void asSvg() throws IOException {
    Path file = folder.resolve("roof.svg");
    new Roofline(results()).write(file);
    String svg = Files.readString(file);
    assertThat(svg.contains("<svg ")).isTrue();
    assertThat(svg.contains("fill=\"rgb(230,159,0)\"")).as("convolution data").isTrue();
    assertThat(svg.contains("fill=\"rgb(204,121,167)\"")).as("convolution filter").isFalse();
    assertThat(svg.contains("stroke-dasharray=\"9,5\"")).as("the roof in TF32").isTrue();
    assertThat(svg.contains("stroke-dasharray=\"2,4\"")).as("the roof in BF16").isFalse();
  }

  @Test
  void whatCannotBeDrawnIsTold() {
    Results none =
        new Results(
            "bellman",
            Map.of(),
            List.of(ReportTest.result("BridgeBenchmark.step", Map.of(), 1, 0, 0)));
    assertThatThrownBy(() -> new Roofline(none))
        .isInstanceOf(Failure.class)
        .hasMessageStartingWith("no chart: nothing was measured that has operations and bytes");
  }
}
