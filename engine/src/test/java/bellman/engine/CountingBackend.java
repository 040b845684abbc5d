package bellman.engine;

import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.reference.ReferenceBackend;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/** The reference backend, and how often each of its kernels was called. */
final class CountingBackend implements InvocationHandler {
  private final Backend backend = ReferenceBackend.floats();
  private final Map<String, Integer> calls = new HashMap<>();
  private final Set<Buffer> allocated = Collections.newSetFromMap(new IdentityHashMap<>());

  Backend proxy() {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, this);
  }

  int calls(String method) {
    return calls.getOrDefault(method, 0);
  }

  /** Buffers that were allocated and not released. */
  int held() {
    return allocated.size();
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    calls.merge(method.getName(), 1, Integer::sum);
    if (method.getName().equals("release") && !allocated.remove(arguments[0])) {
      throw new IllegalStateException("released twice, or never allocated");
    }
    Object result;
    try {
      result = method.invoke(backend, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    if (method.getName().startsWith("allocate")) {
      allocated.add((Buffer) result);
    }
    return result;
  }
}
