package bellman.engine.cuda;

import bellman.engine.backend.BytePictures;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.cuda.Convolutions.Pass;
import bellman.engine.cuda.CudaBuffer.Address;
import bellman.engine.cuda.Tiles.Cut;
import java.util.ArrayList;
import java.util.List;

/**
 * Convolutions of pictures that lie in a table as bytes ({@code pictures.cu}): forward, and the
 * gradient of the filter.
 */
final class PictureTiles {
  private static final int ROWS = 16; // places that a warp makes
  private static final int COLS = 32; // filters of a block, and columns of them
  private static final int[] PARTS = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16}; // of a picture's places
  private static final int MOST_WARPS = 24;

  private static final int SHARES = 8; // warps of a block, which share its sums
  private static final int STEPS = 3; // that a warp has under way
  private static final int PLACES = 16; // of a step
  private static final int DY_ROW = 4 * 40; // bytes
  private static final int MOST_IMAGES = 2048;
  private static final int MOST_EACH = 256; // of a group
  private static final int FEW = 64; // blocks
  private static final int MANY = 2048;

  private final Tiles tiles;

  PictureTiles(Tiles tiles) {
    this.tiles = tiles;
  }

  /** Whether both passes have cuts. */
  static boolean fit(ConvGeometry g, int channels) {
    return g.n() > 0
        && g.n() <= MOST_IMAGES
        && Tiles.divides(g)
        && g.padH() == 0
        && g.padW() == 0
        && g.k() % 4 == 0
        && channels % 16 == 0
        && g.s() * channels % COLS == 0
        && !cuts(Pass.FORWARD, g, channels).isEmpty()
        && !cuts(Pass.FILTER, g, channels).isEmpty();
  }

  /**
   * All cuts of a pass, of pictures that {@link #fit}. Forward, rows are a block's places. Of the
   * filter gradient, columns are a block's columns, groups the warps that share their sum, rows the
   * pictures of a block, and splits the groups of pictures.
   */
  static List<Cut> cuts(Pass pass, ConvGeometry g, int channels) {
    List<Cut> cuts = new ArrayList<>();
    if (pass == Pass.FORWARD) {
      int warps = Tiles.up(g.oh() * g.ow(), ROWS);
      int last = 0;
      for (int parts : PARTS) {
        int each = Tiles.up(warps, parts);
        Cut cut = new Cut(each * ROWS, COLS, 1, 1);
        if (each != last && each <= MOST_WARPS && shared(cut, g, channels) <= Tiles.MOST_SHARED) {
          cuts.add(cut);
        }
        last = each;
      }
      return cuts;
    }
    int tiles = g.r() * g.s() * channels / COLS * Tiles.up(g.k(), COLS);
    for (int each = Math.min(MOST_EACH, g.n()); each > 0; each /= 2) {
      int groups = groups(g, channels, each);
      long parts = 4L * tiles * groups * COLS * COLS;
      boolean busy = tiles * groups >= FEW || each == 1;
      if (busy
          && tiles * groups <= MANY
          && parts <= Lane.SCRATCH
          && tiles * (g.c() / channels) <= Lane.MOST_TICKETS) {
        cuts.add(new Cut(each, COLS, groups, SHARES));
      }
    }
    return cuts;
  }

  /** As many as there may be: the last of each gate may be short, and that of none is empty. */
  private static int groups(ConvGeometry g, int channels, int each) {
    return Tiles.up(g.n(), each) + g.c() / channels - 1;
  }

  /** What kernels divide by. */
  private static int[] divisors(ConvGeometry g, int channels, int tiles) {
    return Tiles.join(
        Tiles.divisor(g.ow()),
        Tiles.divisor(g.s() * channels),
        Tiles.divisor(channels),
        Tiles.divisor(tiles),
        Tiles.divisor(Tiles.up(g.oh() * g.ow(), PLACES)));
  }

  /** Bytes of a block of the forward pass: filters, and the pictures' rows under its places. */
  private static int shared(Cut cut, ConvGeometry g, int channels) {
    int depth = g.r() * g.s() * channels;
    int row = depth + (depth % 32 == 0 ? 16 : 0);
    int rows = Math.min(g.oh(), (cut.rows() + g.ow() - 2) / g.ow() + 1); // of y, at most
    return 4 * COLS * row + ((rows - 1) * g.strideH() + g.r()) * g.w() * channels;
  }

  /** The pass, cut so. */
  void run(
      Pass pass,
      ConvGeometry g,
      Cut cut,
      BytePictures x,
      Address w,
      Address bias,
      boolean relu,
      Address y) {
    int[] sizes = Convolutions.geometry(g);
    int channels = x.channels();
    int words = x.words();
    int filters = Tiles.up(g.k(), COLS);
    if (pass == Pass.FORWARD) {
      int ofPicture = Tiles.up(g.oh() * g.ow(), cut.rows());
      Object row = bias == null ? (Object) 0L : bias;
      tiles.launch(
          "forward_pictures",
          g.n(),
          ofPicture * filters,
          cut.rows() / ROWS * 32,
          shared(cut, g, channels),
          sizes,
          divisors(g, channels, ofPicture),
          x.frames(),
          x.index(),
          x.about(),
          words,
          w,
          row,
          relu ? 1 : 0,
          y);
      return;
    }
    int shared = SHARES * Math.max(STEPS * PLACES * (DY_ROW + COLS), COLS * COLS * 4);
    int across = g.r() * g.s() * channels / COLS;
    tiles.launch(
        "filter_pictures",
        across * filters,
        cut.splits(),
        SHARES * 32,
        shared,
        sizes,
        divisors(g, channels, across),
        x.frames(),
        x.index(),
        x.about(),
        words,
        cut.rows(),
        y,
        w,
        tiles.scratch,
        tiles.tickets);
  }
}
