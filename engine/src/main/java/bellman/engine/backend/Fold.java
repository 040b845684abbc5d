package bellman.engine.backend;

/**
 * Space to depth: a picture [h, w, c] in which {@code by × by} neighbours become one pixel, [h/by,
 * w/by, by·by·c]. Of each band of so many rows, [by][columns][run] becomes [columns][by][run].
 *
 * @param by neighbours in each direction; 1: the picture as it is
 * @param columns w/by
 * @param run by·c, the bytes that stay together
 */
public record Fold(int by, int columns, int run) {
  /** Of pictures whose height and width {@code by} divides. */
  public static Fold of(int width, int channels, int by) {
    return new Fold(by, width / by, by * channels);
  }

  /** Bytes of {@code by} rows, which are folded among themselves. */
  public int band() {
    return by * columns * run;
  }

  /** Folds the picture of n bytes that begins at {@code from}. */
  public void fold(byte[] picture, int from, byte[] folded, int at, int n) {
    runs(
        n, (plain, place, run) -> System.arraycopy(picture, from + plain, folded, at + place, run));
  }

  /** The way back. */
  public void unfold(byte[] folded, int from, byte[] picture, int at, int n) {
    runs(
        n, (plain, place, run) -> System.arraycopy(folded, from + place, picture, at + plain, run));
  }

  /** A run, which lies in one piece in both orders. */
  private interface Run {
    void copy(int plain, int folded, int n);
  }

  private void runs(int n, Run each) {
    if (by == 1) {
      each.copy(0, 0, n);
      return;
    }
    for (int band = 0; band < n; band += band()) {
      for (int r = 0; r < by; r++) {
        for (int w = 0; w < columns; w++) {
          each.copy(band + (r * columns + w) * run, band + (w * by + r) * run, run);
        }
      }
    }
  }
}
