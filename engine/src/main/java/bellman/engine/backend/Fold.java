package bellman.engine.backend;

/**
 * Space to depth: a picture [height, width, channels] in which {@code by × by} neighbours become
 * one pixel, [height/by, width/by, by·by·channels]. Of each band of so many rows,
 * [by][columns][run] becomes [columns][by][run]. What is left over at the right and at the bottom
 * is cut off.
 *
 * @param by neighbours in each direction; 1: the picture as it is
 */
public record Fold(int height, int width, int channels, int by) {
  /** Pixels in a row afterwards. */
  public int columns() {
    return width / by;
  }

  /** Bytes that stay together. */
  public int run() {
    return by * channels;
  }

  /** Bytes of a band afterwards. */
  public int band() {
    return by * columns() * run();
  }

  /** Bytes of a picture before. */
  public int plain() {
    return height * width * channels;
  }

  /** Bytes of a picture afterwards. */
  public int folded() {
    return height / by * band();
  }

  /** Folds a picture into those bytes that begin at {@code at}. */
  public void fold(byte[] picture, byte[] folded, int at) {
    runs((plain, place, n) -> System.arraycopy(picture, plain, folded, at + place, n));
  }

  /** The way back; what was cut off stays as it is in {@code picture}. */
  public void unfold(byte[] folded, int from, byte[] picture) {
    runs((plain, place, n) -> System.arraycopy(folded, from + place, picture, plain, n));
  }

  /** A run, which lies in one piece in both orders. */
  private interface Run {
    void copy(int plain, int folded, int n);
  }

  private void runs(Run each) {
    if (by == 1) {
      each.copy(0, 0, plain());
      return;
    }
    for (int band = 0; band < height / by; band++) {
      for (int r = 0; r < by; r++) {
        int row = (band * by + r) * width * channels;
        int place = band * band() + r * run();
        for (int w = 0; w < columns(); w++) {
          each.copy(row + w * run(), place + w * by * run(), run());
        }
      }
    }
  }
}
