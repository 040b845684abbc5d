package bellman.engine.cuda;

import bellman.engine.backend.ConvGeometry;
import bellman.engine.cuda.Convolutions.Pass;
import bellman.engine.cuda.CudaBuffer.Address;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Our own convolutions and products on tensor cores ({@code tiles.cu}), in TF32, or in FP32 as
 * three products in TF32: for shapes whose rows begin at multiples of 16 bytes.
 */
final class Tiles {
  /** Rows and columns of a tile, and most groups: the kernels are compiled for these. */
  private static final int[][] SIZES = {
    {128, 64, 1},
    {128, 32, 2},
    {64, 64, 2},
    {32, 128, 2},
    {64, 32, 8},
    {32, 64, 8},
    {32, 32, 8},
    {32, 16, 8}
  };

  static final int MOST_SHARED = 99 << 10; // bytes of a block's rings; all GPUs have that
  private static final int FULL = 132 * 32; // warps that keep an H100 busy
  private static final int SLICE = 16; // of the reduction
  private static final int[] BLOCKS = {
    0, 132, 264, 528
  }; // as many as tiles; 1, 2 and 4 for each of an H100's processors
  private static final int MOST_TILES = 1 << 16; // so that their number divides itself
  private static final int FEW = 64; // places; as in tiles.cu
  private static final int FEW_DEEP = 640; // elements of a filter, likewise
  private static final int FEW_THREADS = 512;
  private static final int LEAST_SLICES = 2; // for a warp or four whose block shares a tile

  /**
   * How a pass is cut.
   *
   * @param rows of a tile
   * @param cols of a tile
   * @param splits blocks that share a tile's reduction
   * @param groups of a block, which share its part of it
   */
  record Cut(int rows, int cols, int splits, int groups) {
    /** Of a group. */
    private int warps() {
      return isLarge() ? 4 : 1;
    }

    /** A warpgroup's, where there are such. */
    private boolean isLargest() {
      return rows == 128 && cols == 64;
    }

    private boolean isLarge() {
      return rows * cols > 2048;
    }

    /**
     * Bytes for the rings of a block's groups, whose parts of a tile fit, too; and where Hopper's
     * warpgroups multiply, two slices of b in high and low.
     */
    private int shared() {
      int stages = warps() == 1 ? 2 : 4;
      int arranged = isLargest() ? 4 * cols : 0;
      return SLICE * 4 * (groups * stages * (rows + Math.max(24, cols)) + arranged);
    }

    @Override
    public String toString() {
      return rows
          + "×"
          + cols
          + (splits == 1 ? "" : "/" + splits)
          + (groups == 1 ? "" : "·" + groups);
    }
  }

  private final CUstream stream;
  private final Modules modules;
  private final Launcher launcher;
  final Address scratch;
  final Address tickets;

  Tiles(CUstream stream, Modules modules, Launcher launcher, Address scratch, Address tickets) {
    this.stream = stream;
    this.modules = modules;
    this.launcher = launcher;
    this.scratch = scratch;
    this.tickets = tickets;
  }

  /** All cuts that fit the pass; none where the kernels cannot do it. */
  static List<Cut> cuts(Pass pass, ConvGeometry g) {
    if (!fits(pass, g)) {
      return List.of();
    }
    Set<Cut> cuts = new LinkedHashSet<>();
    for (int[] size : SIZES) {
      long tiles = tiles(pass, g, size[0], size[1]);
      if (tiles > MOST_TILES) {
        continue;
      }
      for (int groups = 1; groups <= size[2]; groups *= 2) {
        for (int blocks : BLOCKS) {
          long most = Math.min(blocks / tiles, slices(pass, g) / (LEAST_SLICES * groups));
          Cut cut = new Cut(size[0], size[1], (int) Math.max(1, most), groups);
          long warps = tiles * cut.splits * groups * cut.warps();
          boolean idle = groups == 1 || warps <= FULL; // else groups gain nothing
          boolean compiled = cut.isLarge() || !padded(pass, g);
          if (idle && compiled && cut.shared() <= MOST_SHARED && hasRoom(cut, tiles)) {
            cuts.add(cut);
          }
        }
      }
    }
    return List.copyOf(cuts);
  }

