package bellman.rl.env;

/**
 * What an agent sees at one moment: a picture of bytes [height, width, channels], a vector of
 * floats, or both.
 *
 * @param channels of the picture, 0 like its height and width where there is none
 * @param vector floats, 0 where there are none
 */
public record Frame(int height, int width, int channels, int vector) {
  public Frame {
    boolean none = height == 0 && width == 0 && channels == 0;
    boolean whole = height > 0 && width > 0 && channels > 0;
    if (!(none || whole) || vector < 0 || none && vector == 0) {
      throw new IllegalArgumentException(
          "frame: sizes are 1 or more, got "
              + height
              + " × "
              + width
              + " × "
              + channels
              + " pixels and a vector of "
              + vector);
    }
  }

  public static Frame picture(int height, int width, int channels) {
    return new Frame(height, width, channels, 0);
  }

  public static Frame vector(int size) {
    return new Frame(0, 0, 0, size);
  }

  /** The same picture with a vector beside it. */
  public Frame with(int vector) {
    return new Frame(height, width, channels, vector);
  }

  /**
   * The same with {@code by} × {@code by} neighbours of its picture as one pixel; rows and columns
   * that do not fill one are left out.
   */
  public Frame folded(int by) {
    return new Frame(height / by, width / by, channels * by * by, vector);
  }

  public boolean hasPicture() {
    return channels > 0;
  }

  public boolean hasVector() {
    return vector > 0;
  }

  /** Bytes of the picture. */
  public int size() {
    return height * width * channels;
  }

  /** {@code [64, 84, 3] bytes and [4] floats}. */
  public String described() {
    String picture = "[" + height + ", " + width + ", " + channels + "] bytes";
    String floats = "[" + vector + "] floats";
    return !hasVector() ? picture : hasPicture() ? picture + " and " + floats : floats;
  }
}
