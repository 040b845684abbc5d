package bellman.engine.onednn;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Two settings of oneDNN's OpenMP team that neither its API nor JavaCPP's binding offers: how many
 * threads, and whether they sleep between kernels. (Java's own way to call C functions came with
 * version 22.)
 *
 * <p>JavaCPP frees foreign memory by calling a C function with one pointer at a given address; here
 * the function is {@code omp_set_num_threads} or {@code putenv}. Every 64-bit calling convention in
 * use passes an int where it passes a pointer. Where this fails, the environment at the process's
 * start decides, as without it.
 */
final class OpenMp {
  private static Call setNumThreads;

  private OpenMp() {}

  /** A C function of one argument, whose result is dropped. */
  private record Call(Object caller, Method method, long function) {
    /** Null if the function, or the way to call it, is not there. */
    static Call of(String name) {
      try {
        Pointer function = Loader.addressof(name);
        if (function == null || function.isNull()) {
          return null;
        }
        Class<?> type = Class.forName("org.bytedeco.javacpp.Pointer$NativeDeallocator");
        Constructor<?> make = type.getDeclaredConstructor(Pointer.class, long.class, long.class);
        make.setAccessible(true);
        Method method = type.getDeclaredMethod("deallocate", long.class, long.class);
        method.setAccessible(true);
        return new Call(make.newInstance(new Pointer(), 0L, 0L), method, function.address());
      } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
        return null;
      }
    }

    void with(long argument) {
      try {
        method.invoke(caller, argument, function);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("a C function cannot be called through JavaCPP", e);
      }
    }
  }

  /**
   * Makes idle OpenMP threads sleep, unless the environment says otherwise. It counts only before
   * the library loads. Threads that spin between kernels take the cores from Java's workers and
   * from a player: on a busy machine of two cores a forward pass took 20 ms instead of 3.
   */
  static void sleepBetweenKernels() {
    String variable = "OMP_WAIT_POLICY";
    if (System.getenv(variable) != null || !System.getProperty("os.name").equals("Linux")) {
      return;
    }
    Call putenv = Call.of("putenv");
    if (putenv == null) {
      return;
    }
    byte[] text = (variable + "=passive\0").getBytes(StandardCharsets.US_ASCII);
    Pointer kept = Pointer.malloc(text.length); // putenv keeps the string itself: never freed
    new BytePointer(kept).capacity(text.length).put(text, 0, text.length);
    putenv.with(kept.address());
  }

  /** To be called once the library is loaded. */
  static void find() {
    if (setNumThreads != null) {
      return;
    }
    for (String file : Loader.getLoadedLibraries().values()) {
      if (file != null && file.contains("omp")) {
        Loader.loadGlobal(file); // visible to addressof
      }
    }
    setNumThreads = Call.of("omp_set_num_threads");
  }

  /** Whether {@link #threads} has an effect here. */
  static boolean settable() {
    return setNumThreads != null;
  }

  /** Parallel regions that the calling thread starts from now on use {@code count} threads. */
  static void threads(int count) {
    if (setNumThreads != null) {
      setNumThreads.with(count);
    }
  }
}
