package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FilmTest {
  @TempDir private Path folder;

  private static BufferedImage picture(int colors) {
    Random random = new Random(1);
    int[] palette = random.ints(colors, 0, 0x1000000).toArray();
    BufferedImage image = new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 1200; i++) {
      image.setRGB(i % 40, i / 40, palette[i % colors]);
    }
    return image;
  }

  private BufferedImage written(BufferedImage image) throws IOException {
    Path gif = Files.writeString(folder.resolve("f.gif"), "an earlier file, longer than this one");
    try (Film film = new Film(gif)) {
      film.add(picture(2), 10);
      film.add(image, 10);
    }
    ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
    try (ImageInputStream in = ImageIO.createImageInputStream(gif.toFile())) {
      reader.setInput(in);
      assertThat(reader.getNumImages(true)).isEqualTo(2);
      return reader.read(1);
    }
  }

  @Test
  void upTo256ColorsAreExact() throws IOException {
    for (int colors : new int[] {1, 2, 5, 200, 256}) {
      BufferedImage image = picture(colors);
      BufferedImage read = written(image);
      for (int i = 0; i < 1200; i++) {
        assertThat(read.getRGB(i % 40, i / 40))
            .as("%d colors, pixel %d", colors, i)
            .isEqualTo(image.getRGB(i % 40, i / 40));
      }
    }
  }

  @Test
  void ofMoreSimilarOnesAreMerged() throws IOException {
    BufferedImage read = written(picture(600));
    assertThat(read.getWidth()).isEqualTo(40);
    BufferedImage image = picture(600);
    double difference = 0;
    for (int i = 0; i < 1200; i++) {
      int blue = image.getRGB(i % 40, i / 40) & 255;
      difference += Math.abs((read.getRGB(i % 40, i / 40) & 255) - blue);
    }
    assertThat(difference / 1200).isBetween(0.5, 40.0);
  }

  @Test
  void aFilmWithoutAPictureCloses() throws IOException {
    Path gif = folder.resolve("empty.gif");
    new Film(gif).close();
    assertThat(gif).exists();
  }
}
