package bellman.engine.cuda;

import bellman.engine.DeviceMemoryException;
import bellman.engine.Precision;
import bellman.engine.backend.Backend.Room;
import bellman.engine.backend.BytePictures;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.backend.Pointwise;
import bellman.engine.backend.RecordingException;
import bellman.engine.cuda.CudaBuffer.Address;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.runtime.cudaStream_t;

/**
 * Convolutions in NHWC on one stream: through cuDNN, as a product of cuBLAS with columns of pixels,
 * or by our own {@link Tiles}. For each pass and shape cuDNN's algorithms that multiply as a matrix
 * product, the columns and the tiles are tried once within a limit of workspace, and the fastest is
 * kept; in reproducible mode the columns, else the first of a fixed list of cuDNN's deterministic
 * algorithms. (Transforms by Winograd and Fourier are left out: they round differently.) A shape
 * that all decline gets plain loops.
 *
 * <p>A product of matrices is the convolution of images of one pixel, whose columns are the images.
 * One with a small result and many summands, which would leave most of the GPU idle, is done in
 * slices of these.
 */
final class Convolutions implements AutoCloseable {
  enum Pass {
    FORWARD(new int[] {1, 0, 2}, new int[] {1, 0, 2}),
    DATA(new int[] {1, 0}, new int[] {1}), // algorithm 0 adds in any order
    FILTER(new int[] {1, 0, 3}, new int[] {1}); // so do 0 and 3

    private final int[] all;
    private final int[] deterministic;

    Pass(int[] all, int[] deterministic) {
      this.all = all;
      this.deterministic = deterministic;
    }
  }

  private static final int FLOAT = 0;
  private static final int NHWC = 1;
  private static final int CROSS_CORRELATION = 1;

  private static final int DEFAULT_MATH = 0; // allows TF32 for float32
  private static final int FMA_MATH = 3; // does not

  private static final int COLUMNS = 100; // our numbers, beside cuDNN's
  private static final int LOOPS = 101;
  private static final int TILES = 102;
  private static final int FUSED = 103; // cuDNN's 1 with bias and relu behind it
  private static final int THIN = 104; // a product with few columns, or of few places
  private static final int THINNEST = 16; // columns at most

  private static final int[] SLICES = {2, 3, 4, 8, 16, 32, 64}; // of a product's sums
  private static final int SHORTEST = 24; // summands of a slice
  private static final int MOST_TILES = 2048; // of 32 × 32 in all slices: more fill the GPU anyway

  private static final int PRECOMPUTED_GEMM = 1; // of a forward pass
  private static final int RELU = 1;
  private static final int IDENTITY = 5;
  private static final int PROPAGATE_NAN = 1;

  private static final int RUNS = 5;
  private static final int REPEATS = 8; // in a graph, so that the host's launches do not count

  /**
   * How one pass of one shape runs.
   *
   * @param algorithm cuDNN's number, or ours
   * @param math cuDNN's math type
   * @param workspace bytes
   * @param slices in which a product of columns sums
   * @param cut of tiles; null: none
   */
  record Plan(
      ConvGeometry g,
      Descriptors descriptors,
      int algorithm,
      int math,
      long workspace,
      int slices,
      Tiles.Cut cut) {
    static Plan cudnn(ConvGeometry g, Descriptors d, int algorithm, int math, long workspace) {
      return new Plan(g, d, algorithm, math, workspace, 1, null);
    }

    static Plan ours(ConvGeometry g, int algorithm) {
      return new Plan(g, null, algorithm, 0, 0, 1, null);
    }

    static Plan columns(Pass pass, ConvGeometry g, int slices) {
      long bytes = columnBytes(g) + sliceBytes(pass, g, slices);
      return new Plan(g, null, COLUMNS, 0, bytes, slices, null);
    }

    static Plan tiles(ConvGeometry g, Tiles.Cut cut) {
      return new Plan(g, null, TILES, 0, 0, 1, cut);
    }
  }

  /**
   * What is done to which sizes.
   *
   * @param channels of a picture that lies in a table as bytes; 0: pictures are floats
   * @param aligned whether all operands lie at multiples of 16 bytes
   */
  record Shape(Pass pass, ConvGeometry g, int channels, boolean aligned) {}

