package bellman.engine.cuda;

import bellman.engine.DType;
import bellman.engine.DeviceOptions;
import bellman.engine.Precision;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.BytePictures;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.backend.Fold;
import bellman.engine.backend.Kernel;
import bellman.engine.backend.Philox;
import bellman.engine.backend.Pointwise;
import bellman.engine.backend.Recording;
import bellman.engine.cuda.CudaBuffer.Address;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcudnn.JCudnn;

/**
 * One NVIDIA GPU. Work goes to one stream, in the order of the calls, save what a recorded step
 * puts beside it; the host waits only where it reads. A sum never adds in the order in which
 * threads arrive, so equal inputs give equal bits, save in convolutions, for which reproducible
 * mode picks deterministic algorithms.
 *
 * <p>{@link #record} keeps the kernels of a step as a CUDA graph: one launch for all of them.
 */
public final class CudaBackend implements Backend {
  private static final long MOST_WORKSPACE = 512L << 20; // bytes, for a convolution
  private static final int FEW_BLOCKS = 264; // of work beside: two on each of an H100's processors
  private static final int ABSENT = Integer.MIN_VALUE; // in shared memory: not written yet
  private static final VarHandle INTS =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());
  private static final int SUM_BLOCKS = 1056; // 8 on each of an H100's processors

  private final CUdevice device;
  private final CUcontext context = new CUcontext();
  private final Modules modules;
  private final Launcher launcher = new Launcher();
  private final Lane main;
  private final Lane side; // runs beside it
  private final Lane late; // runs beside both, behind what they were given
  private final Staging staging;
  private final String name;
  private Room room = (what, size, allocation) -> allocation.run(); // before a device says
  private Lane lane; // where work goes
  private Thread current; // the context belongs to a thread
  private boolean recording;
  private boolean beside; // the side lane has been given work since the last join
  private boolean trailing; // so has the late lane
  private long bytes;
  private boolean closed;

  private CudaBackend(int ordinal, DeviceOptions options) {
    Precision precision = options.precision();
    boolean reproducible = options.reproducible();
    CudaLibraries.load(options.cudaFolder());
    int driver = CudaLibraries.driver(options.cudaFolder()).version();
    int[] count = new int[1];
    Status.driver(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
    if (ordinal < 0 || ordinal >= count[0]) {
      throw new IllegalStateException(
          "cuda:" + ordinal + ": this machine has " + count[0] + " GPUs, numbered from 0");
    }
    device = new CUdevice();
    Status.driver(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
    Status.driver(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "the context");
    makeCurrent();
    int major = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    int minor = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    modules = new Modules(CacheFolder.ofUser(), major, minor, precision == Precision.FP32);
    Map<Convolutions.Shape, Convolutions.Plan> plans = new HashMap<>();
    long[] memory = new long[1];
    Status.driver(JCudaDriver.cuDeviceTotalMem(memory, device), "cuDeviceTotalMem");
    long usable = Math.min(memory[0], options.memoryLimit().orElse(memory[0]));
    long limit = Math.min(MOST_WORKSPACE, usable / 32);
    Room asked = (what, size, allocation) -> room.claim(what, size, allocation);
    Deque<Runnable> opened = new ArrayDeque<>(List.of(modules::close));
    try {
      main = new Lane(modules, launcher, plans, limit, asked, precision, reproducible);
      opened.push(main::close);
      side = new Lane(modules, launcher, plans, limit, asked, precision, reproducible);
      opened.push(side::close);
      main.sumBeside(side);
      late = new Lane(modules, launcher, plans, limit, asked, precision, reproducible);
      opened.push(late::close);
      staging = new Staging(main.stream, launcher, modules.function("deliver"));
    } catch (RuntimeException | Error e) { // another device may take its place
      opened.forEach(Runnable::run);
      throw e;
    }
    lane = main;
    long cudnn = JCudnn.cudnnGetVersion();
    name =
        String.format(
            Locale.ROOT,
            "%s (compute capability %d.%d), CUDA %d.%d, cuBLAS %d, cuDNN %d.%d.%d, %s%s",
            deviceName(),
            major,
            minor,
            driver / 1000,
            driver % 1000 / 10,
            main.products.version(),
            cudnn / 10000,
            cudnn % 10000 / 100,
            cudnn % 100,
            precision,
            reproducible ? ", reproducible" : "");
  }

  /**
   * Opens a GPU.
   *
   * @param ordinal 0 for the first
   * @param options precision of products and convolutions: BF16 allows cuBLAS that and more exact
   *     modes, and cuDNN's convolutions multiply in TF32 then; reproducible: convolutions are
   *     deterministic too; where NVIDIA's libraries lie
   * @throws IllegalStateException telling what is missing: driver, GPU, or which library
   */
  public static CudaBackend open(int ordinal, DeviceOptions options) {
    return new CudaBackend(ordinal, options);
  }

  /** The same with what the usual places hold, and all of the GPU's memory. */
  public static CudaBackend open(int ordinal, Precision precision, boolean reproducible) {
    return open(ordinal, new DeviceOptions(1, precision, reproducible));
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    Status.driver(
        JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
    return value[0];
  }

  private String deviceName() {
    byte[] text = new byte[256];
    Status.driver(JCudaDriver.cuDeviceGetName(text, text.length, device), "cuDeviceGetName");
    String all = new String(text, StandardCharsets.US_ASCII);
    return all.substring(0, all.indexOf('\0'));
  }

  /** {@code NVIDIA H100 80GB HBM3 (compute capability 9.0), CUDA 13.0, …}. */
  @Override
  public String name() {
    return name;
  }

  /** For tests: where work goes, behind what the host wrote. */
  Lane lane() {
    bind();
    return lane;
  }

  private void makeCurrent() {
    Thread caller = Thread.currentThread();
    if (current != caller) {
      Status.driver(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
      current = caller;
    }
  }

  /** Before any work: what the host wrote goes first. */
  private void bind() {
    makeCurrent();
    if (!recording) { // a recording delivers when it is launched
      staging.deliver();
    }
  }

  private CudaBuffer in(Buffer b) {
    return (CudaBuffer) b;
  }

  private CudaBuffer out(Buffer b) {
    b.written();
    return (CudaBuffer) b;
  }

  /** One thread per element. */
  private void each(String kernel, long n, Object... arguments) {
    bind();
    launcher.each(lane.stream, kernel, modules.function(kernel), n, arguments);
  }

  // ── memory ────────────────────────────────────────────────────────────────────────────────────

  @Override
  public Buffer allocate(DType dtype, long count) {
    bind();
    long size = Math.max(1, count * dtype.bytes());
    Address address = new Address();
    int status = JCudaDriver.cuMemAlloc(address, size);
    if (status == Status.OUT_OF_MEMORY) {
      long[] free = new long[1];
      long[] total = new long[1];
      JCudaDriver.cuMemGetInfo(free, total);
      throw new OutOfMemoryError(
          String.format(
              Locale.ROOT,
              "allocate: %,d bytes; the GPU has %,d free of %,d, and this device holds %,d;"
                  + " lower --buffer-size or --batch-size",
              size,
              free[0],
              total[0],
              bytes));
    }
    Status.driver(status, "allocate of " + size + " bytes");
    bytes += size;
    return new CudaBuffer(dtype, count, address, null);
  }

  /** Pinned memory, which kernels reach over the bus. */
  @Override
  public Buffer allocateShared(DType dtype, long count) {
    bind();
    long size = Math.max(1, count * dtype.bytes());
    Pointer pinned = new Pointer();
    Status.driver(
        JCudaDriver.cuMemHostAlloc(pinned, size, Staging.FLAGS),
        "cuMemHostAlloc of " + size + " bytes");
    Address address = new Address();
    Status.driver(
        JCudaDriver.cuMemHostGetDevicePointer(address, pinned, 0), "cuMemHostGetDevicePointer");
    CudaBuffer shared = new CudaBuffer(dtype, count, address, pinned);
    for (int i = 0; dtype == DType.INT32 && i < count; i++) {
      INTS.setVolatile(shared.host(0, (int) size), i * Integer.BYTES, ABSENT);
    }
    return shared;
  }

  @Override
  public OptionalLong freeBytes() {
    bind();
    long[] free = new long[1];
    long[] total = new long[1];
    int status = JCudaDriver.cuMemGetInfo(free, total);
    return status == 0 ? OptionalLong.of(free[0]) : OptionalLong.empty();
  }

  @Override
  public void room(Room keeper) {
    room = keeper;
  }

  @Override
  public long ownBytes() {
    return main.bytes() + side.bytes() + late.bytes();
  }

  @Override
  public void release(Buffer buffer) {
    bind();
    CudaBuffer b = in(buffer);
    CUdeviceptr address = b.address();
    b.markReleased();
    if (b.pinned() != null) {
      synchronize(); // kernels may still reach it
      Status.driver(JCudaDriver.cuMemFreeHost(b.pinned()), "release of shared memory");
      return;
    }
    bytes -= Math.max(1, b.bytes());
    Status.driver(JCudaDriver.cuMemFree(address), "release of " + b.bytes() + " bytes");
  }

  /** Looks where the kernels write until it is no longer what the last take left. */
  @Override
  public void take(Buffer shared, int[] to) {
    requireNotRecording("take", to.length);
    ByteBuffer host = in(shared).host(0, to.length * Integer.BYTES);
    for (int i = 0; i < to.length; i++) {
      int place = i * Integer.BYTES;
      for (int looks = 1; (int) INTS.getVolatile(host, place) == ABSENT; looks++) {
        Thread.onSpinWait();
        if (looks % 1024 == 0 && !isBusy() && (int) INTS.getVolatile(host, place) == ABSENT) {
          throw new IllegalStateException(
              "take: nothing was written to element " + i + " of " + to.length);
        }
      }
      to[i] = (int) INTS.getVolatile(host, place);
      INTS.setVolatile(host, place, ABSENT);
    }
  }

  private boolean isBusy() {
    int status = JCudaDriver.cuStreamQuery(main.stream);
    if (status != 0 && status != CUresult.CUDA_ERROR_NOT_READY) {
      Status.driver(status, "take");
    }
    return status != 0;
  }

  private void requireNotRecording(String op, long n) {
    if (recording) {
      throw new IllegalStateException(
          op
              + " of "
              + n
              + " elements: the host cannot read or write inside a step that is being recorded; do"
              + " it between runs");
    }
    makeCurrent();
  }

  private void upload(Buffer to, long at, int n, Chunk chunk) {
    requireNotRecording("write", n);
    int size = to.dtype().bytes();
    int most = Staging.most() / size;
    CudaBuffer b = out(to);
    for (int done = 0; done < n; done += most) {
      int first = done;
      int count = Math.min(most, n - done);
      staging.write(b, (at + done) * size, count * size, bytes -> chunk.move(bytes, first, count));
    }
  }

  private void download(Buffer from, long at, int n, Chunk chunk) {
    requireNotRecording("read", n);
    bind();
    int size = from.dtype().bytes();
    int most = Staging.most() / size;
    CudaBuffer b = in(from);
    if (b.pinned() != null) {
      synchronize();
      chunk.move(b.host(at * size, n * size), 0, n);
      return;
    }
    for (int done = 0; done < n; done += most) {
      int first = done;
      int count = Math.min(most, n - done);
      CUdeviceptr place = b.address().withByteOffset((at + done) * size);
      staging.read(place, count * size, bytes -> chunk.move(bytes, first, count));
    }
  }

  /** Moves elements {@code first … first + count − 1} of an array to or from pinned bytes. */
  @FunctionalInterface
  private interface Chunk {
    void move(ByteBuffer pinned, int first, int count);
  }

  @Override
  public void write(Buffer to, long at, float[] from, int start, int n) {
    upload(to, at, n, (b, first, count) -> b.asFloatBuffer().put(from, start + first, count));
  }

  @Override
  public void write(Buffer to, long at, byte[] from, int start, int n) {
    upload(to, at, n, (b, first, count) -> b.put(from, start + first, count));
  }

  @Override
  public void write(Buffer to, long at, byte[] picture, Fold fold) {
    if (!Staging.folds(at, fold)) {
      Backend.super.write(to, at, picture, fold);
      return;
    }
    requireNotRecording("write", picture.length);
    staging.write(out(to), at, picture, fold);
  }

  @Override
  public void write(Buffer to, long at, int[] from, int start, int n) {
    upload(to, at, n, (b, first, count) -> b.asIntBuffer().put(from, start + first, count));
  }

  @Override
  public void read(Buffer from, long at, float[] to, int start, int n) {
    download(from, at, n, (b, first, count) -> b.asFloatBuffer().get(to, start + first, count));
  }

  @Override
  public void read(Buffer from, long at, byte[] to, int start, int n) {
    download(from, at, n, (b, first, count) -> b.get(to, start + first, count));
  }

  @Override
  public void read(Buffer from, long at, int[] to, int start, int n) {
    download(from, at, n, (b, first, count) -> b.asIntBuffer().get(to, start + first, count));
  }

  @Override
  public void fill(Buffer y, double value) {
    if (y.count() == 0) {
      return;
    }
    bind();
    CudaBuffer to = out(y);
    int status =
        switch (y.dtype()) {
          case FLOAT32 ->
              JCudaDriver.cuMemsetD32Async(
                  to.address(), Float.floatToRawIntBits((float) value), y.count(), lane.stream);
          case INT32 ->
              JCudaDriver.cuMemsetD32Async(to.address(), (int) value, y.count(), lane.stream);
          case UINT8 ->
              JCudaDriver.cuMemsetD8Async(to.address(), (byte) (int) value, y.count(), lane.stream);
        };
    if (status != 0) {
      Status.driver(status, "fill of " + y.count() + " elements");
    }
  }

  @Override
  public void copy(Buffer x, Buffer y) {
    if (y.count() == 0) {
      return;
    }
    bind();
    int status =
        JCudaDriver.cuMemcpyDtoDAsync(out(y).address(), in(x).address(), y.bytes(), lane.stream);
    if (status != 0) {
      Status.driver(status, "copy of " + y.bytes() + " bytes");
    }
  }

  // ── pointwise ─────────────────────────────────────────────────────────────────────────────────

  @Override
  public void map(Pointwise op, float a, float b, Buffer out, Buffer... in) {
    long n = out.count();
    if (n == 0) {
      return;
    }
    bind();
    CudaBuffer x = in(in[0]);
    CudaBuffer y = op.operands() == 2 ? in(in[1]) : x;
    launcher.map(lane.stream, op, modules, n, x.address(), y.address(), a, b, out(out).address());
  }

  @Override
  public void toFloat(Buffer x, float divisor, Buffer y) {
    String kernel = x.dtype() == DType.INT32 ? "ints_to_float" : "bytes_to_float";
    each(kernel, y.count(), in(x), divisor, out(y));
  }

  @Override
  public void maskedFill(Buffer x, Buffer mask, float value, Buffer y) {
    each("masked_fill", y.count(), in(x), in(mask), value, out(y));
  }

  // ── matrices ──────────────────────────────────────────────────────────────────────────────────

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, int m, int n, int k, Buffer a, Buffer b, Buffer c) {
    if (m == 0 || n == 0) {
      return;
    }
    if (k == 0) {
      fill(c, 0);
      return;
    }
    bind();
    if (transposeA && transposeB) {
      int status =
          lane.products.run(
              true, true, m, n, k, in(a).address(), in(b).address(), out(c).address());
      Status.cublas(status, "gemm [" + m + ", " + k + "] × [" + k + ", " + n + "]");
    } else if (transposeB) { // y = x wᵀ
      product(Convolutions.Pass.FORWARD, m, k, n, in(a), in(b), out(c), null);
    } else if (transposeA) { // dw = dyᵀ x
      product(Convolutions.Pass.FILTER, k, n, m, in(b), out(c), in(a), null);
    } else { // dx = dy w
      product(Convolutions.Pass.DATA, m, n, k, out(c), in(b), in(a), null);
    }
  }

  /** x is [n, c], w [k, c], y [n, k]. */
  private void product(
      Convolutions.Pass pass,
      int n,
      int c,
      int k,
      CudaBuffer x,
      CudaBuffer w,
      CudaBuffer y,
      CudaBuffer extra) {
    lane.convolutions.run(
        pass,
        pixels(n, c, k),
        x.address(),
        w.address(),
        extra == null ? null : extra.address(),
        false,
        y.address());
  }

  private static ConvGeometry pixels(int n, int c, int k) {
    return new ConvGeometry(n, 1, 1, c, k, 1, 1, 1, 1, 0, 0);
  }

  @Override
  public void linear(
      int rows, int in, int out, Buffer x, Buffer w, Buffer bias, boolean relu, Buffer y) {
    if (rows == 0 || out == 0 || in == 0) {
      Backend.super.linear(rows, in, out, x, w, bias, relu, y);
      return;
    }
    bind();
    lane.convolutions.run(
        Convolutions.Pass.FORWARD,
        pixels(rows, in, out),
        in(x).address(),
        in(w).address(),
        in(bias).address(),
        relu,
        out(y).address());
  }

  @Override
  public void linearDataGradientRelu(
      int rows, int in, int out, Buffer w, Buffer dy, Buffer x, Buffer dx) {
    if (rows == 0 || out == 0 || in == 0) {
      Backend.super.linearDataGradientRelu(rows, in, out, w, dy, x, dx);
      return;
    }
    bind();
    product(Convolutions.Pass.DATA, rows, in, out, out(dx), in(w), in(dy), in(x));
  }

  @Override
  public void linearParameterGradients(
      int rows, int in, int out, Buffer x, Buffer dy, Buffer dw, Buffer db) {
    if (rows == 0 || out == 0 || in == 0) {
      Backend.super.linearParameterGradients(rows, in, out, x, dy, dw, db);
      return;
    }
    bind();
    product(Convolutions.Pass.FILTER, rows, in, out, in(x), out(dw), in(dy), out(db));
  }

  @Override
  public void addRow(Buffer x, Buffer row, int rows, int cols, Buffer y) {
    addRow((long) rows * cols, in(x), in(row), cols, false, out(y));
  }

  private void addRow(long n, CudaBuffer x, CudaBuffer row, int cols, boolean relu, CudaBuffer y) {
    bind();
    launcher.addRow(lane.stream, modules, n, x.address(), row.address(), cols, relu, y.address());
  }

  @Override
  public void sumRows(Buffer x, int rows, int cols, Buffer y) {
    if (cols == 0) {
      return;
    }
    if (rows == 0) {
      fill(y, 0);
      return;
    }
    bind();
    lane.sumRows(in(x).address(), out(y).address(), rows, cols);
  }

  private void reduce(String kernel, Buffer x, Buffer y) {
    bind();
    int blocks = (int) Math.max(1, Math.min(SUM_BLOCKS, (x.count() + 1023) / 1024));
    launcher.run(
        lane.stream,
        kernel,
        modules.function(kernel),
        blocks,
        1,
        Launcher.THREADS,
        1,
        in(x),
        out(y),
        lane.scratch,
        lane.tickets,
        x.count());
  }

  @Override
  public void sum(Buffer x, Buffer y) {
    reduce("sum", x, y);
  }

  @Override
  public void maxAbs(Buffer x, Buffer y) {
    reduce("max_abs", x, y);
  }

  @Override
  public void spread(Buffer x, Buffer y) {
    each("spread", y.count(), in(x), out(y));
  }

  @Override
  public void rowArgmax(Buffer x, int rows, int cols, Buffer y) {
    if (rows == 0) {
      return;
    }
    bind();
    int each = Launcher.THREADS / 32;
    launcher.run(
        lane.stream,
        "rowArgmax",
        modules.function("row_argmax"),
        (rows + each - 1) / each,
        1,
        Launcher.THREADS,
        1,
        in(x),
        rows,
        cols,
        out(y));
  }

  @Override
  public void pick(Buffer x, int rows, int cols, Buffer index, Buffer y) {
    each("pick", rows, in(x), cols, in(index), out(y));
  }

  @Override
  public void place(Buffer x, int rows, int cols, Buffer index, Buffer y) {
    each("place", (long) rows * cols, in(x), cols, in(index), out(y));
  }

  @Override
  public void oneHot(Buffer index, int rows, int cols, Buffer y) {
    each("one_hot", (long) rows * cols, in(index), cols, out(y));
  }

  @Override
  public void copyColumns(
      Buffer x, int rows, int xCols, int xAt, Buffer y, int yCols, int yAt, int n) {
    String kernel = x.dtype() == DType.UINT8 ? "copy_columns_1" : "copy_columns_4";
    each(kernel, (long) rows * n, in(x), xCols, xAt, out(y), yCols, yAt, n);
  }

  @Override
  public void permute(Buffer x, int[] dims, int[] order, Buffer y) {
    int rank = dims.length;
    if (rank > 4 || x.dtype().bytes() != 4) {
      throw new IllegalArgumentException(
          "permute: rank " + rank + " of " + x.dtype() + "; 4-byte elements of rank 4 at most");
    }
    long[] stride = new long[rank];
    long size = 1;
    for (int i = rank - 1; i >= 0; i--) {
      stride[i] = size;
      size *= dims[i];
    }
    int[] length = {1, 1, 1, 1}; // leading dimensions of 1 fill up to rank 4
    long[] step = new long[4];
    for (int i = 0; i < rank; i++) {
      length[4 - rank + i] = dims[order[i]];
      step[4 - rank + i] = stride[order[i]];
    }
    each(
        "permute", y.count(), in(x), length[1], length[2], length[3], step[0], step[1], step[2],
        step[3], out(y));
  }

  // ── convolution ───────────────────────────────────────────────────────────────────────────────

  private static boolean empty(ConvGeometry g) {
    return g.n() == 0 || g.h() == 0 || g.w() == 0 || g.c() == 0 || g.k() == 0;
  }

  @Override
  public void conv2d(ConvGeometry g, Buffer x, Buffer w, Buffer bias, Buffer y) {
    convolve(g, x, w, bias, false, y);
  }

  @Override
  public void conv2dRelu(ConvGeometry g, Buffer x, Buffer w, Buffer bias, Buffer y) {
    convolve(g, x, w, bias, true, y);
  }

  private void convolve(ConvGeometry g, Buffer x, Buffer w, Buffer bias, boolean relu, Buffer y) {
    bind();
    if (!empty(g)) {
      Address row = bias == null ? null : in(bias).address();
      lane.convolutions.run(
          Convolutions.Pass.FORWARD,
          g,
          in(x).address(),
          in(w).address(),
          row,
          relu,
          out(y).address());
      return;
    }
    fill(y, 0);
    if (bias != null && y.count() > 0) {
      addRow(y.count(), in(y), in(bias), g.k(), relu, out(y));
    }
  }

  @Override
  public void conv2dDataGradient(ConvGeometry g, Buffer w, Buffer dy, Buffer dx) {
    dataGradient(g, w, dy, null, dx);
  }

  @Override
  public void conv2dDataGradientRelu(ConvGeometry g, Buffer w, Buffer dy, Buffer x, Buffer dx) {
    dataGradient(g, w, dy, in(x).address(), dx);
  }

  private void dataGradient(ConvGeometry g, Buffer w, Buffer dy, Address relu, Buffer dx) {
    bind();
    if (empty(g)) {
      fill(dx, 0);
    } else {
      lane.convolutions.run(
          Convolutions.Pass.DATA,
          g,
          out(dx).address(),
          in(w).address(),
          relu,
          false,
          in(dy).address());
    }
  }

  @Override
  public void conv2dFilterGradient(ConvGeometry g, Buffer x, Buffer dy, Buffer dw) {
    filterGradient(g, x, dy, dw, null);
  }

  @Override
  public void conv2dParameterGradients(ConvGeometry g, Buffer x, Buffer dy, Buffer dw, Buffer db) {
    if (empty(g)) {
      Backend.super.conv2dParameterGradients(g, x, dy, dw, db);
    } else {
      filterGradient(g, x, dy, dw, out(db).address());
    }
  }

  private void filterGradient(ConvGeometry g, Buffer x, Buffer dy, Buffer dw, Address db) {
    bind();
    if (empty(g)) {
      fill(dw, 0);
    } else {
      lane.convolutions.run(
          Convolutions.Pass.FILTER,
          g,
          in(x).address(),
          out(dw).address(),
          db,
          false,
          in(dy).address());
    }
  }

  @Override
  public Optional<BytePictures.Convolution> convolution(ConvGeometry g, BytePictures x) {
    if (!lane.convolutions.readsBytes(g, x.channels())) {
      return Optional.empty();
    }
    return Optional.of(
        new BytePictures.Convolution() {
          @Override
          public void forward(Buffer w, Buffer bias, boolean relu, Buffer y) {
            Address into = out(y).address();
            run(Convolutions.Pass.FORWARD, in(w).address(), in(bias).address(), relu, into);
          }

          @Override
          public void filterGradient(Buffer dy, Buffer dw) {
            run(Convolutions.Pass.FILTER, out(dw).address(), null, false, in(dy).address());
          }

          private void run(
              Convolutions.Pass pass, Address w, Address bias, boolean relu, Address y) {
            bind();
            lane.convolutions.run(pass, g, x, w, bias, relu, y);
          }
        });
  }

  // ── state ─────────────────────────────────────────────────────────────────────────────────────

  @Override
  public void randomIntegers(Philox.Key key, Buffer step, int draw, Buffer bound, Buffer y) {
    each("random_integers", y.count(), key.seed(), key.stream(), in(step), draw, in(bound), out(y));
  }

  @Override
  public void randomUniform(Philox.Key key, Buffer step, int draw, Buffer y) {
    each("random_uniform", y.count(), key.seed(), key.stream(), in(step), draw, out(y));
  }

  @Override
  public void increment(Buffer counter, int amount) {
    bind();
    launcher.run(
        lane.stream, "increment", modules.function("increment"), 1, 1, 1, 1, out(counter), amount);
  }

  @Override
  public void adam(
      Buffer p,
      Buffer g,
      Buffer m,
      Buffer v,
      Buffer lr,
      int warmup,
      Buffer t,
      Buffer largest,
      double beta1,
      double beta2,
      double epsilon,
      double decay,
      boolean last) {
    long n = p.count();
    if (n == 0) {
      increment(t, last ? 1 : 0);
      return;
    }
    bind();
    long places = 0;
    for (Buffer b : new Buffer[] {p, g, m, v}) {
      places |= in(b).address().value();
    }
    boolean aligned = places % 16 == 0;
    int blocks = Launcher.blocks(aligned ? n / 4 + n % 4 : n);
    double[] constants = {beta1, beta2, 1 - beta1, 1 - beta2, decay};
    int[] step = new int[constants.length];
    for (int i = 0; i < step.length; i++) {
      step[i] = Float.floatToRawIntBits((float) constants[i]);
    }
    launcher.run(
        lane.stream,
        "adam",
        modules.function("adam"),
        last ? blocks : Math.min(blocks, FEW_BLOCKS),
        1,
        Launcher.THREADS,
        1,
        out(p),
        in(g),
        out(m),
        out(v),
        in(lr),
        warmup,
        out(t),
        largest == null ? (Object) 0L : out(largest),
        lane.tickets,
        step,
        (float) Math.log(beta1),
        (float) Math.log(beta2),
        (float) epsilon,
        aligned ? 1 : 0,
        last ? 1 : 0,
        n);
  }

  @Override
  public void launch(Kernel kernel, int n, Object... arguments) {
    for (Object argument : arguments) {
      if (argument instanceof Buffer b) {
        b.written(); // the kernel does not say which arguments it writes
      }
    }
    if (n == 0) {
      return;
    }
    bind();
    CUfunction function = modules.outside(kernel);
    Object[] all = new Object[arguments.length + 1];
    System.arraycopy(arguments, 0, all, 0, arguments.length);
    all[arguments.length] = n;
    int blocks = Launcher.blocks((long) n * kernel.threads());
    launcher.run(lane.stream, kernel.name(), function, blocks, 1, Launcher.THREADS, 1, all);
  }

  // ── order ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * A branch of a recorded step, which the GPU runs beside the main one: behind what that was given
   * so far, and behind what was put beside earlier. Outside a recording all runs in order, and so
   * does what a branch puts beside itself.
   */
  @Override
  public void beside(Runnable work) {
    if (!recording || lane != main) {
      work.run();
      return;
    }
    side.after(main);
    beside = true;
    on(side, work);
  }

  /** A third branch, so that nothing which is put beside later waits for it. */
  @Override
  public void trailing(Runnable work) {
    if (!recording || lane != main) {
      work.run();
      return;
    }
    late.after(main);
    if (beside) {
      late.after(side);
    }
    trailing = true;
    on(late, work);
  }

  private void on(Lane branch, Runnable work) {
    lane = branch;
    try {
      work.run();
    } finally {
      lane = main;
    }
  }

  @Override
  public void join() {
    if (lane != main) {
      return;
    }
    if (beside) {
      main.after(side);
    }
    if (trailing) {
      main.after(late);
    }
    beside = false;
    trailing = false;
  }

  @Override
  public Optional<Recording> record(Runnable work) {
    if (recording) {
      throw new IllegalStateException("a recording inside a recording; record one step at a time");
    }
    makeCurrent();
    boolean fed = staging.isWaiting(); // the host writes before this step, and will again
    recording = true;
    try {
      CUgraphExec executable =
          Capture.of(
              main.stream,
              () -> {
                if (fed) {
                  staging.record();
                }
                work.run();
              });
      return Optional.of(new Graph(executable, fed));
    } finally {
      recording = false;
      beside = false;
      trailing = false;
    }
  }

  /** The kernels of one step. */
  private final class Graph implements Recording {
    private final CUgraphExec executable;
    private final boolean fed; // begins with the delivery of what the host wrote
    private boolean dead;

    Graph(CUgraphExec executable, boolean fed) {
      this.executable = executable;
      this.fed = fed;
    }

    @Override
    public void launch() {
      if (dead) {
        throw new IllegalStateException("a recording was launched after it closed");
      }
      makeCurrent();
      if (fed) {
        staging.ride();
      } else {
        staging.deliver();
      }
      int status = JCudaDriver.cuGraphLaunch(executable, main.stream);
      if (status != 0) {
        Status.driver(status, "launch of a recorded step");
      }
    }

    @Override
    public void close() {
      if (!dead && !closed) {
        dead = true;
        synchronize();
        JCudaDriver.cuGraphExecDestroy(executable);
      }
    }
  }

  @Override
  public void synchronize() {
    bind();
    Status.driver(JCudaDriver.cuStreamSynchronize(main.stream), "synchronize");
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    makeCurrent();
    JCudaDriver.cuStreamSynchronize(main.stream); // an earlier failure has been reported already
    closed = true;
    staging.close();
    main.close();
    side.close();
    late.close();
    modules.close();
    current = null; // the context stays: making it again costs a second, cuBLAS's and cuDNN's too
  }
}
