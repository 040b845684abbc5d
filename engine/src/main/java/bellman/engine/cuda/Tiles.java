package bellman.engine.cuda;

import bellman.engine.backend.ConvGeometry;
import bellman.engine.cuda.Convolutions.Pass;
import bellman.engine.cuda.CudaBuffer.Address;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import jcuda.driver.CUstream;

/**
 * Our own convolutions and products on tensor cores ({@code tiles.cu}), in TF32: for shapes without
 * padding whose rows begin at multiples of 16 bytes.
 */
final class Tiles {
  /** Rows and columns of the result that a block makes; the kernels are compiled for these. */
  private static final int[][] SIZES = {
    {128, 64}, {128, 32}, {64, 64}, {32, 128}, {64, 32}, {32, 64}, {32, 32}, {32, 16}
  };

  private static final int THREADS = 128;
  private static final int SLICE = 16; // of the reduction
  private static final int[] BLOCKS = {
    132, 264, 528
  }; // 1, 2 and 4 for each of an H100's processors
  private static final int LEAST_SLICES = 4; // for a block that shares a tile

  /**
   * How a pass is cut.
   *
   * @param rows of a tile
   * @param cols of a tile
   * @param splits blocks that share a tile's reduction
   */
  record Cut(int rows, int cols, int splits) {
    @Override
    public String toString() {
      return rows + "×" + cols + (splits == 1 ? "" : "/" + splits);
    }
  }

  private final CUstream stream;
  private final Modules modules;
  private final Launcher launcher;
  private final Address scratch;
  private final Address tickets;

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
    List<Cut> cuts = new ArrayList<>();
    for (int[] size : SIZES) {
      long tiles = tiles(pass, g, size[0], size[1]);
      Set<Integer> splits = new LinkedHashSet<>(List.of(1));
      if (pass != Pass.DATA) {
        for (int blocks : BLOCKS) {
          splits.add((int) Math.max(1, Math.min(blocks / tiles, slices(pass, g) / LEAST_SLICES)));
        }
      }
      for (int n : splits) {
        boolean room =
            n == 1
                || (tiles <= Lane.MOST_TICKETS
                    && 4L * tiles * n * size[0] * size[1] <= Lane.SCRATCH);
        if (room && tiles <= Integer.MAX_VALUE) {
          cuts.add(new Cut(size[0], size[1], n));
        }
      }
    }
    return cuts;
  }

  private static boolean fits(Pass pass, ConvGeometry g) {
    if (g.padH() != 0 || g.padW() != 0) {
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
      case FORWARD -> pixels && g.k() % 2 == 0 && (run % SLICE == 0 || g.r() == 1);
      case DATA -> g.k() % 4 == 0 && g.c() % 4 == 0;
      case FILTER -> pixels && g.k() % 4 == 0;
    };
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
    return up(pass == Pass.FORWARD ? g.r() * g.s() * g.c() : g.n() * g.oh() * g.ow(), SLICE);
  }

  private static long tiles(Pass pass, ConvGeometry g, int rows, int cols) {
    return (long) up(rows(pass, g), rows) * up(cols(pass, g), cols);
  }

  private static int up(int n, int by) {
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
    String size = "_" + cut.rows + "x" + cut.cols;
    int tiles = Math.toIntExact(tiles(pass, g, cut.rows, cut.cols));
    int[] sizes = Convolutions.geometry(g);
    Object more = extra == null ? (Object) 0L : extra;
    switch (pass) {
      case FORWARD -> {
        int max = relu ? 1 : 0;
        launch("forward" + size, tiles, cut.splits, sizes, x, w, more, max, y, scratch, tickets);
      }
      case DATA -> launch("data" + size, tiles, g.strideH() * g.strideW(), sizes, y, w, more, x);
      case FILTER -> launch("filter" + size, tiles, cut.splits, sizes, x, y, w, scratch, tickets);
    }
  }

  private void launch(String kernel, int tiles, int blocks, Object... arguments) {
    launcher.run(stream, kernel, modules.function(kernel), tiles, blocks, THREADS, 1, arguments);
  }
}
