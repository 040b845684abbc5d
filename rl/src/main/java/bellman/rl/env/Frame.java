package bellman.rl.env;

/**
 * What an agent sees at one moment: a picture of bytes [height, width, channels], or a vector of
 * floats, which is a picture of one pixel.
 *
 * @param pixels whether the elements are bytes (0…255, read as 0…1); else they are floats
 */
public record Frame(int height, int width, int channels, boolean pixels) {
  public Frame {
    if (height < 1 || width < 1 || channels < 1) {
      throw new IllegalArgumentException(
          "frame: sizes are 1 or more, got " + height + " × " + width + " × " + channels);
    }
  }

  public static Frame picture(int height, int width, int channels) {
    return new Frame(height, width, channels, true);
  }

  public static Frame vector(int size) {
    return new Frame(1, 1, size, false);
  }

  /**
   * The same picture with {@code by} × {@code by} neighbours as one pixel; rows and columns that do
   * not fill one are left out.
   */
  public Frame folded(int by) {
    return new Frame(height / by, width / by, channels * by * by, pixels);
  }

  /** Elements of one frame. */
  public int size() {
    return height * width * channels;
  }

  @Override
  public String toString() {
    return pixels ? "[" + height + ", " + width + ", " + channels + "]" : "[" + channels + "]";
  }
}