  /** Whether the parts of the blocks that share a tile fit their places. */
  private static boolean hasRoom(Cut cut, long tiles) {
    long bytes = 4L * tiles * cut.splits * cut.rows * (cut.cols + 1);
    return cut.splits == 1
        || (tiles * tickets(cut.splits) <= Lane.MOST_TICKETS && bytes <= Lane.SCRATCH);
  }

  /** Whether kernels can divide without dividing: what by what stays below 2^32. */
  static boolean divides(ConvGeometry g) {
    long places = Math.max((long) g.n() * g.oh() * g.ow(), (long) g.n() * g.h() * g.w());
    long by = Math.max(Math.max(g.w(), g.h()), Math.max(g.s() * g.c(), g.k()));
    long most = Math.max(places, (long) g.r() * g.s() * Math.max(g.c(), g.k()));
    return most * by < 1L << 32;
  }

  /** Whether the kernel must look what is outside of the picture; the data gradient always does. */
  private static boolean padded(Pass pass, ConvGeometry g) {
    return pass != Pass.DATA && (g.padH() != 0 || g.padW() != 0);
  }

  private static boolean fits(Pass pass, ConvGeometry g) {
    if (!divides(g) || (padded(pass, g) && g.c() % 4 != 0)) {
      return false;
    }
    boolean one = g.oh() == 1 && g.ow() == 1;
    int run = g.s() * g.c(); // a row of the filter
    boolean pixels =
        run % 4 == 0
            && (long) g.h() * g.w() * g.c() % 4 == 0
            && (one || g.strideW() * g.c() % 4 == 0)
            && (g.r() == 1 && g.oh() == 1 || g.w() * g.c() % 4 == 0);
    return switch (pass) {
      case FORWARD -> pixels && g.k() % 4 == 0 && (run % SLICE == 0 || g.r() == 1);
      case DATA -> g.k() % 4 == 0 && g.c() % 4 == 0;
      case FILTER -> pixels && g.k() % 4 == 0;
    };
  }

  /** For a division by {@code d} without dividing; see {@code tiles.cu}. */
  static int[] divisor(int d) {
    return new int[] {d, d == 1 ? 0 : (int) ((1L << 32) / d + 1)};
  }

  static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  /** The cut of a pass as kernels take it. */
  private static int[] tiling(Pass pass, ConvGeometry g, Cut cut) {
    int size = cohort(cut.splits);
    int[] numbers = {
      cut.splits, up(slices(pass, g), cut.splits * cut.groups), up(cut.splits, size)
    };
    return join(numbers, divisor(size), divisor(up(cols(pass, g), cut.cols)));
  }

  /** What kernels divide by: as {@code tiles.cu}'s Divisors. */
  private static int[] divisors(ConvGeometry g, long tiles) {
    return join(
        divisor(g.ow()),
        divisor(g.oh()),
        divisor(g.s() * g.c()),
        divisor(g.strideH()),
        divisor(g.strideW()),
        divisor(g.c()),
        divisor(Math.toIntExact(tiles / (g.strideH() * g.strideW()))),
        divisor(up(g.k(), SLICE)));
  }

  private static int rows(Pass pass, ConvGeometry g) {
    return switch (pass) {
      case FORWARD -> g.n() * g.oh() * g.ow();
      case DATA -> // of the phase that has most
          g.n() * up(g.h(), g.strideH()) * up(g.w(), g.strideW());
      case FILTER -> g.k();
    };
  }

  private static int cols(Pass pass, ConvGeometry g) {
    return switch (pass) {
      case FORWARD -> g.k();
      case DATA -> g.c();
      case FILTER -> g.r() * g.s() * g.c();
    };
  }