  /** y[c] ← Σ_r x[r, c], perhaps beside what this stream is given next. */
  @FunctionalInterface
  interface RowSums {
    /** Starts them; the answer lets this stream wait for them. */
    Runnable start(Address x, Address y, int rows, int cols);
  }

  /** cuDNN's descriptors of one shape. */
  static final class Descriptors implements AutoCloseable {
    final cudnnTensorDescriptor x = new cudnnTensorDescriptor();
    final cudnnTensorDescriptor y = new cudnnTensorDescriptor();
    final cudnnFilterDescriptor w = new cudnnFilterDescriptor();
    final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();
    final cudnnTensorDescriptor bias = new cudnnTensorDescriptor();
    final cudnnActivationDescriptor relu = new cudnnActivationDescriptor();
    final cudnnActivationDescriptor identity = new cudnnActivationDescriptor();

    Descriptors(ConvGeometry g) {
      Status.cudnn(JCudnn.cudnnCreateTensorDescriptor(x), "x");
      Status.cudnn(JCudnn.cudnnCreateTensorDescriptor(y), "y");
      Status.cudnn(JCudnn.cudnnCreateFilterDescriptor(w), "w");
      Status.cudnn(JCudnn.cudnnCreateConvolutionDescriptor(convolution), "convolution");
      Status.cudnn(
          JCudnn.cudnnSetTensor4dDescriptor(x, NHWC, FLOAT, g.n(), g.c(), g.h(), g.w()),
          "x of " + g);
      Status.cudnn(
          JCudnn.cudnnSetTensor4dDescriptor(y, NHWC, FLOAT, g.n(), g.k(), g.oh(), g.ow()),
          "y of " + g);
      Status.cudnn(
          JCudnn.cudnnSetFilter4dDescriptor(w, FLOAT, NHWC, g.k(), g.c(), g.r(), g.s()),
          "w of " + g);
      Status.cudnn(
          JCudnn.cudnnSetConvolution2dDescriptor(
              convolution,
              g.padH(),
              g.padW(),
              g.strideH(),
              g.strideW(),
              1,
              1,
              CROSS_CORRELATION,
              FLOAT),
          "convolution of " + g);
      Status.cudnn(JCudnn.cudnnCreateTensorDescriptor(bias), "bias");
      Status.cudnn(
          JCudnn.cudnnSetTensor4dDescriptor(bias, NHWC, FLOAT, 1, g.k(), 1, 1), "bias of " + g);
      Status.cudnn(JCudnn.cudnnCreateActivationDescriptor(relu), "relu");
      Status.cudnn(JCudnn.cudnnSetActivationDescriptor(relu, RELU, PROPAGATE_NAN, 0), "relu");
      Status.cudnn(JCudnn.cudnnCreateActivationDescriptor(identity), "identity");
      Status.cudnn(
          JCudnn.cudnnSetActivationDescriptor(identity, IDENTITY, PROPAGATE_NAN, 0), "identity");
    }

    @Override
    public void close() {
      JCudnn.cudnnDestroyActivationDescriptor(identity);
      JCudnn.cudnnDestroyActivationDescriptor(relu);
      JCudnn.cudnnDestroyTensorDescriptor(bias);
      JCudnn.cudnnDestroyConvolutionDescriptor(convolution);
      JCudnn.cudnnDestroyFilterDescriptor(w);
      JCudnn.cudnnDestroyTensorDescriptor(y);
      JCudnn.cudnnDestroyTensorDescriptor(x);
    }
  }

  private final cudnnHandle handle = new cudnnHandle();
  private final CUstream stream;
  private final Workspace workspace;
  private final boolean strict;
  private final boolean reproducible;
  private final Map<Shape, Plan> plans; // shared by all streams of a backend
  private final Products products;
  private final Tiles tiles; // null: none
  private final PictureTiles pictures; // null: none
  private final RowSums rowSums;
  private final Modules modules;
  private final Launcher launcher;
  private final Pointer one = Pointer.to(new float[] {1});
  private final Pointer zero = Pointer.to(new float[] {0});

