package bellman.engine.cuda;

import static jcuda.driver.JCudaDriver.cuLaunchKernel;

import bellman.engine.backend.Pointwise;
import bellman.engine.cuda.CudaBuffer.Address;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Starts kernels. Their arguments lie in one piece of native memory: CUDA copies them during the
 * call, so the same piece serves every launch.
 */
final class Launcher {
  private static final int SLOT = 64; // bytes: a convolution's geometry is the largest argument
  private static final int MOST = 48;

  /** Threads of a block where a kernel does not say otherwise. */
  static final int THREADS = 256;

  private final ByteBuffer arguments =
      ByteBuffer.allocateDirect(SLOT * MOST).order(ByteOrder.nativeOrder());
  private final Pointer[] lists = new Pointer[MOST + 1]; // pointers to the first k arguments

  Launcher() {
    Pointer[] slots = new Pointer[MOST];
    for (int i = 0; i < MOST; i++) {
      arguments.position(i * SLOT);
      slots[i] = Pointer.to(arguments.slice());
    }
    arguments.position(0);
    for (int k = 0; k <= MOST; k++) {
      Pointer[] first = new Pointer[k];
      System.arraycopy(slots, 0, first, 0, k);
      lists[k] = Pointer.to(first);
    }
  }

  /** One thread for each of {@code n} items, which is the kernel's last argument, a 64-bit int. */
  void each(CUstream stream, String name, CUfunction kernel, long n, Object... arguments) {
    if (n == 0) {
      return;
    }
    Object[] all = new Object[arguments.length + 1];
    System.arraycopy(arguments, 0, all, 0, arguments.length);
    all[arguments.length] = n;
    run(stream, name, kernel, blocks(n), 1, THREADS, 1, all);
  }

  /** out[i] ← op(x[i], y[i]; a, b) for {@code n} elements. */
  void map(
      CUstream stream,
      Pointwise op,
      Modules modules,
      long n,
      Address x,
      Address y,
      float a,
      float b,
      Address out) {
    boolean wide = (x.value() | y.value() | out.value()) % 16 == 0;
    int blocks = blocks(wide ? n / 4 + n % 4 : n);
    run(
        stream,
        op.name(),
        modules.row(op),
        blocks,
        1,
        THREADS,
        1,
        x,
        y,
        a,
        b,
        out,
        wide ? 1 : 0,
        n);
  }

  /** y ← x + row for a matrix of {@code n} elements, max(·, 0) of it if {@code relu}. */
  void addRow(
      CUstream stream,
      Modules modules,
      long n,
      Address x,
      Address row,
      int cols,
      boolean relu,
      Address y) {
    boolean fours = cols % 4 == 0 && (x.value() | row.value() | y.value()) % 16 == 0;
    String kernel = fours ? "add_row_4" : "add_row";
    int some = fours ? 4 : 1;
    each(
        stream, "addRow", modules.function(kernel), n / some, x, row, cols / some, relu ? 1 : 0, y);
  }

  static int blocks(long threads) {
    long blocks = (threads + THREADS - 1) / THREADS;
    if (blocks > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a kernel over " + threads + " items; at most 549,755,813,632 fit in one launch");
    }
    return (int) blocks;
  }

  /** Arguments are buffers, addresses, Integers, Longs, Floats, Doubles, and int[] for a struct. */
  void run(
      CUstream stream,
      String name,
      CUfunction kernel,
      int gridX,
      int gridY,
      int blockX,
      int blockY,
      Object... arguments) {
    run(stream, name, kernel, gridX, gridY, blockX, blockY, 0, arguments);
  }

  /**
   * The same with memory that a block's threads share.
   *
   * @param shared bytes, beside what the kernel itself declares
   */
  void run(
      CUstream stream,
      String name,
      CUfunction kernel,
      int gridX,
      int gridY,
      int blockX,
      int blockY,
      int shared,
      Object[] arguments) {
    if (arguments.length > MOST) {
      throw new IllegalArgumentException(
          name + ": " + arguments.length + " arguments; at most " + MOST);
    }
    for (int i = 0; i < arguments.length; i++) {
      put(name, i, arguments[i]);
    }
    int status =
        cuLaunchKernel(
            kernel,
            gridX,
            gridY,
            1,
            blockX,
            blockY,
            1,
            shared,
            stream,
            lists[arguments.length],
            null);
    if (status != 0) {
      String grid = " <<<" + gridX + " × " + gridY + ", " + blockX + " × " + blockY + ">>>";
      Status.driver(status, name + sizes(arguments) + grid);
    }
  }

  /** {@code (float32[4096], pointer, 64, 0.5)}. */
  private static String sizes(Object[] arguments) {
    return Stream.of(arguments)
        .map(
            a -> {
              if (a instanceof CudaBuffer b) {
                return b.dtype() + "[" + b.count() + "]";
              }
              return a instanceof Address
                  ? "pointer"
                  : a instanceof int[] struct ? Arrays.toString(struct) : a.toString();
            })
        .collect(Collectors.joining(", ", "(", ")"));
  }

  private void put(String name, int i, Object argument) {
    int at = i * SLOT;
    if (argument instanceof CudaBuffer b) {
      arguments.putLong(at, b.address().value());
    } else if (argument instanceof CudaBuffer.Address a) {
      arguments.putLong(at, a.value());
    } else if (argument instanceof Integer v) {
      arguments.putInt(at, v);
    } else if (argument instanceof Long v) {
      arguments.putLong(at, v);
    } else if (argument instanceof Float v) {
      arguments.putFloat(at, v);
    } else if (argument instanceof Double v) {
      arguments.putDouble(at, v);
    } else if (argument instanceof int[] v) {
      for (int j = 0; j < v.length; j++) {
        arguments.putInt(at + 4 * j, v[j]);
      }
    } else {
      throw new IllegalArgumentException(
          name
              + ": argument "
              + i
              + " is a "
              + argument.getClass().getSimpleName()
              + "; tensors, Integers and Floats are known");
    }
  }
}
