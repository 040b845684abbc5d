package bellman.unity.player;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * Writes PNG files of one size, made for speed: 8-bit RGB, not interlaced, no row filter, fastest
 * compression, buffers kept from file to file. Not thread-safe. Close it to free the compressor's
 * native memory.
 */
public final class PngEncoder implements AutoCloseable {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int IHDR = 0x49484452;
  private static final int IDAT = 0x49444154;
  private static final int IEND = 0x49454E44;
  private static final int BEFORE_DATA = SIGNATURE.length + 12 + 13 + 8;
  private static final int AFTER_DATA = 4 + 12;

  private final int width;
  private final int height;
  private final byte[] rows; // [height, 1 + width * 3], each row led by its filter, 0
  private final Deflater deflater = new Deflater(Deflater.BEST_SPEED);
  private final CRC32 crc = new CRC32();
  private ByteBuffer file;

  /**
   * An encoder of pictures of one size, in pixels.
   *
   * @throws IllegalArgumentException when a side is below 1
   */
  public PngEncoder(int width, int height) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "png: size %d × %d; both sides must be 1 or more".formatted(width, height));
    }
    this.width = width;
    this.height = height;
    rows = new byte[height * (1 + width * 3)];
    file = ByteBuffer.allocate(BEFORE_DATA + AFTER_DATA + rows.length / 2 + 64);
    file.put(SIGNATURE).putInt(13).putInt(IHDR).putInt(width).putInt(height);
    file.put((byte) 8).put((byte) 2).put((byte) 0).put((byte) 0).put((byte) 0);
    checksum(SIGNATURE.length + 4);
  }

  /**
   * Encodes one picture.
   *
   * @param rgb bytes [height, width, 3], row 0 at the top
   * @return the file
   */
  public byte[] encode(byte[] rgb) {
    int stride = width * 3;
    if (rgb.length != height * stride) {
      throw new IllegalArgumentException(
          "png: %d bytes for a picture of [%d, %d, 3], which has %d"
              .formatted(rgb.length, height, width, height * stride));
    }
    for (int y = 0; y < height; y++) {
      System.arraycopy(rgb, y * stride, rows, y * (stride + 1) + 1, stride);
    }
    deflater.reset();
    deflater.setInput(rows);
    deflater.finish();
    file.position(BEFORE_DATA);
    while (!deflater.finished()) {
      int room = file.remaining() - AFTER_DATA;
      if (room > 0) {
        int written = deflater.deflate(file.array(), file.position(), room);
        file.position(file.position() + written);
      } else {
        file =
            ByteBuffer.wrap(Arrays.copyOf(file.array(), file.capacity() * 2), 0, 0)
                .clear()
                .position(file.position());
      }
    }
    int length = file.position() - BEFORE_DATA;
    file.putInt(BEFORE_DATA - 8, length).putInt(BEFORE_DATA - 4, IDAT);
    checksum(BEFORE_DATA - 4);
    int end = file.position();
    file.putInt(0).putInt(IEND);
    checksum(end + 4);
    return Arrays.copyOf(file.array(), file.position());
  }

  @Override
  public void close() {
    deflater.end();
  }

  /** Appends the checksum of all bytes from {@code from} on. */
  private void checksum(int from) {
    crc.reset();
    crc.update(file.array(), from, file.position() - from);
    file.putInt((int) crc.getValue());
  }
}