  Convolutions(
      CUstream stream,
      long workspaceLimit,
      Room room,
      Products products,
      Tiles tiles,
      Modules modules,
      Launcher launcher,
      Map<Shape, Plan> plans,
      RowSums rowSums,
      Precision precision,
      boolean reproducible) {
    this.stream = stream;
    this.rowSums = rowSums;
    this.workspace = new Workspace(workspaceLimit, room);
    this.products = products;
    this.tiles = tiles;
    this.pictures = tiles == null ? null : new PictureTiles(tiles);
    this.modules = modules;
    this.launcher = launcher;
    this.plans = plans;
    this.strict = precision == Precision.FP32;
    this.reproducible = reproducible;
    Status.cudnn(JCudnn.cudnnCreate(handle), "cudnnCreate");
    Status.cudnn(JCudnn.cudnnSetStream(handle, new cudaStream_t(stream)), "cudnnSetStream");
  }

  /**
   * Runs the pass. Each operand as cuDNN names it; one of them is the result.
   *
   * @param extra null: none; of the forward pass the bias [k]; of the data gradient an x that came
   *     out of a relu, so that dx is the gradient before it; of the filter gradient db [k]
   * @param relu whether max(·, 0) follows the forward pass's bias
   */
  void run(
      Pass pass, ConvGeometry g, Address x, Address w, Address extra, boolean relu, Address y) {
    Shape shape = new Shape(pass, g, 0, (x.value() | w.value() | y.value()) % 16 == 0);
    Plan plan = plans.get(shape);
    if (plan == null) {
      requireNoRecording(pass, g);
      plan = new Search(shape, x, w, extra, relu, y).fastest();
      plans.put(shape, plan);
    }
    int status = launch(pass, plan, x, w, extra, relu, y);
    if (status != 0 && plan.algorithm == COLUMNS) {
      Status.cublas(status, describe(pass, g));
    } else if (status != 0) {
      Status.cudnn(status, describe(pass, g) + ", algorithm " + plan.algorithm);
    }
  }

  private void requireNoRecording(Pass pass, ConvGeometry g) {
    int[] capturing = new int[1];
    JCudaDriver.cuStreamIsCapturing(stream, capturing);
    if (capturing[0] != 0) {
      throw new IllegalStateException(
          describe(pass, g)
              + " is new to a step that is being recorded; a step has the same shapes in each run");
    }
  }

  /**
   * Whether the passes of pictures in bytes have kernels; their sums have no order of their own.
   */
  boolean readsBytes(ConvGeometry g, int channels) {
    return tiles != null && !reproducible && PictureTiles.fit(g, channels);
  }

  /** The pass of pictures that lie in a table; {@link #readsBytes} says so. */
  void run(
      Pass pass, ConvGeometry g, BytePictures x, Address w, Address bias, boolean relu, Address y) {
    Shape shape = new Shape(pass, g, x.channels(), true);
    Plan plan = plans.get(shape);
    if (plan == null) {
      requireNoRecording(pass, g);
      float shortest = Float.MAX_VALUE;
      for (Tiles.Cut cut : PictureTiles.cuts(pass, g, x.channels())) {
        Runnable run = () -> pictures.run(pass, g, cut, x, w, bias, relu, y);
        run.run();
        float time = time(run, shortest);
        if (time < shortest) {
          shortest = time;
          plan = Plan.tiles(g, cut);
        }
      }
      plans.put(shape, plan);
    }
    pictures.run(pass, g, plan.cut, x, w, bias, relu, y);
  }

  private static String describe(Pass pass, ConvGeometry g) {
    if (isProduct(g)) {
      return switch (pass) {
            case FORWARD -> "product a bᵀ";
            case DATA -> "product a b";
            case FILTER -> "product aᵀ b";
          }
          + " of "
          + g;
    }
    return switch (pass) {
      case FORWARD -> "conv2d of " + g;
      case DATA -> "conv2d data gradient of " + g;
      case FILTER -> "conv2d filter gradient of " + g;
    };
  }