  private static int slices(Pass pass, ConvGeometry g) {
    return switch (pass) {
      case FORWARD -> up(g.r() * g.s() * g.c(), SLICE);
      case DATA -> up(g.r(), g.strideH()) * up(g.s(), g.strideW()) * up(g.k(), SLICE);
      case FILTER -> up(g.n() * g.oh() * g.ow(), SLICE);
    };
  }

  private static long tiles(Pass pass, ConvGeometry g, int rows, int cols) {
    int phases = pass == Pass.DATA ? g.strideH() * g.strideW() : 1;
    return (long) up(rows(pass, g), rows) * up(cols(pass, g), cols) * phases;
  }

  /** That a tile needs: one for each cohort of the blocks that share it, one for the cohorts. */
  private static int tickets(int splits) {
    return up(splits, cohort(splits)) + 1;
  }

  private static int cohort(int splits) {
    return splits <= 8 ? splits : (int) Math.ceil(Math.sqrt(splits));
  }

  static int up(int n, int by) {
    return (n + by - 1) / by;
  }

  /** The pass, cut so; operands as {@link Convolutions#run} has them. */
  void run(
      Pass pass,
      ConvGeometry g,
      Cut cut,
      Address x,
      Address w,
      Address extra,
      boolean relu,
      Address y) {
    int tiles = Math.toIntExact(tiles(pass, g, cut.rows, cut.cols));
    int[] sizes = Convolutions.geometry(g);
    int[] by = divisors(g, pass == Pass.DATA ? tiles : g.strideH() * g.strideW());
    int[] t = tiling(pass, g, cut);
    Object more = extra == null ? (Object) 0L : extra;
    switch (pass) {
      case FORWARD -> {
        int max = relu ? 1 : 0;
        launch(
            pass, padded(pass, g), tiles, cut, sizes, by, t, x, w, more, max, y, scratch, tickets);
      }
      case DATA -> launch(pass, false, tiles, cut, sizes, by, t, y, w, more, x, scratch, tickets);
      case FILTER ->
          launch(pass, padded(pass, g), tiles, cut, sizes, by, t, x, y, w, more, scratch, tickets);
    }
  }

  /** Whether the forward pass has few places, each of few pixels, and so a kernel of its own. */
  static boolean fewPlaces(ConvGeometry g) {
    boolean few = (long) g.n() * g.oh() * g.ow() <= FEW && (long) g.r() * g.s() * g.c() <= FEW_DEEP;
    boolean plain = g.padH() == 0 && g.padW() == 0;
    boolean fours = g.s() * g.c() % 4 == 0 && g.strideW() * g.c() % 4 == 0;
    return few && plain && fours && g.w() * g.c() % 4 == 0;
  }

  /** The forward pass by that kernel. */
  void few(ConvGeometry g, Address x, Address w, Object bias, boolean relu, Address y) {
    CUfunction function = modules.function("few_forward");
    int[] by = divisors(g, g.strideH() * g.strideW());
    int[] sizes = Convolutions.geometry(g);
    int max = relu ? 1 : 0;
    launcher.run(
        stream, "few_forward", function, g.k(), 1, FEW_THREADS, 1, sizes, by, x, w, bias, max, y);
  }

  private void launch(Pass pass, boolean padded, int tiles, Cut cut, Object... arguments) {
    String size = "_" + cut.rows + "x" + cut.cols + (padded ? "_padded" : "");
    String kernel = pass.name().toLowerCase(Locale.ROOT) + size;
    int threads = cut.groups * cut.warps() * 32;
    launch(kernel, tiles, cut.splits, threads, cut.shared(), arguments);
  }

  /** With {@code shared} bytes of rings. */
  void launch(String kernel, int gridX, int gridY, int threads, int shared, Object... arguments) {
    CUfunction function = modules.function(kernel, MOST_SHARED);
    launcher.run(stream, kernel, function, gridX, gridY, threads, 1, shared, arguments);
  }
}
