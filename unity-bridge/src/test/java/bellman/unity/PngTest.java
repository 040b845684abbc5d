package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class PngTest {
  /** Two rows of three pixels, all values different: 1 … 18. */
  private static final byte[] SMALL =
      Pngs.rgb(2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);

  private static final Offset<Float> CLOSE = Offset.offset(1e-4f);
  private static final int[] NONE = {};

  private static ObservationSpec spec(int height, int width, int channels, boolean chw) {
    return new ObservationSpec(
        "Camera",
        chw ? List.of(channels, height, width) : List.of(height, width, channels),
        Collections.nCopies(3, DimensionProperty.UNSPECIFIED),
        ObservationType.DEFAULT,
        chw ? ObservationSpec.Layout.CHW : ObservationSpec.Layout.HWC);
  }

  private static byte[] pixels(byte[] png, int height, int width, int channels, int[] mapping)
      throws IOException {
    byte[] out = new byte[height * width * channels + 2];
    out[0] = 77;
    out[out.length - 1] = 77;
    new Png()
        .pixels(ByteString.copyFrom(png), spec(height, width, channels, false), mapping, out, 1);
    assertThat(out[0]).as("before").isEqualTo((byte) 77);
    assertThat(out[out.length - 1]).as("behind").isEqualTo((byte) 77);
    return Arrays.copyOfRange(out, 1, out.length - 1);
  }

  /** Numbers × 255, as H,W,C. */
  private static float[] values(byte[] png, int height, int width, int channels, int[] mapping)
      throws IOException {
    float[] out = new float[height * width * channels];
    new Png()
        .values(ByteString.copyFrom(png), spec(height, width, channels, false), mapping, out, 0);
    for (int i = 0; i < out.length; i++) {
      out[i] *= 255f;
    }
    return out;
  }

  @Test
  void rowsComeTopDownAndChannelsLast() throws IOException {
    assertThat(pixels(SMALL, 2, 3, 3, NONE))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
  }

  @Test
  void bytesAboveMaxSignedStay() throws IOException {
    assertThat(pixels(Pngs.rgb(1, 1, 255, 128, 127), 1, 1, 3, NONE))
        .containsExactly((byte) 255, (byte) 128, (byte) 127);
  }

  @Test
  void oneChannelIsTheAverage() throws IOException {
    byte[] png = Pngs.rgb(1, 2, 10, 20, 31, 255, 255, 254);
    assertThat(values(png, 1, 2, 1, NONE)).containsExactly(new float[] {61f / 3, 764f / 3}, CLOSE);
    assertThat(pixels(png, 1, 2, 1, NONE)).containsExactly((byte) 20, (byte) 255);
  }

  @Test
  void picturesBackToBackAreLaidSideBySide() throws IOException {
    byte[] two = Pngs.concat(Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6), Pngs.rgb(1, 2, 7, 8, 9, 10, 11, 12));
    assertThat(pixels(two, 1, 2, 6, NONE)).containsExactly(1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12);
    // The padding of the last picture is left out.
    assertThat(pixels(two, 1, 2, 4, NONE)).containsExactly(1, 2, 3, 7, 4, 5, 6, 10);
  }

  @Test
  void bytesBetweenPicturesAreSkipped() throws IOException {
    byte[] two =
        Pngs.concat(
            Pngs.rgb(1, 1, 1, 2, 3), new byte[] {0, (byte) 0x89, 7}, Pngs.rgb(1, 1, 4, 5, 6));
    assertThat(pixels(two, 1, 1, 6, NONE)).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void theMappingOrdersAveragesAndDrops() throws IOException {
    byte[] two = Pngs.concat(Pngs.rgb(1, 1, 10, 20, 30), Pngs.rgb(1, 1, 40, 50, 61));
    assertThat(pixels(two, 1, 1, 6, new int[] {5, 4, 3, 2, 1, 0}))
        .containsExactly(61, 50, 40, 30, 20, 10);
    int[] stackOfGray = {0, 0, 0, 1, 1, 1};
    assertThat(values(two, 1, 1, 2, stackOfGray))
        .containsExactly(new float[] {20f, 151f / 3}, CLOSE);
    assertThat(pixels(two, 1, 1, 2, stackOfGray)).containsExactly(20, 50);
    assertThat(pixels(two, 1, 1, 2, new int[] {-1, 1, -1, -1, -1, 0})).containsExactly(61, 20);
    assertThat(pixels(Pngs.rgb(1, 1, 10, 20, 30), 1, 1, 1, new int[] {0, 0, 0}))
        .containsExactly(20);
    assertThat(pixels(Pngs.rgb(1, 1, 10, 20, 30), 1, 1, 3, new int[] {0, 2, 1}))
        .containsExactly(10, 30, 20);
  }

  @Test
  void otherKindsOfPngKeepTheirSamples() throws IOException {
    assertThat(pixels(Pngs.gray(1, 2, 100, 7), 1, 2, 3, NONE))
        .containsExactly(100, 100, 100, 7, 7, 7);
    assertThat(pixels(Pngs.argb(1, 2, 0xFF010203, 0xFF040506), 1, 2, 3, NONE))
        .containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(pixels(Pngs.palette(1, 2, 0xFF0033, 0x336699), 1, 2, 3, NONE))
        .containsExactly((byte) 0xFF, 0x00, 0x33, 0x33, 0x66, (byte) 0x99);
  }

  /** Every row filter, in random pictures, against the JDK's decoder. */
  @Test
  void filtersAreUndoneAsTheJdkDoes() throws IOException {
    Random random = new Random(1);
    for (int round = 0; round < 50; round++) {
      int height = 1 + random.nextInt(9);
      int width = 1 + random.nextInt(9);
      byte[] rows = new byte[height * (1 + 3 * width)];
      random.nextBytes(rows);
      for (int y = 0; y < height; y++) {
        rows[y * (1 + 3 * width)] = (byte) ((y + round) % 5);
      }
      byte[] png = Pngs.rgb(height, width, 1 + random.nextInt(rows.length), rows);
      BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
      List<Byte> expected = new ArrayList<>();
      for (int p = 0; p < height * width; p++) {
        int rgb = image.getRGB(p % width, p / width);
        expected.addAll(List.of((byte) (rgb >> 16), (byte) (rgb >> 8), (byte) rgb));
      }
      assertThat(pixels(png, height, width, 3, NONE))
          .as("round " + round)
          .containsExactly(expected.toArray(Byte[]::new));
    }
  }

  @Test
  void numbersComeInTheDeclaredLayout() throws IOException {
    float[] out = new float[18];
    new Png().values(ByteString.copyFrom(SMALL), spec(2, 3, 3, true), NONE, out, 0);
    assertThat(out)
        .containsExactly(
            new float[] {
              1 / 255f, 4 / 255f, 7 / 255f, 10 / 255f, 13 / 255f, 16 / 255f, 2 / 255f, 5 / 255f,
              8 / 255f, 11 / 255f, 14 / 255f, 17 / 255f, 3 / 255f, 6 / 255f, 9 / 255f, 12 / 255f,
              15 / 255f, 18 / 255f
            },
            Offset.offset(0f));
  }

  @Test
  void buffersOfALargerPictureDoNotShowInASmallerOne() throws IOException {
    Png png = new Png();
    byte[] large = new byte[18];
    png.pixels(ByteString.copyFrom(SMALL), spec(2, 3, 3, false), NONE, large, 0);
    byte[] gray = new byte[1];
    png.pixels(ByteString.copyFrom(Pngs.rgb(1, 1, 3, 3, 3)), spec(1, 1, 1, false), NONE, gray, 0);
    assertThat(gray).containsExactly(3);
  }

  @Test
  void whatIsWrongIsNamed() {
    assertFails(SMALL, 3, 2, 3, NONE)
        .hasMessage("the PNG is 3 wide and 2 high, but the observation is 2 wide and 3 high");
    assertFails(SMALL, 2, 3, 4, NONE).hasMessage("1 PNG hold no channel 3 of the observation's 4");
    assertFails(SMALL, 2, 3, 2, new int[] {0, 1})
        .hasMessage("the channel mapping has 2 entries but 1 PNG hold 3 channels");
    assertFails(SMALL, 2, 3, 2, new int[] {0, 1, 2})
        .hasMessage("the channel mapping names channel 2 but the observation has 2");
    assertFails(new byte[] {1, 2, 3}, 2, 3, 3, NONE)
        .hasMessage("not a PNG: 3 bytes without its signature");
    assertFails(Arrays.copyOf(SMALL, SMALL.length - 20), 2, 3, 3, NONE)
        .hasMessage("the PNG is cut off after " + (SMALL.length - 20) + " bytes");
    assertFails(Arrays.copyOf(SMALL, 20), 2, 3, 3, NONE).hasMessage("the PNG has no header");
    byte[] rows = new byte[20];
    rows[10] = 9;
    assertFails(Pngs.rgb(2, 3, 100, rows), 2, 3, 3, NONE)
        .hasMessage("the PNG cannot be decoded: row 1 has the unknown filter 9");
    assertFails(Pngs.rgb(2, 3, 100, Arrays.copyOf(rows, 19)), 2, 3, 3, NONE)
        .hasMessage("the PNG cannot be decoded: it ends after 19 of 20 bytes");
    byte[] broken = SMALL.clone();
    broken[41] ^= 0x55; // the first byte of the data
    assertFails(broken, 2, 3, 3, NONE).hasMessageStartingWith("the PNG cannot be decoded: ");
    assertThatThrownBy(
            () ->
                new Png()
                    .pixels(
                        ByteString.copyFrom(SMALL),
                        spec(2, 3, 300_000_000, false),
                        NONE,
                        new byte[1],
                        0))
        .hasMessage("1 PNG hold no channel 3 of the observation's 300000000");
    assertThat(Png.canHold(1, 8, 1032, 3)).isTrue();
    assertThat(Png.canHold(1, 8, 1033, 3)).isFalse();
    assertThat(Png.canHold(1, 8, 1032, 4)).isFalse();
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertFails(
      byte[] bytes, int height, int width, int channels, int[] mapping) {
    return assertThatThrownBy(() -> pixels(bytes, height, width, channels, mapping))
        .isInstanceOf(IOException.class);
  }
}
