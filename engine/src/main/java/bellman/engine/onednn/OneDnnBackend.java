package bellman.engine.onednn;

import static org.bytedeco.dnnl.global.dnnl.*;

import bellman.engine.DType;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.host.HostBackend;
import bellman.engine.host.HostBuffer;
import bellman.engine.onednn.Plan.Argument;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/**
 * Products and convolutions through oneDNN. Activations keep the engine's NHWC layout, which oneDNN
 * takes at nearly the speed of its own; filters are packed into the layout that each primitive asks
 * for. Primitives, descriptors and argument lists are made once per shape.
 *
 * <p>All calls come from one thread at a time, as {@link bellman.engine.backend.Backend} says.
 */
public final class OneDnnBackend extends HostBackend {
  private enum Pass {
    FORWARD,
    FORWARD_WITHOUT_BIAS,
    DATA,
    FILTER
  }

  private record ConvShape(Pass pass, ConvGeometry g) {}

  private record ProductShape(boolean transposeA, boolean transposeB, int m, int n, int k) {}

  /** A convolution pass: its primitive, the packing of w, or the unpacking of dw. */
  private record Conv(Plan plan, Packing weights, Plan unpack, NativeMemory packed)
      implements AutoCloseable {
    @Override
    public void close() {
      plan.close();
      if (weights != null) {
        weights.close();
      }
      if (unpack != null) {
        unpack.close();
        packed.free();
      }
    }
  }

  private static final Argument SRC = new Argument(DNNL_ARG_SRC, dnnl_query_src_md);
  private static final Argument DST = new Argument(DNNL_ARG_DST, dnnl_query_dst_md);
  private static final Argument DIFF_DST = new Argument(DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md);
  private static final Argument WEIGHTS = new Argument(DNNL_ARG_WEIGHTS, dnnl_query_weights_md);
  private static final Argument BIAS = new Argument(DNNL_ARG_BIAS, dnnl_query_weights_md, 1);

  /** Whose thread count OpenMP holds: it is a setting of each calling thread. */
  private static final ThreadLocal<Integer> OMP_THREADS = new ThreadLocal<>();

  private final Library library;
  private final Map<ConvShape, Conv> convolutions = new HashMap<>();
  private final Map<ProductShape, Plan> products = new HashMap<>();
  private boolean closed;

  private OneDnnBackend(int threads, Library library) {
    super(threads, false);
    this.library = library;
  }

  /**
   * Loads the native library, which JavaCPP unpacks into its cache folder at the first start.
   *
   * @throws IllegalStateException if it does not load, with the reason
   */
  public static OneDnnBackend open(int threads) {
    Library library;
    try {
      library = new Library();
    } catch (LinkageError | TypeNotPresentException e) {
      Throwable cause = e;
      while (cause.getCause() != null && cause.getCause() != cause) {
        cause = cause.getCause();
      }
      throw new IllegalStateException(
          "oneDNN did not load: "
              + cause
              + "; it needs the jars dnnl, javacpp and opencl and their natives for "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + " on the class path",
          e);
    }
    return new OneDnnBackend(threads, library);
  }

  @Override
  public String name() {
    return "oneDNN "
        + library.version
        + ", threads: "
        + (OpenMp.settable() ? threads() : "as OMP_NUM_THREADS says");
  }

  @Override
  protected HostBuffer allocateHost(DType dtype, long count) {
    return new NativeBuffer(dtype, count);
  }

  @Override
  public OptionalLong freeBytes() {
    return NativeMemory.available();
  }

  @Override
  public void release(Buffer buffer) {
    ((NativeBuffer) buffer).free();
  }

  private static NativeBuffer at(HostBuffer b) {
    return (NativeBuffer) b;
  }

  /** oneDNN reads the thread count when it makes a primitive and again when it runs one. */
  private void useThreads() {
    Integer now = OMP_THREADS.get();
    if (now == null || now != threads()) {
      OpenMp.threads(threads());
      OMP_THREADS.set(threads());
    }
  }

  // ── matrix product ────────────────────────────────────────────────────────────────────────────

  @Override
  protected void product(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      HostBuffer a,
      HostBuffer b,
      HostBuffer c) {
    useThreads();
    products
        .computeIfAbsent(new ProductShape(transposeA, transposeB, m, n, k), this::product)
        .run(at(a).address(), at(b).address(), at(c).address());
  }

  private Plan product(ProductShape s) {
    dnnl_memory_desc a = Library.layout(s.transposeA ? dnnl_ba : dnnl_ab, s.m, s.k);
    dnnl_memory_desc b = Library.layout(s.transposeB ? dnnl_ba : dnnl_ab, s.k, s.n);
    dnnl_memory_desc c = Library.layout(dnnl_ab, s.m, s.n);
    dnnl_primitive_desc descriptor = new dnnl_primitive_desc();
    Library.check(
        "matmul " + s,
        dnnl_matmul_primitive_desc_create(
            descriptor, library.engine, a, b, null, c, library.attributes));
    destroy(a, b, c);
    return new Plan(library, "matmul " + s, descriptor, SRC, WEIGHTS, DST);
  }

  private static void destroy(dnnl_memory_desc... layouts) {
    for (dnnl_memory_desc layout : layouts) {
      dnnl_memory_desc_destroy(layout);
    }
  }

  // ── convolution ───────────────────────────────────────────────────────────────────────────────

