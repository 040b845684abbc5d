package bellman.engine.onednn;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Sets the number of OpenMP threads of the calling thread, which no binding offers.
 *
 * <p>JavaCPP frees foreign memory by calling a C function of one pointer-sized argument at a given
 * address; here that function is {@code omp_set_num_threads}. Every 64-bit calling convention in
 * use passes an int and a pointer in the same register. Where this fails, OMP_NUM_THREADS at the
 * process's start decides.
 */
final class OpenMp {
  private static final OpenMp INSTANCE = find();

  private final Object caller;
  private final Method call;
  private final long function;

  private OpenMp(Object caller, Method call, long function) {
    this.caller = caller;
    this.call = call;
    this.function = function;
  }

  private static OpenMp find() {
    try {
      for (String file : Loader.getLoadedLibraries().values()) {
        if (file != null && (file.contains("gomp") || file.contains("omp."))) {
          Loader.loadGlobal(file);
        }
      }
      Pointer function = Loader.addressof("omp_set_num_threads");
      if (function == null || function.isNull()) {
        return null;
      }
      Class<?> type = Class.forName("org.bytedeco.javacpp.Pointer$NativeDeallocator");
      Constructor<?> make = type.getDeclaredConstructor(Pointer.class, long.class, long.class);
      make.setAccessible(true);
      Method call = type.getDeclaredMethod("deallocate", long.class, long.class);
      call.setAccessible(true);
      return new OpenMp(make.newInstance(new Pointer(), 0L, 0L), call, function.address());
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      return null;
    }
  }

  /** Whether {@link #threads} has an effect here. */
  static boolean settable() {
    return INSTANCE != null;
  }

  /** Parallel regions that the calling thread starts from now on use {@code count} threads. */
  static void threads(int count) {
    if (INSTANCE == null) {
      return;
    }
    try {
      INSTANCE.call.invoke(INSTANCE.caller, (long) count, INSTANCE.function);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("omp_set_num_threads(" + count + ") cannot be called", e);
    }
  }
}
