package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.env.Frame;
import bellman.rl.env.Labels;
import bellman.rl.env.Observation;
import java.awt.image.BufferedImage;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class SceneTest {
  private static final int CHOSEN = 0x0072b2;
  private static final int OTHER = 0xa9c8de;
  private static final int RANDOM = 0xd55e00;
  private static final Labels MOVES = new Labels(List.of("up", "down"), List.of("plus"));

  private static Moment moment(byte[] pixels, int action, float... q) {
    return new Moment(1, 3, Observation.picture(pixels, 0), -0.5, q, action, null);
  }

  private static int count(BufferedImage image, int color) {
    int n = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        n += (image.getRGB(x, y) & 0xffffff) == color ? 1 : 0;
      }
    }
    return n;
  }

  private static int pixel(BufferedImage image, int x, int y) {
    return image.getRGB(x, y) & 0xffffff;
  }

  /** 2 × 2 pixels become squares of 160, 14 from the edge. */
  @Test
  void pixelsBecomeSquares() {
    byte[] rgb = {(byte) 200, 10, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    Scene scene = new Scene("World", Frame.picture(2, 2, 3), MOVES);
    BufferedImage image = scene.draw(moment(rgb, 0, 1f, 0.5f));
    assertThat(pixel(image, 14, 14)).isEqualTo(0xc80a14);
    assertThat(pixel(image, 173, 173)).isEqualTo(0xc80a14);
    assertThat(pixel(image, 174, 14)).isEqualTo(0x010203);
    assertThat(pixel(image, 14, 174)).isEqualTo(0x040506);
    assertThat(pixel(image, 333, 333)).isEqualTo(0x070809);
    assertThat(pixel(image, 334, 333)).isEqualTo(0xffffff);
  }

  @Test
  void grayAndTheNewestOfAStack() {
    byte[] two = {10, 90}; // one pixel, two gray pictures
    BufferedImage gray = new Scene("W", Frame.picture(1, 1, 2), MOVES).draw(moment(two, 0, 1, 0));
    assertThat(pixel(gray, 20, 20)).isEqualTo(0x5a5a5a);
    byte[] six = {1, 2, 3, 4, 5, 6};
    BufferedImage rgb = new Scene("W", Frame.picture(1, 1, 6), MOVES).draw(moment(six, 0, 1, 0));
    assertThat(pixel(rgb, 20, 20)).isEqualTo(0x040506);
  }

  @Test
  void largePicturesShrink() {
    Scene scene = new Scene("W", Frame.picture(960, 1280, 1), MOVES);
    BufferedImage image = scene.draw(moment(new byte[960 * 1280], 0, 1, 0));
    assertThat(image.getHeight()).isEqualTo(320 + 2 * 14);
    assertThat(pixel(image, 14 + 426, 14 + 319)).isZero();
  }

  /** A bar is as long as its value; the chosen one has its own colour. */
  @Test
  void barsShowTheValues() {
    byte[] black = new byte[3];
    Scene scene = new Scene("W", Frame.picture(1, 1, 3), MOVES);
    BufferedImage image = scene.draw(moment(black, 0, 1f, 0.5f));
    assertThat((double) count(image, CHOSEN) / count(image, OTHER)).isBetween(1.9, 2.3);
    assertThat(count(image, RANDOM)).isZero();
    BufferedImage explored = scene.draw(moment(black, 1, 1f, 0.5f));
    assertThat((double) count(explored, OTHER) / count(explored, CHOSEN)).isBetween(1.7, 2.1);
    assertThat(count(explored, RANDOM)).as("said to be random").isPositive();
  }

  @Test
  void aMaskedActionHasNoBar() {
    Scene scene = new Scene("W", Frame.picture(1, 1, 3), MOVES);
    BufferedImage image = scene.draw(moment(new byte[3], 0, -0.5f, Float.NaN));
    assertThat(count(image, OTHER)).isZero();
    assertThat(count(image, CHOSEN)).isPositive();
    assertThat(count(image, RANDOM)).isZero();
  }

  @Test
  void manyActionsMakeItTaller() {
    Labels many = new Labels(Collections.nCopies(60, "a long name of an action"), List.of());
    Scene scene = new Scene("W", Frame.picture(1, 1, 3), many);
    BufferedImage image = scene.draw(moment(new byte[3], 59, new float[60]));
    assertThat(image.getHeight()).isGreaterThan(60 * 14);
  }

  @Test
  void anEndSaysHow() {
    Scene scene = new Scene("W", Frame.picture(1, 1, 3), MOVES);
    Observation seen = Observation.picture(new byte[3], 0);
    int good = 0x009e73;
    for (Moment.Ending e : Moment.Ending.values()) {
      BufferedImage image = scene.draw(new Moment(1, 4, seen, 1, null, -1, e));
      boolean success = e == Moment.Ending.SUCCESS;
      assertThat(count(image, good) > 0).isEqualTo(success);
      assertThat(count(image, RANDOM) > 0).isEqualTo(!success);
    }
  }
}
