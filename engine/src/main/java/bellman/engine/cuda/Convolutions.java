package bellman.engine.cuda;

import bellman.engine.Precision;
import bellman.engine.backend.ConvGeometry;
import java.util.HashMap;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.runtime.cudaStream_t;

/**
 * Convolutions through cuDNN in NHWC. For each pass and shape the algorithms that multiply as a
 * matrix product are tried once, within a limit of workspace, and the fastest is kept; in
 * reproducible mode the first of a fixed list of deterministic ones. (Transforms by Winograd and
 * Fourier are left out: they round differently.) A shape that cuDNN declines has plan {@link
 * Plan#NONE}; the backend then runs loops of its own.
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

  private static final int RUNS = 5;

  /**
   * How one pass of one shape runs.
   *
   * @param algorithm cuDNN's number, −1: none
   * @param math cuDNN's math type
   * @param workspace bytes
   */
  record Plan(Descriptors descriptors, int algorithm, int math, long workspace) {
    static final Plan NONE = new Plan(null, -1, 0, 0);
  }

  private record Shape(Pass pass, ConvGeometry g) {}

  /** cuDNN's descriptors of one shape. */
  static final class Descriptors implements AutoCloseable {
    final cudnnTensorDescriptor x = new cudnnTensorDescriptor();
    final cudnnTensorDescriptor y = new cudnnTensorDescriptor();
    final cudnnFilterDescriptor w = new cudnnFilterDescriptor();
    final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();

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
    }

    @Override
    public void close() {
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
  private final Map<Shape, Plan> plans = new HashMap<>();
  private final Pointer one = Pointer.to(new float[] {1});
  private final Pointer zero = Pointer.to(new float[] {0});

  Convolutions(CUstream stream, Workspace workspace, Precision precision, boolean reproducible) {
    this.stream = stream;
    this.workspace = workspace;
    this.strict = precision == Precision.FP32;
    this.reproducible = reproducible;
    Status.cudnn(JCudnn.cudnnCreate(handle), "cudnnCreate");
    Status.cudnn(JCudnn.cudnnSetStream(handle, new cudaStream_t(stream)), "cudnnSetStream");
  }

  /** Runs the pass; false if cuDNN has no algorithm for it. Each operand as cuDNN names it. */
  boolean run(Pass pass, ConvGeometry g, Pointer x, Pointer w, Pointer y) {
    Shape shape = new Shape(pass, g);
    Plan plan = plans.get(shape);
    if (plan == null) {
      plan = search(pass, g, x, w, y);
      plans.put(shape, plan);
    }
    if (plan == Plan.NONE) {
      return false;
    }
    int status = launch(pass, plan, x, w, y);
    if (status != 0) {
      Status.cudnn(status, describe(pass, g) + ", algorithm " + plan.algorithm);
    }
    return true;
  }

  private static String describe(Pass pass, ConvGeometry g) {
    return switch (pass) {
      case FORWARD -> "conv2d of " + g;
      case DATA -> "conv2d data gradient of " + g;
      case FILTER -> "conv2d filter gradient of " + g;
    };
  }

  private int launch(Pass pass, Plan p, Pointer x, Pointer w, Pointer y) {
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
              p.algorithm,
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

  /** Writes the result too, so the caller's operands must be the real ones. */
  private Plan search(Pass pass, ConvGeometry g, Pointer x, Pointer w, Pointer y) {
    int[] capturing = new int[1];
    JCudaDriver.cuStreamIsCapturing(stream, capturing);
    if (capturing[0] != 0) {
      throw new IllegalStateException(
          describe(pass, g)
              + " is new to a step that is being recorded; a step has the same shapes in each run");
    }
    Descriptors d = new Descriptors(g);
    Plan best = Plan.NONE;
    float fastest = Float.MAX_VALUE;
    for (int algorithm : reproducible ? pass.deterministic : pass.all) {
      for (int math : strict ? new int[] {FMA_MATH} : new int[] {DEFAULT_MATH, FMA_MATH}) {
        JCudnn.cudnnSetConvolutionMathType(d.convolution, math);
        long[] bytes = new long[1];
        if (workspaceBytes(pass, d, algorithm, bytes) != 0 || bytes[0] > workspace.limit()) {
          continue;
        }
        Plan plan = new Plan(d, algorithm, math, bytes[0]);
        if (launch(pass, plan, x, w, y) != 0) {
          continue;
        }
        if (reproducible) {
          return plan; // a clock would choose differently in another run
        }
        float time = time(pass, plan, x, w, y);
        if (time < fastest) {
          fastest = time;
          best = plan;
        }
      }
    }
    if (best == Plan.NONE) {
      d.close();
    }
    return best;
  }

  /** The shortest of a few runs, in ms. */
  private float time(Pass pass, Plan plan, Pointer x, Pointer w, Pointer y) {
    CUevent from = new CUevent();
    CUevent to = new CUevent();
    Status.driver(JCudaDriver.cuEventCreate(from, CUevent_flags.CU_EVENT_DEFAULT), "event");
    Status.driver(JCudaDriver.cuEventCreate(to, CUevent_flags.CU_EVENT_DEFAULT), "event");
    float shortest = Float.MAX_VALUE;
    for (int i = 0; i < RUNS; i++) {
      JCudaDriver.cuEventRecord(from, stream);
      launch(pass, plan, x, w, y);
      JCudaDriver.cuEventRecord(to, stream);
      Status.driver(JCudaDriver.cuEventSynchronize(to), "timing of a convolution");
      float[] ms = new float[1];
      JCudaDriver.cuEventElapsedTime(ms, from, to);
      shortest = Math.min(shortest, ms[0]);
    }
    JCudaDriver.cuEventDestroy(from);
    JCudaDriver.cuEventDestroy(to);
    return shortest;
  }

  /** What was chosen, a line for each pass and shape. */
  String described() {
    StringBuilder text = new StringBuilder();
    plans.forEach(
        (shape, plan) ->
            text.append(describe(shape.pass, shape.g))
                .append(": ")
                .append(
                    plan == Plan.NONE
                        ? "own loops"
                        : "algorithm "
                            + plan.algorithm
                            + ", "
                            + (plan.math == FMA_MATH ? "FP32" : "TF32")
                            + ", workspace "
                            + plan.workspace)
                .append('\n'));
    return text.toString();
  }

  @Override
  public void close() {
    plans.values().stream()
        .filter(plan -> plan != Plan.NONE)
        .forEach(plan -> plan.descriptors.close());
    plans.clear();
    JCudnn.cudnnDestroy(handle);
  }
}