  /** Answers cuDNN's or cuBLAS's status. */
  int launch(Pass pass, Plan p, Address x, Address w, Address extra, boolean relu, Address y) {
    if (p.algorithm == TILES) {
      tiles.run(pass, p.g, p.cut, x, w, extra, relu, y);
      return 0;
    }
    if (p.algorithm == THIN) {
      thin(pass, p.g, x, w, extra, relu, y);
      return 0;
    }
    if (p.algorithm == FUSED && extra != null) { // the plan serves calls without a bias, too
      return fused(p, x, w, extra, relu, y);
    }
    if (p.algorithm == COLUMNS && pass == Pass.DATA && !isProduct(p.g)) {
      return fromColumns(p.g, x, w, extra, y);
    }
    boolean sums = pass == Pass.FILTER && extra != null;
    Runnable waiting = sums ? rowSums.start(y, extra, rows(p.g), p.g.k()) : () -> {};
    int status = p.slices > 1 ? sliced(pass, p, x, w, extra, relu, y) : launch(pass, p, x, w, y);
    waiting.run();
    if (status != 0 || extra == null || p.slices > 1) {
      return status;
    }
    switch (pass) {
      case FORWARD -> {
        long n = (long) rows(p.g) * p.g.k();
        launcher.addRow(stream, modules, n, y, extra, p.g.k(), relu, y);
      }
      case DATA -> {
        long n = (long) p.g.n() * p.g.h() * p.g.w() * p.g.c();
        launcher.map(stream, Pointwise.RELU_GRADIENT, modules, n, x, extra, 0, 0, x);
      }
      case FILTER -> {} // its sums were started first
    }
    return status;
  }

  private int fused(Plan p, Address x, Address w, Address bias, boolean relu, Address y) {
    Descriptors d = p.descriptors;
    int status = JCudnn.cudnnSetConvolutionMathType(d.convolution, p.math);
    return status != 0
        ? status
        : JCudnn.cudnnConvolutionBiasActivationForward(
            handle,
            one,
            d.x,
            x,
            d.w,
            w,
            d.convolution,
            PRECOMPUTED_GEMM,
            workspace.atLeast(p.workspace),
            p.workspace,
            zero,
            d.y,
            y,
            d.bias,
            bias,
            relu ? d.relu : d.identity,
            d.y,
            y);
  }

  private int launch(Pass pass, Plan p, Address x, Address w, Address y) {
    if (p.algorithm == COLUMNS) {
      return product(pass, p.g, 1, toColumns(p.g, x, 0), w, y);
    }
    if (p.algorithm == LOOPS) {
      loops(pass, p.g, x, w, y);
      return 0;
    }
    Descriptors d = p.descriptors;
    int status = JCudnn.cudnnSetConvolutionMathType(d.convolution, p.math);
    if (status != 0) {
      return status;
    }
    Pointer space = workspace.atLeast(p.workspace);
    return switch (pass) {
      case FORWARD ->
          JCudnn.cudnnConvolutionForward(
              handle,
              one,
              d.x,
              x,
              d.w,
              w,
              d.convolution,
              p.algorithm == FUSED ? PRECOMPUTED_GEMM : p.algorithm,
              space,
              p.workspace,
              zero,
              d.y,
              y);
      case DATA ->
          JCudnn.cudnnConvolutionBackwardData(
              handle,
              one,
              d.w,
              w,
              d.y,
              y,
              d.convolution,
              p.algorithm,
              space,
              p.workspace,
              zero,
              d.x,
              x);
      case FILTER ->
          JCudnn.cudnnConvolutionBackwardFilter(
              handle,
              one,
              d.x,
              x,
              d.y,
              y,
              d.convolution,
              p.algorithm,
              space,
              p.workspace,
              zero,
              d.w,
              w);
    };
  }

  static int[] geometry(ConvGeometry g) {
    return new int[] {
      g.n(),
      g.h(),
      g.w(),
      g.c(),
      g.k(),
      g.r(),
      g.s(),
      g.strideH(),
      g.strideW(),
      g.padH(),
      g.padW(),
      g.oh(),
      g.ow()
    };
  }

  private void loops(Pass pass, ConvGeometry g, Address x, Address w, Address y) {
    int[] sizes = geometry(g);
    switch (pass) {
      case FORWARD -> each("conv_forward", (long) rows(g) * g.k(), sizes, x, w, y);
      case DATA -> each("conv_data", (long) g.n() * g.h() * g.w() * g.c(), sizes, w, y, x);
      case FILTER -> each("conv_filter", (long) g.k() * depth(g), sizes, x, y, w);
    }
  }

