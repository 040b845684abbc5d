package bellman.unity;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import javax.imageio.ImageIO;

/** Pictures for tests, written without the reader under test. */
final class Pngs {
  private Pngs() {}

  /** RGB, 8 bit, unfiltered rows: pixels are [height · width · 3]. */
  static byte[] rgb(int height, int width, int... pixels) {
    ByteBuffer rows = ByteBuffer.allocate(height * (1 + 3 * width));
    for (int i = 0; i < pixels.length; i++) {
      if (i % (3 * width) == 0) {
        rows.put((byte) 0);
      }
      rows.put((byte) pixels[i]);
    }
    return rgb(height, width, Integer.MAX_VALUE, rows.array());
  }

  /** RGB, 8 bit: rows as they are, each led by its filter; data in chunks of a size. */
  static byte[] rgb(int height, int width, int chunkBytes, byte[] rows) {
    Deflater deflater = new Deflater();
    deflater.setInput(rows);
    deflater.finish();
    byte[] packed = new byte[rows.length + 100];
    int length = deflater.deflate(packed);
    deflater.end();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
    chunk(
        out,
        "IHDR",
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put(new byte[] {8, 2, 0, 0, 0})
            .array());
    for (int from = 0; from < length; from += Math.min(chunkBytes, length)) {
      chunk(
          out,
          "IDAT",
          Arrays.copyOfRange(packed, from, Math.min(length - from, chunkBytes) + from));
    }
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] data) {
    ByteBuffer body = ByteBuffer.allocate(4 + data.length);
    body.put(type.getBytes(StandardCharsets.US_ASCII)).put(data);
    CRC32 crc = new CRC32();
    crc.update(body.array());
    out.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
    out.writeBytes(body.array());
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  /** One gray sample per pixel. */
  static byte[] gray(int height, int width, int... samples) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setPixels(0, 0, width, height, samples);
    return write(image);
  }

  /** Red, green, blue and alpha: pixels are 0xAARRGGBB. */
  static byte[] argb(int height, int width, int... pixels) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, width, height, pixels, 0, width);
    return write(image);
  }

  /** A palette of the default 6×6×6 colours: pixels are 0xRRGGBB of it. */
  static byte[] palette(int height, int width, int... pixels) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_INDEXED);
    image.setRGB(0, 0, width, height, pixels, 0, width);
    return write(image);
  }

  private static byte[] write(BufferedImage image) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
