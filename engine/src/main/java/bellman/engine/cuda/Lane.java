package bellman.engine.cuda;

import bellman.engine.Precision;
import bellman.engine.backend.Backend.Room;
import bellman.engine.cuda.CudaBuffer.Address;
import java.util.Map;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * A stream and what must not be shared with work that runs at the same time: handles, workspaces,
 * and the places where sums meet.
 */
final class Lane implements AutoCloseable {
  static final int MOST_TICKETS = 1 << 16;
  static final long SCRATCH = 8L << 20; // bytes for the parts of a sum
  private static final int ROW_BLOCKS =
      528; // of a sum over rows: 4 on each of an H100's processors

  /** {@code off} leaves everything to cuDNN and cuBLAS, to be measured or trusted more. */
  static final String TILES = "bellman.cuda.tiles";

  private final Modules modules;
  private final Launcher launcher;
  final CUstream stream = new CUstream();
  final CUevent here = new CUevent(); // marks a place in the stream, for another to wait for
  final Products products;
  final Tiles tiles; // null: none
  final Convolutions convolutions;
  final Address scratch = new Address();
  final Address tickets = new Address();
  private Lane sums; // null: this one

  Lane(
      Modules modules,
      Launcher launcher,
      Map<Convolutions.Shape, Convolutions.Plan> plans,
      long workspaceLimit,
      Room room,
      Precision precision,
      boolean reproducible) {
    this.modules = modules;
    this.launcher = launcher;
    Status.driver(
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "a stream");
    Status.driver(
        JCudaDriver.cuEventCreate(here, CUevent_flags.CU_EVENT_DISABLE_TIMING), "an event");
    Status.driver(JCudaDriver.cuMemAlloc(scratch, SCRATCH), "memory for sums");
    Status.driver(JCudaDriver.cuMemAlloc(tickets, 4L * MOST_TICKETS), "memory for sums");
    Status.driver(
        JCudaDriver.cuMemsetD32Async(tickets, 0, MOST_TICKETS, stream), "memory for sums");
    products = new Products(stream, room, precision);
    boolean ours = modules.hasTiles() && !"off".equals(System.getProperty(TILES));
    tiles = ours ? new Tiles(stream, modules, launcher, scratch, tickets) : null;
    convolutions =
        new Convolutions(
            stream,
            workspaceLimit,
            room,
            products,
            tiles,
            modules,
            launcher,
            plans,
            this::sumRowsBeside,
            precision,
            reproducible);
  }

  /** Lets sums of rows run beside the products that go with them, where a step is recorded. */
  void sumBeside(Lane other) {
    sums = other;
  }

  private Runnable sumRowsBeside(Address x, Address y, int rows, int cols) {
    int[] capturing = new int[1];
    JCudaDriver.cuStreamIsCapturing(stream, capturing);
    if (sums == null || capturing[0] == 0) {
      sumRows(x, y, rows, cols);
      return () -> {};
    }
    sums.after(this);
    sums.sumRows(x, y, rows, cols);
    return () -> after(sums);
  }

  /** y[c] ← Σ_r x[r, c], of one row or more. */
  void sumRows(Address x, Address y, int rows, int cols) {
    int fours = (cols - 1) / 4 + 1;
    int across = Math.min(16, Integer.highestOneBit(2 * fours - 1)); // a power of two
    int down = Launcher.THREADS / across;
    int columnBlocks = (fours - 1) / across + 1;
    // Four rows a thread at least; 528 parts of 64 columns fit the scratch.
    int parts = Math.max(1, Math.min(ROW_BLOCKS / columnBlocks, (rows - 1) / (4 * down) + 1));
    int aligned = cols % 4 == 0 && x.value() % 16 == 0 ? 1 : 0;
    CUfunction kernel = modules.function("sum_rows");
    launcher.run(
        stream,
        "sumRows",
        kernel,
        columnBlocks,
        parts,
        across,
        down,
        x,
        y,
        scratch,
        tickets,
        aligned,
        rows,
        cols);
  }

  /** Work given to this lane from now on starts after what {@code other} was given so far. */
  void after(Lane other) {
    Status.driver(JCudaDriver.cuEventRecord(other.here, other.stream), "cuEventRecord");
    Status.driver(JCudaDriver.cuStreamWaitEvent(stream, other.here, 0), "cuStreamWaitEvent");
  }

  /** Device memory that is not in buffers. */
  long bytes() {
    return SCRATCH + 4L * MOST_TICKETS + products.bytes() + convolutions.bytes();
  }

  @Override
  public void close() {
    convolutions.close();
    products.close();
    JCudaDriver.cuMemFree(scratch);
    JCudaDriver.cuMemFree(tickets);
    JCudaDriver.cuEventDestroy(here);
    JCudaDriver.cuStreamDestroy(stream);
  }
}