  /** A product with few columns, y of one row, or a convolution with few places. */
  void thin(
      Pass pass, ConvGeometry g, Address x, Address w, Address extra, boolean relu, Address y) {
    Object more = extra == null ? (Object) 0L : extra;
    int in = g.c();
    int out = g.k();
    int fours = in / 4;
    int across = (out + 3) / 4;
    int max = relu ? 1 : 0;
    switch (pass) {
      case FORWARD -> {
        if (!isProduct(g)) {
          tiles.few(g, x, w, more, relu, y);
          return;
        }
        int threads = Math.max(1, Math.min(8, (fours + 127) / 128)) * 32; // of four loads each
        if (out > THINNEST) { // of one row
          thin("row_forward", out, 1, threads, 1, x, w, more, max, y, in);
        } else {
          thin("thin_forward", g.n(), across, threads, 1, x, w, more, max, y, in, out);
        }
      }
      case DATA -> thin("thin_data", g.n(), (fours + 127) / 128, 128, 1, y, w, more, x, in, out);
      case FILTER ->
          thin("thin_filter", (fours + 7) / 8, across, 8, 32, x, y, w, more, g.n(), in, out);
    }
  }

  private void thin(
      String kernel, int gridX, int gridY, int blockX, int blockY, Object... arguments) {
    CUfunction function = modules.function(kernel);
    launcher.run(stream, kernel, function, gridX, gridY, blockX, blockY, arguments);
  }

  private void each(String kernel, long n, Object... arguments) {
    launcher.each(stream, kernel, modules.function(kernel), n, arguments);
  }

  private static int rows(ConvGeometry g) {
    return Math.multiplyExact(Math.multiplyExact(g.n(), g.oh()), g.ow());
  }

  private static int depth(ConvGeometry g) {
    return Math.multiplyExact(Math.multiplyExact(g.r(), g.s()), g.c());
  }

  /**
   * col [n·oh·ow, r·s·c], the pixels under each place of the filter, written {@code at} bytes into
   * the workspace; of a product x itself.
   */
  private Address toColumns(ConvGeometry g, Address x, long at) {
    if (isProduct(g)) {
      return x;
    }
    Address col = workspace.atLeast(at + columnBytes(g)).plus(at);
    if (fours(g) && x.value() % 16 == 0) {
      each("columns_4", 32L * rows(g), geometry(g), x, col);
    } else {
      each("columns", 32L * rows(g), geometry(g), x, col);
    }
    return col;
  }

  /** y = col wᵀ, col = y w or w = yᵀ col. Answers cuBLAS's status. */
  private int product(Pass pass, ConvGeometry g, int slices, Address col, Address w, Address y) {
    int rows = rows(g);
    int depth = depth(g);
    return switch (pass) {
      case FORWARD -> products.run(false, true, rows, g.k(), depth, slices, col, w, y);
      case DATA -> products.run(false, false, rows, depth, g.k(), slices, y, w, col);
      case FILTER -> products.run(true, false, g.k(), depth, rows, slices, y, col, w);
    };
  }

  /** dx gathers dcol = dy w; extra as in {@link #run}. Answers cuBLAS's status. */
  private int fromColumns(ConvGeometry g, Address dx, Address w, Address extra, Address dy) {
    Address col = workspace.atLeast(columnBytes(g));
    int status = product(Pass.DATA, g, 1, col, w, dy);
    long n = (long) g.n() * g.h() * g.w() * g.c();
    Object relu = extra == null ? (Object) 0L : extra;
    if (g.c() % 4 == 0 && (dx.value() | value(extra)) % 16 == 0) {
      each("from_columns_4", n / 4, geometry(g), col, relu, dx);
    } else {
      each("from_columns", n, geometry(g), col, relu, dx);
    }
    return status;
  }

  /**
   * A product in slices, put together with what follows it, but the sums of a filter gradient;
   * extra as in {@link #run}. Answers cuBLAS's status.
   */
  private int sliced(
      Pass pass, Plan p, Address x, Address w, Address extra, boolean relu, Address y) {
    Address slices = workspace.atLeast(p.workspace);
    long at = sliceBytes(pass, p.g, p.slices);
    int status =
        switch (pass) {
          case FORWARD -> product(pass, p.g, p.slices, toColumns(p.g, x, at), w, slices);
          case DATA -> product(pass, p.g, p.slices, slices, w, y);
          case FILTER -> product(pass, p.g, p.slices, toColumns(p.g, x, at), slices, y);
        };
    Address result = pass == Pass.FORWARD ? y : pass == Pass.DATA ? x : w;
    Address row = pass == Pass.FORWARD ? extra : null;
    Address gate = pass == Pass.DATA ? extra : null;
    long places = value(result) | value(row) | value(gate);
    boolean fours = p.g.k() % 4 == 0 && results(pass, p.g) % 4 == 0 && places % 16 == 0;
    int some = fours ? 4 : 1;
    each(
        fours ? "sum_slices_4" : "sum_slices",
        results(pass, p.g) / some,
        slices,
        p.slices,
        row == null ? (Object) 0L : row,
        p.g.k() / some,
        relu ? 1 : 0,
        gate == null ? (Object) 0L : gate,
        result);
    return status;
  }

