package bellman.unity;

import com.google.protobuf.ByteString;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes the picture of an observation: one PNG, or several back to back whose channels are laid
 * side by side and then mapped to the channels of the observation. Keeps its buffers from picture
 * to picture. Not thread-safe; {@link #ofThread} gives each thread its own.
 *
 * <p>What Unity writes (8 bits, RGB, not interlaced) is decoded here, any other kind by the JDK.
 *
 * <p>Its IOExceptions say what is wrong with the bytes.
 */
final class Png {
  private static final int[] SIGNATURE = {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};
  private static final int IHDR = 0x49484452;
  private static final int IDAT = 0x49444154;
  private static final int IEND = 0x49454E44;

  /** Signature, length, type, and the 13 bytes of the header. */
  private static final int HEADER = 8 + 8 + 13;

  /** A byte of Deflate is 1032 bytes at most, and a pixel of a palette needs a bit. */
  private static final long MAX_PIXELS_OF_A_BYTE = 8 * 1032;

  /** A picture of another size than the observation. */
  static final class SizeException extends IOException {
    private static final long serialVersionUID = 1L;

    final int width;
    final int height;

    SizeException(int width, int height, int expectedWidth, int expectedHeight) {
      super(
          "the PNG is %d wide and %d high, but the observation is %d wide and %d high"
              .formatted(width, height, expectedWidth, expectedHeight));
      this.width = width;
      this.height = height;
    }
  }

  private static final ThreadLocal<Png> OF_THREAD = ThreadLocal.withInitial(Png::new);

  private final Inflater inflater = new Inflater();
  private byte[] file = new byte[0];
  private int length;
  private byte[] rows = new byte[0]; // [height, 1 + width · 3], each row led by its filter
  private byte[] pictures = new byte[0]; // [pictures, height, width, 3]

  /** Whether so few bytes could be such a picture; false, and nobody need allocate it. */
  static boolean canHold(int bytes, int height, int width, int channels) {
    return (long) height * width * channels <= 3 * MAX_PIXELS_OF_A_BYTE * bytes;
  }

  /** The calling thread's. */
  static Png ofThread() {
    return OF_THREAD.get();
  }

  /**
   * Writes an image as bytes, [height, width, channels] with row 0 on top; averages are rounded.
   *
   * @param mapping for each decoded channel the channel it goes to, −1 for none; several to one
   *     channel are averaged. Empty: the first channels are kept, or, for one channel, the average
   *     of the first picture's three
   */
  void pixels(ByteString png, ObservationSpec spec, int[] mapping, byte[] into, int offset)
      throws IOException {
    int count = load(png, spec);
    int area = spec.height() * spec.width();
    if (count == 1 && isRgb(mapping, spec)) {
      decode(0, spec, into, offset);
      return;
    }
    Mapped from = map(count, spec, mapping);
    int channels = spec.channels();
    for (int c = 0; c < channels; c++) {
      int n = from.sources[c].length;
      for (int p = 0; p < area; p++) {
        into[offset + p * channels + c] =
            (byte) ((2 * sum(from.sources[c], p, area) + n) / (2 * n));
      }
    }
  }

  /** Writes an image as numbers, byte / 255, in the declared layout; averages are exact. */
  void values(ByteString png, ObservationSpec spec, int[] mapping, float[] into, int offset)
      throws IOException {
    int count = load(png, spec);
    int area = spec.height() * spec.width();
    Mapped from = map(count, spec, mapping);
    int channels = spec.channels();
    boolean chw = spec.layout() == ObservationSpec.Layout.CHW;
    for (int c = 0; c < channels; c++) {
      int at = offset + (chw ? c * area : c);
      int step = chw ? 1 : channels;
      int[] sources = from.sources[c];
      if (sources.length == 1) {
        int picture = sources[0] / 3 * area * 3 + sources[0] % 3;
        for (int p = 0; p < area; p++) {
          into[at + p * step] = (pictures[picture + 3 * p] & 0xFF) / 255f;
        }
      } else {
        for (int p = 0; p < area; p++) {
          into[at + p * step] = (float) sum(sources, p, area) / sources.length / 255f;
        }
      }
    }
  }

  /** Which decoded channels make each channel of the observation. */
  private record Mapped(int[][] sources) {}

  private int sum(int[] sources, int p, int area) {
    int sum = 0;
    for (int s : sources) {
      sum += pictures[(s / 3 * area + p) * 3 + s % 3] & 0xFF;
    }
    return sum;
  }

  private static boolean isRgb(int[] mapping, ObservationSpec spec) {
    return spec.channels() == 3
        && (mapping.length == 0 || Arrays.equals(mapping, new int[] {0, 1, 2}));
  }

  /** Decodes all pictures and finds the channels. */
  private Mapped map(int count, ObservationSpec spec, int[] mapping) throws IOException {
    int channels = spec.channels();
    int[] to = mapping.length > 0 ? mapping : standardMapping(count * 3, channels);
    if (to.length != count * 3) {
      throw new IOException(
          "the channel mapping has "
              + to.length
              + " entries but "
              + count
              + " PNG hold "
              + count * 3
              + " channels");
    }
    if (channels > count * 3) {
      throw new IOException(
          count + " PNG hold no channel " + count * 3 + " of the observation's " + channels);
    }
    int[][] sources = new int[channels][0];
    for (int from = 0; from < to.length; from++) {
      int target = to[from];
      if (target >= channels) {
        throw new IOException(
            "the channel mapping names channel " + target + " but the observation has " + channels);
      }
      if (target >= 0) {
        sources[target] = Arrays.copyOf(sources[target], sources[target].length + 1);
        sources[target][sources[target].length - 1] = from;
      }
    }
    for (int c = 0; c < channels; c++) {
      if (sources[c].length == 0) {
        throw new IOException(
            count + " PNG hold no channel " + c + " of the observation's " + channels);
      }
    }
    int size = spec.height() * spec.width() * 3;
    if ((long) size * count > Integer.MAX_VALUE - 8) {
      throw new IOException(count + " PNG of " + size + " bytes are too large for one array");
    }
    if (pictures.length < size * count) {
      pictures = new byte[size * count];
    }
    int at = 0;
    for (int i = 0; i < count; i++) {
      decode(at, spec, pictures, i * size);
      at = nextSignature(end(at));
    }
    return new Mapped(sources);
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

  /** Copies the bytes, counts the pictures in them and checks that each can be what it says. */
  private int load(ByteString png, ObservationSpec spec) throws IOException {
    length = png.size();
    if (file.length < length) {
      file = new byte[length + length / 2];
    }
    png.copyTo(file, 0);
    int count = 0;
    for (int at = 0; at >= 0; at = nextSignature(end(at))) {
      check(at, spec);
      count++;
    }
    return count;
  }

  private void check(int at, ObservationSpec spec) throws IOException {
    if (!isSignature(at)) {
      throw new IOException("not a PNG: " + length + " bytes without its signature");
    }
    if (length - at < HEADER || int32(at + 12) != IHDR) {
      throw new IOException("the PNG has no header");
    }
    int width = int32(at + 16);
    int height = int32(at + 20);
    if (width != spec.width() || height != spec.height()) {
      throw new SizeException(width, height, spec.width(), spec.height());
    }
  }

  /** Where the PNG that begins at {@code at} ends: behind its IEND chunk. */
  private int end(int at) throws IOException {
    long chunk = at + SIGNATURE.length;
    while (chunk + 12 <= length) {
      boolean last = int32((int) chunk + 4) == IEND;
      chunk += 12 + (int32((int) chunk) & 0xFFFF_FFFFL);
      if (last) {
        return (int) Math.min(chunk, length);
      }
    }
    throw new IOException("the PNG is cut off after " + (length - at) + " bytes");
  }

  private int nextSignature(int from) {
    for (int at = from; at + SIGNATURE.length <= length; at++) {
      if (isSignature(at)) {
        return at;
      }
    }
    return -1;
  }

  private boolean isSignature(int at) {
    if (at + SIGNATURE.length > length) {
      return false;
    }
    for (int i = 0; i < SIGNATURE.length; i++) {
      if ((file[at + i] & 0xFF) != SIGNATURE[i]) {
        return false;
      }
    }
    return true;
  }

  private int int32(int at) {
    return (file[at] & 0xFF) << 24
        | (file[at + 1] & 0xFF) << 16
        | (file[at + 2] & 0xFF) << 8
        | (file[at + 3] & 0xFF);
  }

  /** One PNG as [height, width, 3]. */
  private void decode(int at, ObservationSpec spec, byte[] into, int offset) throws IOException {
    int width = spec.width();
    int height = spec.height();
    boolean unitys =
        file[at + 24] == 8
            && file[at + 25] == 2
            && (file[at + 26] | file[at + 27] | file[at + 28]) == 0;
    if (unitys) {
      int stride = 1 + 3 * width;
      inflate(at, height * stride);
      for (int y = 0; y < height; y++) {
        unfilter(y, 3 * width, into, offset + y * 3 * width);
      }
    } else {
      rgb(read(at, end(at)), width, height, into, offset);
    }
  }

  /** Fills {@link #rows} from the data chunks. */
  private void inflate(int at, int size) throws IOException {
    if (rows.length < size) {
      rows = new byte[size];
    }
    inflater.reset();
    int filled = 0;
    int chunk = at + SIGNATURE.length;
    try {
      while (filled < size && int32(chunk + 4) != IEND) {
        int bytes = int32(chunk);
        // end() has seen all chunks; the last may claim more than is there.
        int there = Math.min(bytes, length - chunk - 8);
        if (int32(chunk + 4) == IDAT) {
          inflater.setInput(file, chunk + 8, there);
          while (filled < size && !inflater.needsInput() && !inflater.finished()) {
            int n = inflater.inflate(rows, filled, size - filled);
            if (n == 0 && inflater.needsDictionary()) {
              throw new IOException("the PNG cannot be decoded: it needs a dictionary");
            }
            filled += n;
          }
        }
        chunk += 12 + bytes;
      }
    } catch (DataFormatException e) {
      throw new IOException("the PNG cannot be decoded: " + e.getMessage(), e);
    }
    if (filled < size) {
      throw new IOException(
          "the PNG cannot be decoded: it ends after %d of %d bytes".formatted(filled, size));
    }
  }

  /** Undoes a row's filter. a is the pixel to the left, b the one above, c above to the left. */
  private void unfilter(int y, int bytes, byte[] into, int offset) throws IOException {
    int from = y * (1 + bytes);
    int filter = rows[from++];
    int above = offset - bytes; // valid for y > 0
    switch (filter) {
      case 0 -> System.arraycopy(rows, from, into, offset, bytes);
      case 1 -> {
        for (int i = 0; i < bytes; i++) {
          int a = i < 3 ? 0 : into[offset + i - 3];
          into[offset + i] = (byte) (rows[from + i] + a);
        }
      }
      case 2 -> {
        for (int i = 0; i < bytes; i++) {
          int b = y == 0 ? 0 : into[above + i];
          into[offset + i] = (byte) (rows[from + i] + b);
        }
      }
      case 3 -> {
        for (int i = 0; i < bytes; i++) {
          int a = i < 3 ? 0 : into[offset + i - 3] & 0xFF;
          int b = y == 0 ? 0 : into[above + i] & 0xFF;
          into[offset + i] = (byte) (rows[from + i] + (a + b) / 2);
        }
      }
      case 4 -> {
        for (int i = 0; i < bytes; i++) {
          int a = i < 3 ? 0 : into[offset + i - 3] & 0xFF;
          int b = y == 0 ? 0 : into[above + i] & 0xFF;
          int c = i < 3 || y == 0 ? 0 : into[above + i - 3] & 0xFF;
          into[offset + i] = (byte) (rows[from + i] + nearest(a, b, c));
        }
      }
      default ->
          throw new IOException(
              "the PNG cannot be decoded: row " + y + " has the unknown filter " + (filter & 0xFF));
    }
  }

  /** Which of the three is nearest to a + b − c; the first of those that are. */
  private static int nearest(int a, int b, int c) {
    int toA = Math.abs(b - c);
    int toB = Math.abs(a - c);
    int toC = Math.abs(a + b - 2 * c);
    return toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
  }

  private static void rgb(BufferedImage image, int width, int height, byte[] out, int offset)
      throws IOException {
    if (image.getWidth() != width || image.getHeight() != height) {
      throw new SizeException(image.getWidth(), image.getHeight(), width, height);
    }
    if (image.getColorModel() instanceof IndexColorModel) {
      int[] argb = image.getRGB(0, 0, width, height, null, 0, width);
      for (int p = 0; p < argb.length; p++) {
        out[offset + 3 * p] = (byte) (argb[p] >> 16);
        out[offset + 3 * p + 1] = (byte) (argb[p] >> 8);
        out[offset + 3 * p + 2] = (byte) argb[p];
      }
      return;
    }
    // Samples as they are: getRGB would bend gray through a colour space.
    Raster raster = image.getRaster();
    int bands = raster.getNumBands();
    int[] samples = raster.getPixels(0, 0, width, height, (int[]) null);
    int bits = raster.getSampleModel().getSampleSize(0);
    int max = (1 << bits) - 1;
    for (int p = 0; p < height * width; p++) {
      for (int c = 0; c < 3; c++) {
        int sample = samples[p * bands + (bands < 3 ? 0 : c)];
        out[offset + 3 * p + c] = (byte) (bits == 8 ? sample : Math.round(sample * 255f / max));
      }
    }
  }

  private BufferedImage read(int at, int end) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName("png");
    if (!readers.hasNext()) {
      throw new IOException("this JDK has no PNG reader; use one with the module java.desktop");
    }
    ImageReader reader = readers.next();
    try (MemoryCacheImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(file, at, end - at))) {
      reader.setInput(in, true, true);
      return reader.read(0);
    } catch (RuntimeException e) {
      throw new IOException("the PNG cannot be decoded: " + e, e);
    } finally {
      reader.dispose();
    }
  }
}
