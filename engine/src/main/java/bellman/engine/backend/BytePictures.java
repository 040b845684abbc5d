package bellman.engine.backend;

/**
 * Pictures [n, h, w, c] that lie in a table as bytes: picture i is row index[i], behind a gate. Of
 * its c channels those of one block are bytes / 255 and all others 0.
 *
 * @param frames [F, h·w·channels] uint8
 * @param index [n] int32
 * @param about [F, words] int32: the first word is the block of a row's picture
 * @param words of each row of about
 * @param channels of a block; c is a multiple of it
 */
public record BytePictures(Buffer frames, Buffer index, Buffer about, int words, int channels) {
  /** A convolution that reads the bytes. */
  public interface Convolution {
    /** y ← x ∗ w + bias, then max(·, 0) if {@code relu}. */
    void forward(Buffer w, Buffer bias, boolean relu, Buffer y);

    /** dw ← ∂L/∂w. */
    void filterGradient(Buffer dy, Buffer dw);
  }
}