  private static long value(Address address) {
    return address == null ? 0 : address.value();
  }

  private static long columnBytes(ConvGeometry g) {
    return isProduct(g) ? 0 : 4L * rows(g) * depth(g);
  }

  /** Of all slices, up to where columns may begin. */
  private static long sliceBytes(Pass pass, ConvGeometry g, int slices) {
    return slices == 1 ? 0 : (4 * slices * results(pass, g) + 255) / 256 * 256;
  }

  /** Elements of a product's result. */
  private static long results(Pass pass, ConvGeometry g) {
    return switch (pass) {
      case FORWARD -> (long) rows(g) * g.k();
      case DATA -> (long) rows(g) * depth(g);
      case FILTER -> (long) g.k() * depth(g);
    };
  }

  private static boolean isProduct(ConvGeometry g) {
    return g.h() == 1 && g.w() == 1 && g.r() == 1 && g.s() == 1;
  }

  /** Whether four neighbours in a column start at a multiple of four in x and stay together. */
  private static boolean fours(ConvGeometry g) {
    return g.c() % 4 == 0
        || (g.padW() == 0
            && g.s() * g.c() % 4 == 0
            && g.strideW() * g.c() % 4 == 0
            && g.w() * g.c() % 4 == 0);
  }

  /**
   * Products of columns that may be worth a try, in one piece first. Only a result of few tiles
   * gains from slices; pixels gather from columns that are whole.
   */
  static List<Plan> columns(Pass pass, ConvGeometry g) {
    List<Plan> plans = new ArrayList<>(List.of(Plan.columns(pass, g, 1)));
    long tiles = (results(pass, g) + 1023) / 1024;
    int summands =
        switch (pass) {
          case FORWARD -> depth(g);
          case DATA -> isProduct(g) ? g.k() : 0;
          case FILTER -> rows(g);
        };
    for (int slices : SLICES) {
      if (summands % slices == 0 && summands / slices >= SHORTEST && slices * tiles <= MOST_TILES) {
        plans.add(Plan.columns(pass, g, slices));
      }
    }
    return plans;
  }

