package bellman.benchmarks;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.host.JavaBackend;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A device of which one kernel gets the last element of its result wrong. */
final class Faulty {
  private static final Set<String> RESULT_FIRST = Set.of("map", "adam");

  private Faulty() {}

  /**
   * @param method of {@link Backend}
   */
  static Device device(String method) {
    Backend sound = new JavaBackend(1);
    return new Device(
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, called, arguments) -> {
                  Object answer;
                  try {
                    answer = called.invoke(sound, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                  if (called.getName().equals(method)) {
                    spoil(sound, result(method, arguments));
                  }
                  return answer;
                }));
  }

  private static Buffer result(String method, Object[] arguments) {
    List<Buffer> buffers = new ArrayList<>();
    for (Object argument : arguments) {
      Object[] several = argument instanceof Object[] array ? array : new Object[] {argument};
      for (Object one : several) {
        if (one instanceof Buffer b) {
          buffers.add(b);
        }
      }
    }
    return buffers.get(RESULT_FIRST.contains(method) ? 0 : buffers.size() - 1);
  }

  private static void spoil(Backend backend, Buffer b) {
    long last = b.count() - 1;
    if (b.dtype() == DType.FLOAT32) {
      float[] value = new float[1];
      backend.read(b, last, value, 0, 1);
      backend.write(b, last, new float[] {value[0] + 1}, 0, 1);
    } else {
      int[] value = new int[1];
      backend.read(b, last, value, 0, 1);
      backend.write(b, last, new int[] {value[0] + 1}, 0, 1);
    }
  }
}
