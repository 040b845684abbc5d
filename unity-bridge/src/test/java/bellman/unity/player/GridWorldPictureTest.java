package bellman.unity.player;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.player.GridAreaState.Goal;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GridWorldPictureTest {
  private static final int FLOOR = 0x474A4F;
  private static final int WALL = 0x898B8F;
  private static final int PLUS = 0x8CEE97;
  private static final int EX = 0xEE5C4B;
  private static final int AGENT = 0x3EC3FF;

  /** 5×5: agent at (0, 0) bottom left, plus at (2, 3), ex at (4, 1). */
  static GridAreaState scene() {
    return new GridAreaState(5, 0, 0, List.of(13), List.of(21), Goal.PLUS, 0, 0, false, 0, 0);
  }

  static int pixel(byte[] rgb, int px, int py) {
    int at = (py * 84 + px) * 3;
    return (rgb[at] & 255) << 16 | (rgb[at + 1] & 255) << 8 | rgb[at + 2] & 255;
  }

  @Test
  void pixelsThatCanBeCheckedByHand() {
    byte[] rgb = GridWorldPicture.draw(scene());
    assertThat(rgb).hasSize(64 * 84 * 3);
    // 10 columns of wall on each side, at every height
    assertThat(pixel(rgb, 9, 0)).isEqualTo(WALL);
    assertThat(pixel(rgb, 10, 0)).isEqualTo(FLOOR);
    assertThat(pixel(rgb, 73, 63)).isEqualTo(FLOOR);
    assertThat(pixel(rgb, 74, 63)).isEqualTo(WALL);
    // A cell is 12.8 pixels: the agent's covers columns 10–22, rows 51–63; its hole is in the
    // middle
    assertThat(pixel(rgb, 10, 63)).isEqualTo(AGENT);
    assertThat(pixel(rgb, 22, 52)).isEqualTo(AGENT);
    assertThat(pixel(rgb, 23, 60)).isEqualTo(FLOOR);
    assertThat(pixel(rgb, 16, 57)).isEqualTo(FLOOR);
    assertThat(pixel(rgb, 10, 50)).isEqualTo(FLOOR);
    // plus in column 2, row 3 of cells: centre at pixel (42, 19.2)
    assertThat(pixel(rgb, 42, 19)).isEqualTo(PLUS);
    assertThat(pixel(rgb, 42, 14)).isEqualTo(PLUS);
    assertThat(pixel(rgb, 47, 19)).isEqualTo(PLUS);
    assertThat(pixel(rgb, 46, 23)).isEqualTo(FLOOR);
    // ex in column 4, row 1: centre at pixel (67.6, 44.8)
    assertThat(pixel(rgb, 67, 44)).isEqualTo(EX);
    assertThat(pixel(rgb, 70, 47)).isEqualTo(EX);
    assertThat(pixel(rgb, 64, 41)).isEqualTo(EX);
    assertThat(pixel(rgb, 70, 42)).isEqualTo(EX);
    assertThat(pixel(rgb, 67, 40)).isEqualTo(FLOOR);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 7, 8, 11, 16, 32, 64, 100, 128})
  void everyPixelFollowsTheClosedForm(int g) {
    GridArea area = new GridArea(g, 0);
    for (int episode = 0; episode < 20; episode++) {
      area.begin(g, g > 2 ? 2 : 1, 1);
      GridAreaState s = area.state();
      byte[] rgb = GridWorldPicture.draw(s);
      for (int py = 0; py < 64; py++) {
        for (int px = 0; px < 84; px++) {
          assertThat(pixel(rgb, px, py))
              .as("g %d, pixel (%d, %d)", g, px, py)
              .isEqualTo(closedForm(s, px, py));
        }
      }
    }
  }

  /** One pixel straight from the formulas, with nothing skipped. */
  private static int closedForm(GridAreaState s, int px, int py) {
    int g = s.gridSize();
    double worldX = (g - 1) / 2.0 + (px + 0.5 - 42) * g / 64;
    double worldZ = (g - 1) / 2.0 + (32 - (py + 0.5)) * g / 64;
    double dx = Math.abs(worldX - s.x());
    double dz = Math.abs(worldZ - s.z());
    if (dx <= 0.5 && dz <= 0.5 && (dx >= 0.3 || dz >= 0.3)) {
      return AGENT;
    }
    for (int cell : s.pluses()) {
      double x = Math.abs(worldX - cell / g);
      double z = Math.abs(worldZ - cell % g);
      if (Math.max(x, z) <= 0.5 && Math.min(x, z) <= 0.1) {
        return PLUS;
      }
    }
    for (int cell : s.exes()) {
      double x = worldX - cell / g;
      double z = worldZ - cell % g;
      double u = Math.abs(x + z) / Math.sqrt(2);
      double v = Math.abs(x - z) / Math.sqrt(2);
      if (Math.max(u, v) <= 0.5 && Math.min(u, v) <= 0.1) {
        return EX;
      }
    }
    return Math.abs(worldX - (g - 1) / 2.0) > g / 2.0 ? WALL : FLOOR;
  }

  @Test
  void theAgentHidesWhatItStandsOnExceptThroughItsHole() {
    byte[] rgb =
        GridWorldPicture.draw(
            new GridAreaState(5, 2, 2, List.of(12), List.of(), Goal.PLUS, 0, 0, false, 0, 0));
    assertThat(pixel(rgb, 42, 32)).isEqualTo(PLUS);
    assertThat(pixel(rgb, 42, 26)).isEqualTo(AGENT);
  }

  @Test
  void theSceneHasItsChecksum() {
    CRC32 crc = new CRC32();
    crc.update(GridWorldPicture.draw(scene()));
    assertThat(crc.getValue()).isEqualTo(0xA13B2A88L);
  }

  @Test
  void pngFilesReadBackAsThePixelsThatWereWritten() throws Exception {
    try (PngEncoder encoder = new PngEncoder(84, 64)) {
      for (int episode = 0; episode < 5; episode++) {
        GridArea area = new GridArea(episode, 0);
        area.begin(5, 3, 3);
        assertReadsBack(encoder, GridWorldPicture.draw(area.state()), 84, 64);
      }
    }
  }

  @Test
  void noiseThatCannotBeCompressedIsEncodedToo() throws Exception {
    byte[] noise = new byte[33 * 7 * 3];
    SplitMix random = SplitMix.of(4, 0);
    try (PngEncoder encoder = new PngEncoder(33, 7)) {
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < noise.length; j++) {
          noise[j] = (byte) random.nextInt(256);
        }
        assertReadsBack(encoder, noise, 33, 7);
      }
    }
  }

  private static void assertReadsBack(PngEncoder encoder, byte[] rgb, int width, int height)
      throws Exception {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(encoder.encode(rgb)));
    assertThat(image.getWidth()).isEqualTo(width);
    assertThat(image.getHeight()).isEqualTo(height);
    assertThat(image.getColorModel().getPixelSize()).isEqualTo(24);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = (y * width + x) * 3;
        int expected = (rgb[at] & 255) << 16 | (rgb[at + 1] & 255) << 8 | rgb[at + 2] & 255;
        assertThat(image.getRGB(x, y) & 0xFFFFFF).as("pixel (%d, %d)", x, y).isEqualTo(expected);
      }
    }
  }
}
