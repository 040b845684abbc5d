package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageTest {
  @TempDir Path folder;

  private static void paint(Graphics2D g) {
    g.setColor(new Color(0x0072b2));
    g.fillRect(3, 2, 4, 5);
  }

  @Test
  void aPngHasTwoPixelsForEachUnit() throws IOException {
    Path file = folder.resolve("P.PNG");
    new Page(10, 8, PageTest::paint).write(file);
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(20);
    assertThat(image.getHeight()).isEqualTo(16);
    assertThat(image.getRGB(6, 4)).isEqualTo(0xff0072b2);
    assertThat(image.getRGB(5, 4)).isEqualTo(0xff000000);
  }

  @Test
  void anSvgHasShapes() throws IOException {
    Path file = folder.resolve("p.svg");
    new Page(10, 8, PageTest::paint).write(file);
    assertThat(file).content().contains("<rect", "rgb(0,114,178)", "height=\"8\"");
  }

  @Test
  void whatCannotBeDrawnIsTold() {
    Page broken =
        new Page(
            1,
            1,
            g -> {
              throw new InternalError("no fonts");
            });
    assertThatThrownBy(() -> broken.write(folder.resolve("p.png")))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("Java cannot draw here; fontconfig or a font");
    assertThatThrownBy(() -> broken.write(Path.of("p.pdf")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("p.pdf: pictures are written as .png or .svg; give it one of these endings");
  }
}