  private int workspaceBytes(Pass pass, Descriptors d, int algorithm, long[] bytes) {
    return switch (pass) {
      case FORWARD ->
          JCudnn.cudnnGetConvolutionForwardWorkspaceSize(
              handle, d.x, d.w, d.convolution, d.y, algorithm, bytes);
      case DATA ->
          JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
              handle, d.w, d.y, d.convolution, d.x, algorithm, bytes);
      case FILTER ->
          JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
              handle, d.x, d.y, d.convolution, d.w, algorithm, bytes);
    };
  }

  /** Tries plans with the caller's operands, and so writes the result. */
  private final class Search {
    private final Pass pass;
    private final ConvGeometry g;
    private final boolean aligned;
    private final Address x;
    private final Address w;
    private final Address extra;
    private final boolean relu;
    private final Address y;
    private Plan best;
    private float shortest = Float.MAX_VALUE;

    Search(Shape shape, Address x, Address w, Address extra, boolean relu, Address y) {
      this.pass = shape.pass;
      this.g = shape.g;
      this.aligned = shape.aligned;
      this.x = x;
      this.w = w;
      this.extra = extra;
      this.relu = relu;
      this.y = y;
      this.best = Plan.ours(g, LOOPS);
    }

    Plan fastest() {
      boolean product = isProduct(g);
      List<Plan> columns =
          columns(pass, g).stream().filter(p -> p.workspace <= workspace.limit()).toList();
      if (reproducible && !columns.isEmpty()) {
        return columns.get(0); // a clock would choose differently in another run
      }
      boolean ours = tiles != null && !reproducible && aligned;
      List<Tiles.Cut> cuts = ours ? Tiles.cuts(pass, g.folded()) : List.of();
      // Tiles split long sums themselves: beside them slices would win nothing and take a second.
      columns.stream().limit(cuts.isEmpty() ? columns.size() : 1).forEach(this::consider);
      if (ours && isThin()) {
        consider(Plan.ours(g, THIN));
      }
      cuts.forEach(cut -> consider(Plan.tiles(g.folded(), cut)));
      if (!product) {
        for (ConvGeometry shape : g.equals(g.folded()) ? List.of(g) : List.of(g, g.folded())) {
          Descriptors d = new Descriptors(shape);
          considerCudnn(shape, d);
          if (best.descriptors != d) {
            d.close();
          }
        }
      }
      return best;
    }

    private boolean isThin() {
      if (isProduct(g)) {
        boolean thin = g.k() <= THINNEST || (pass == Pass.FORWARD && g.n() == 1);
        return thin && g.c() % 4 == 0;
      }
      return pass == Pass.FORWARD && Tiles.fewPlaces(g);
    }

    private void considerCudnn(ConvGeometry shape, Descriptors d) {
      for (int algorithm : reproducible ? pass.deterministic : pass.all) {
        for (int math : strict ? new int[] {FMA_MATH} : new int[] {DEFAULT_MATH, FMA_MATH}) {
          JCudnn.cudnnSetConvolutionMathType(d.convolution, math);
          long[] bytes = new long[1];
          if (workspaceBytes(pass, d, algorithm, bytes) != 0 || bytes[0] > workspace.limit()) {
            continue;
          }
          if (consider(Plan.cudnn(shape, d, algorithm, math, bytes[0])) && reproducible) {
            return; // the first that runs
          }
          if (pass == Pass.FORWARD && extra != null && algorithm == PRECOMPUTED_GEMM) {
            consider(Plan.cudnn(shape, d, FUSED, math, bytes[0]));
          }
        }
      }
    }

    /** Whether the plan runs. */
    private boolean consider(Plan plan) {
      try {
        if (launch(pass, plan, x, w, extra, relu, y) != 0) {
          return false;
        }
      } catch (DeviceMemoryException e) { // another may need less
        return false;
      }
      float time = time(() -> launch(pass, plan, x, w, extra, relu, y), shortest);
      if (time < shortest) {
        shortest = time;
        if (best.descriptors != null && best.descriptors != plan.descriptors) {
          best.descriptors.close();
        }
        best = plan;
      }
      return true;
    }
  }

  /**
   * The shortest of a few runs as they would be in a recorded step, in ms; it stops where that will
   * not be {@code shortest}.
   */
  private float time(Runnable work, float shortest) {
    Status.driver(JCudaDriver.cuStreamSynchronize(stream), "timing");
    CUgraphExec executable;
    try {
      executable =
          Capture.of(
              stream,
              () -> {
                for (int i = 0; i < REPEATS; i++) {
                  work.run();
                }
              });
    } catch (RecordingException e) {
      return Float.MAX_VALUE; // it is no choice for a step
    }
    CUevent from = new CUevent();
    CUevent to = new CUevent();
    Status.driver(JCudaDriver.cuEventCreate(from, CUevent_flags.CU_EVENT_DEFAULT), "timing");
    Status.driver(JCudaDriver.cuEventCreate(to, CUevent_flags.CU_EVENT_DEFAULT), "timing");
    float least = Float.MAX_VALUE;
    for (int i = 0; i < RUNS; i++) {
      JCudaDriver.cuEventRecord(from, stream);
      Status.driver(JCudaDriver.cuGraphLaunch(executable, stream), "timing");
      JCudaDriver.cuEventRecord(to, stream);
      Status.driver(JCudaDriver.cuEventSynchronize(to), "timing");
      float[] ms = new float[1];
      JCudaDriver.cuEventElapsedTime(ms, from, to);
      least = Math.min(least, ms[0] / REPEATS);
      if (least > 1.5f * shortest) {
        break; // no matter by how much
      }
    }
    JCudaDriver.cuGraphExecDestroy(executable);
    JCudaDriver.cuEventDestroy(from);
    JCudaDriver.cuEventDestroy(to);
    return least;
  }

  long bytes() {
    return workspace.bytes();
  }

  @Override
  public void close() {
    plans.values().stream()
        .filter(plan -> plan.descriptors != null)
        .forEach(plan -> plan.descriptors.close());
    plans.clear(); // the first stream that closes does it for all
    JCudnn.cudnnDestroy(handle);
    workspace.close();
  }
}
