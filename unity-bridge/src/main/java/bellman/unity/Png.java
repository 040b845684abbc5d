package bellman.unity;

import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes the picture of an observation: one PNG, or several back to back whose channels are laid
 * side by side and then mapped to the channels of the observation.
 */
final class Png {
  private static final int[] SIGNATURE = {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};

  /**
   * A decoded picture, row 0 on top.
   *
   * @param pixels [height · width · channels]; averages are rounded
   * @param averages [height · width · channels] in 0 … 255 where channels were averaged, else null:
   *     then the pixels are exact
   */
  record Picture(byte[] pixels, float[] averages) {}

  private Png() {}

  /**
   * @param mapping for each decoded channel the channel it goes to, −1 for none; several to one
   *     channel are averaged. Empty: the first channels are kept, or, for one channel, the average
   *     of the first picture's three
   * @throws IOException when the bytes are not such a picture; the message says why
   */
  static Picture decode(byte[] bytes, int height, int width, int channels, int[] mapping)
      throws IOException {
    List<byte[]> pictures = new ArrayList<>();
    for (int at = 0; at >= 0; at = nextSignature(bytes, end(bytes, at))) {
      pictures.add(rgb(bytes, at, height, width));
    }
    int[] to = mapping.length > 0 ? mapping : standardMapping(pictures.size() * 3, channels);
    if (to.length != pictures.size() * 3) {
      throw new IOException(
          "the channel mapping has "
              + to.length
              + " entries but "
              + pictures.size()
              + " PNG hold "
              + pictures.size() * 3
              + " channels");
    }
    int[] sources = new int[channels];
    boolean averaged = false;
    for (int target : to) {
      if (target >= channels) {
        throw new IOException(
            "the channel mapping names channel " + target + " but the observation has " + channels);
      }
      if (target >= 0) {
        averaged |= ++sources[target] > 1;
      }
    }
    for (int c = 0; c < channels; c++) {
      if (sources[c] == 0) {
        throw new IOException(
            pictures.size() + " PNG hold no channel " + c + " of the observation's " + channels);
      }
    }
    if (!averaged && channels == 3 && pictures.size() == 1 && to[0] == 0 && to[1] == 1) {
      return new Picture(pictures.get(0), null);
    }
    int[] sums = new int[height * width * channels];
    for (int from = 0; from < to.length; from++) {
      if (to[from] >= 0) {
        byte[] picture = pictures.get(from / 3);
        for (int p = 0, in = from % 3, out = to[from]; p < height * width; p++) {
          sums[out] += picture[in] & 0xFF;
          in += 3;
          out += channels;
        }
      }
    }
    byte[] pixels = new byte[sums.length];
    float[] averages = averaged ? new float[sums.length] : null;
    for (int i = 0; i < sums.length; i++) {
      int n = sources[i % channels];
      pixels[i] = (byte) ((2 * sums[i] + n) / (2 * n));
      if (averaged) {
        averages[i] = (float) sums[i] / n;
      }
    }
    return new Picture(pixels, averages);
  }

  private static int[] standardMapping(int decoded, int channels) {
    int[] to = new int[decoded];
    for (int c = 0; c < decoded; c++) {
      if (channels == 1) {
        to[c] = c < 3 ? 0 : -1;
      } else {
        to[c] = c < channels ? c : -1;
      }
    }
    return to;
  }

  /** Where the PNG that begins at {@code at} ends: behind its IEND chunk. */
  private static int end(byte[] bytes, int at) throws IOException {
    long chunk = at + SIGNATURE.length;
    while (chunk + 12 <= bytes.length) {
      int c = (int) chunk;
      long length = int32(bytes, c) & 0xFFFF_FFFFL;
      boolean last =
          bytes[c + 4] == 'I' && bytes[c + 5] == 'E' && bytes[c + 6] == 'N' && bytes[c + 7] == 'D';
      chunk += 12 + length;
      if (last) {
        return (int) Math.min(chunk, bytes.length);
      }
    }
    throw new IOException("the PNG is cut off after " + (bytes.length - at) + " bytes");
  }

  private static int nextSignature(byte[] bytes, int from) {
    for (int at = from; at + SIGNATURE.length <= bytes.length; at++) {
      if (isSignature(bytes, at)) {
        return at;
      }
    }
    return -1;
  }

  private static boolean isSignature(byte[] bytes, int at) {
    if (at + SIGNATURE.length > bytes.length) {
      return false;
    }
    for (int i = 0; i < SIGNATURE.length; i++) {
      if ((bytes[at + i] & 0xFF) != SIGNATURE[i]) {
        return false;
      }
    }
    return true;
  }

  private static int int32(byte[] b, int at) {
    return (b[at] & 0xFF) << 24
        | (b[at + 1] & 0xFF) << 16
        | (b[at + 2] & 0xFF) << 8
        | (b[at + 3] & 0xFF);
  }

  /** One PNG as [height · width · 3]. */
  private static byte[] rgb(byte[] bytes, int at, int height, int width) throws IOException {
    if (!isSignature(bytes, at)) {
      throw new IOException("not a PNG: " + bytes.length + " bytes without its signature");
    }
    BufferedImage image = read(bytes, at);
    if (image.getWidth() != width || image.getHeight() != height) {
      throw new IOException(
          "the PNG is "
              + image.getWidth()
              + " wide and "
              + image.getHeight()
              + " high, but the observation is "
              + width
              + " wide and "
              + height
              + " high");
    }
    byte[] out = new byte[height * width * 3];
    Raster raster = image.getRaster();
    int bands = raster.getNumBands();
    boolean palette = image.getColorModel() instanceof IndexColorModel;
    if (!palette && bands == 3 && raster.getTransferType() == DataBuffer.TYPE_BYTE) {
      raster.getDataElements(0, 0, width, height, out);
      return out;
    }
    if (palette) {
      int[] argb = image.getRGB(0, 0, width, height, null, 0, width);
      for (int p = 0; p < argb.length; p++) {
        out[3 * p] = (byte) (argb[p] >> 16);
        out[3 * p + 1] = (byte) (argb[p] >> 8);
        out[3 * p + 2] = (byte) argb[p];
      }
      return out;
    }
    // Samples as they are: getRGB would bend gray through a colour space.
    int[] samples = raster.getPixels(0, 0, width, height, (int[]) null);
    int bits = raster.getSampleModel().getSampleSize(0);
    int max = (1 << bits) - 1;
    for (int p = 0; p < height * width; p++) {
      for (int c = 0; c < 3; c++) {
        int sample = samples[p * bands + (bands < 3 ? 0 : c)];
        out[3 * p + c] = (byte) (bits == 8 ? sample : Math.round(sample * 255f / max));
      }
    }
    return out;
  }

  private static BufferedImage read(byte[] bytes, int at) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName("png");
    if (!readers.hasNext()) {
      throw new IOException("this JDK has no PNG reader; use one with the module java.desktop");
    }
    ImageReader reader = readers.next();
    try (MemoryCacheImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes, at, bytes.length - at))) {
      reader.setInput(in, true, true);
      return reader.read(0);
    } catch (RuntimeException e) {
      throw new IOException("the PNG cannot be decoded: " + e, e);
    } finally {
      reader.dispose();
    }
  }
}
