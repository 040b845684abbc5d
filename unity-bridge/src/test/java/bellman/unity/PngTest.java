package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PngTest {
  /** Two rows of three pixels, all values different: 1 … 18. */
  private static final byte[] SMALL =
      Pngs.rgb(2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);

  private static final int[] NONE = {};

  @Test
  void rowsComeTopDownAndChannelsLast() throws IOException {
    Png.Picture picture = Png.decode(SMALL, 2, 3, 3, NONE);
    assertThat(picture.averages()).isNull();
    assertThat(picture.pixels())
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
  }

  @Test
  void bytesAboveMaxSignedStay() throws IOException {
    assertThat(Png.decode(Pngs.rgb(1, 1, 255, 128, 127), 1, 1, 3, NONE).pixels())
        .containsExactly((byte) 255, (byte) 128, (byte) 127);
  }

  @Test
  void oneChannelIsTheAverage() throws IOException {
    Png.Picture picture = Png.decode(Pngs.rgb(1, 2, 10, 20, 31, 255, 255, 254), 1, 2, 1, NONE);
    assertThat(picture.averages()).containsExactly(61f / 3, 764f / 3);
    assertThat(picture.pixels()).containsExactly((byte) 20, (byte) 255);
  }

  @Test
  void picturesBackToBackAreLaidSideBySide() throws IOException {
    byte[] two = Pngs.concat(Pngs.rgb(1, 2, 1, 2, 3, 4, 5, 6), Pngs.rgb(1, 2, 7, 8, 9, 10, 11, 12));
    assertThat(Png.decode(two, 1, 2, 6, NONE).pixels())
        .containsExactly(1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12);
    // The padding of the last picture is left out.
    assertThat(Png.decode(two, 1, 2, 4, NONE).pixels()).containsExactly(1, 2, 3, 7, 4, 5, 6, 10);
  }

  @Test
  void bytesBetweenPicturesAreSkipped() throws IOException {
    byte[] two =
        Pngs.concat(
            Pngs.rgb(1, 1, 1, 2, 3), new byte[] {0, (byte) 0x89, 7}, Pngs.rgb(1, 1, 4, 5, 6));
    assertThat(Png.decode(two, 1, 1, 6, NONE).pixels()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void theMappingOrdersAveragesAndDrops() throws IOException {
    byte[] two = Pngs.concat(Pngs.rgb(1, 1, 10, 20, 30), Pngs.rgb(1, 1, 40, 50, 61));
    assertThat(Png.decode(two, 1, 1, 6, new int[] {5, 4, 3, 2, 1, 0}).pixels())
        .containsExactly(61, 50, 40, 30, 20, 10);
    Png.Picture stackOfGray = Png.decode(two, 1, 1, 2, new int[] {0, 0, 0, 1, 1, 1});
    assertThat(stackOfGray.averages()).containsExactly(20f, 151f / 3);
    assertThat(stackOfGray.pixels()).containsExactly(20, 50);
    assertThat(Png.decode(two, 1, 1, 2, new int[] {-1, 1, -1, -1, -1, 0}).pixels())
        .containsExactly(61, 20);
    assertThat(Png.decode(Pngs.rgb(1, 1, 10, 20, 30), 1, 1, 1, new int[] {0, 0, 0}).pixels())
        .containsExactly(20);
    assertThat(Png.decode(Pngs.rgb(1, 1, 10, 20, 30), 1, 1, 3, new int[] {0, 2, 1}).pixels())
        .containsExactly(10, 30, 20);
  }

  @Test
  void otherKindsOfPngKeepTheirSamples() throws IOException {
    assertThat(Png.decode(Pngs.gray(1, 2, 100, 7), 1, 2, 3, NONE).pixels())
        .containsExactly(100, 100, 100, 7, 7, 7);
    assertThat(Png.decode(Pngs.argb(1, 2, 0xFF010203, 0xFF040506), 1, 2, 3, NONE).pixels())
        .containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(Png.decode(Pngs.palette(1, 2, 0xFF0033, 0x336699), 1, 2, 3, NONE).pixels())
        .containsExactly((byte) 0xFF, 0x00, 0x33, 0x33, 0x66, (byte) 0x99);
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
    assertFails(Arrays.copyOf(SMALL, SMALL.length - 20), 2, 3, 3, NONE).hasMessageContaining("PNG");
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertFails(
      byte[] bytes, int height, int width, int channels, int[] mapping) {
    return assertThatThrownBy(() -> Png.decode(bytes, height, width, channels, mapping))
        .isInstanceOf(IOException.class);
  }
}