  @Override
  protected void convolve(
      ConvGeometry g, HostBuffer x, HostBuffer w, HostBuffer bias, HostBuffer y) {
    useThreads();
    if (bias == null) {
      Conv conv = conv(Pass.FORWARD_WITHOUT_BIAS, g);
      conv.plan.run(at(x).address(), conv.weights.of(at(w)), at(y).address());
    } else {
      Conv conv = conv(Pass.FORWARD, g);
      conv.plan.run(at(x).address(), conv.weights.of(at(w)), at(y).address(), at(bias).address());
    }
  }

  @Override
  protected void dataGradient(ConvGeometry g, HostBuffer w, HostBuffer dy, HostBuffer dx) {
    useThreads();
    Conv conv = conv(Pass.DATA, g);
    conv.plan.run(at(dy).address(), conv.weights.of(at(w)), at(dx).address());
  }

  @Override
  protected void filterGradient(ConvGeometry g, HostBuffer x, HostBuffer dy, HostBuffer dw) {
    useThreads();
    Conv conv = conv(Pass.FILTER, g);
    if (conv.unpack == null) {
      conv.plan.run(at(x).address(), at(dy).address(), at(dw).address());
    } else {
      conv.plan.run(at(x).address(), at(dy).address(), conv.packed.address());
      conv.unpack.run(conv.packed.address(), at(dw).address());
    }
  }

  private Conv conv(Pass pass, ConvGeometry g) {
    return convolutions.computeIfAbsent(new ConvShape(pass, g), this::conv);
  }

  private Conv conv(ConvShape shape) {
    ConvGeometry g = shape.g;
    // oneDNN names dimensions n, c, h, w and o, i, h, w in any layout: nhwc and ohwi are ours
    dnnl_memory_desc x = Library.layout(dnnl_nhwc, g.n(), g.c(), g.h(), g.w());
    dnnl_memory_desc y = Library.layout(dnnl_nhwc, g.n(), g.k(), g.oh(), g.ow());
    dnnl_memory_desc w = Library.layout(dnnl_ohwi, g.k(), g.c(), g.r(), g.s());
    dnnl_memory_desc any = Library.layout(dnnl_format_tag_any, g.k(), g.c(), g.r(), g.s());
    dnnl_memory_desc bias = Library.layout(dnnl_a, g.k());
    long[] strides = {g.strideH(), g.strideW()};
    long[] dilation = {0, 0};
    long[] before = {g.padH(), g.padW()};
    // what the filter reaches beyond the last row: oneDNN wants oh = (h + before + after −
    // r)/stride + 1
    long[] after = {
      Math.max(0, (g.oh() - 1L) * g.strideH() + g.r() - g.h() - g.padH()),
      Math.max(0, (g.ow() - 1L) * g.strideW() + g.s() - g.w() - g.padW())
    };
    String name = "convolution " + shape;
    dnnl_primitive_desc forward = new dnnl_primitive_desc();
    Library.check(
        name,
        dnnl_convolution_forward_primitive_desc_create(
            forward,
            library.engine,
            dnnl_forward_training,
            dnnl_convolution_direct,
            x,
            any,
            shape.pass == Pass.FORWARD_WITHOUT_BIAS ? null : bias,
            y,
            strides,
            dilation,
            before,
            after,
            library.attributes));
    Conv conv;
    switch (shape.pass) {
      case DATA -> {
        dnnl_primitive_desc d = new dnnl_primitive_desc();
        Library.check(
            name,
            dnnl_convolution_backward_data_primitive_desc_create(
                d,
                library.engine,
                dnnl_convolution_direct,
                x,
                any,
                y,
                strides,
                dilation,
                before,
                after,
                forward,
                library.attributes));
        Packing weights = new Packing(library, w, Plan.query(d, dnnl_query_weights_md, 0));
        Plan plan =
            new Plan(
                library,
                name,
                d,
                DIFF_DST,
                WEIGHTS,
                new Argument(DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md));
        conv = new Conv(plan, weights, null, null);
        dnnl_primitive_desc_destroy(forward);
      }
      case FILTER -> {
        dnnl_primitive_desc d = new dnnl_primitive_desc();
        // dw in the forward pass's layout may fall to a reference loop, 200 times slower: ask any
        Library.check(
            name,
            dnnl_convolution_backward_weights_primitive_desc_create(
                d,
                library.engine,
                dnnl_convolution_direct,
                x,
                any,
                null,
                y,
                strides,
                dilation,
                before,
                after,
                forward,
                library.attributes));
        dnnl_memory_desc chosen = Plan.query(d, dnnl_query_diff_weights_md, 0);
        Plan unpack = Plan.reorder(library, chosen, w);
        NativeMemory packed =
            unpack == null ? null : new NativeMemory(dnnl_memory_desc_get_size(chosen));
        Plan plan =
            new Plan(
                library,
                name,
                d,
                SRC,
                DIFF_DST,
                new Argument(DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md));
        conv = new Conv(plan, null, unpack, packed);
        dnnl_primitive_desc_destroy(forward);
      }
      default -> {
        Packing weights = new Packing(library, w, Plan.query(forward, dnnl_query_weights_md, 0));
        Plan plan =
            shape.pass == Pass.FORWARD
                ? new Plan(library, name, forward, SRC, WEIGHTS, DST, BIAS)
                : new Plan(library, name, forward, SRC, WEIGHTS, DST);
        conv = new Conv(plan, weights, null, null);
      }
    }
    destroy(x, y, w, any, bias);
    return conv;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    convolutions.values().forEach(Conv::close);
    products.values().forEach(Plan::close);
    library.close();
    super.close();
  }
}
