package bellman.engine;

import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.BytePictures;
import bellman.engine.backend.Kernel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Where tensors live and work is done: a backend, the stack of open scopes and the pool that their
 * memory returns to. One thread owns a device, the first that uses it.
 */
public final class Device implements AutoCloseable {
  private final Backend backend;
  private final long memoryLimit; // bytes
  private final Arena pool = new Arena();
  private final Set<Arena> arenas = new HashSet<>(); // of captured steps
  private final Set<Buffer> shared = new HashSet<>(); // never in an arena
  private Arena current = pool;
  private List<Buffer> heldBack; // freed within a fork: the other branch may still run
  private final Scope root;
  private final Set<Scope> detached = new HashSet<>(); // results of captured steps
  private Scope innermost;
  private Thread owner;
  private String recording;
  private Map<Scope, Tensor> used; // by the body that runs just now
  private long sequences;
  private long pooledBytes;
  private long liveBytes;
  private boolean closed;

  /** A device on an opened backend; {@link Devices} opens one by name. */
  public Device(Backend backend) {
    this(backend, OptionalLong.empty());
  }

  /**
   * The same with a limit.
   *
   * @param memoryLimit the most bytes that tensors, the pool and the backend's workspaces may take
   * @throws IllegalArgumentException if the backend holds more already
   */
  public Device(Backend backend, OptionalLong memoryLimit) {
    this.backend = backend;
    this.memoryLimit = memoryLimit.orElse(Long.MAX_VALUE);
    if (backend.ownBytes() > this.memoryLimit) {
      throw new IllegalArgumentException(
          String.format(
              "a memory limit of %s: %s holds %s before the first tensor; allow more"
                  + " (--device-memory)",
              DeviceMemoryException.bytes(this.memoryLimit),
              backend.name(),
              DeviceMemoryException.bytes(backend.ownBytes())));
    }
    backend.room(this::claim);
    this.root = new Scope(this, null, "device");
    this.innermost = root;
  }

  /** What was opened: {@code oneDNN 3.11, 4 threads}. */
  public String name() {
    return backend.name();
  }

  /** The kernels, for code that defines ops; everything else calls {@link Tensor}. */
  public Backend backend() {
    return backend;
  }

  // ── lifetimes ─────────────────────────────────────────────────────────────────────────────────

  /** Opens a scope inside the innermost one. */
  public Scope scope(String name) {
    checkUse();
    innermost = new Scope(this, innermost, name);
    return innermost;
  }

  Scope innermost() {
    return innermost;
  }

  void leave(Scope scope) {
    checkUse();
    if (scope == root || scope != innermost) {
      throw new IllegalStateException(
          "scope '"
              + scope.name()
              + "' cannot close: the innermost open scope is '"
              + innermost.name()
              + "'; close scopes in the reverse order of opening");
    }
    innermost = scope.parent();
  }

  /**
   * Numbers tensors in the order of making; per device, since devices have threads of their own.
   */
  long nextSequence() {
    return sequences++;
  }

  /** Takes a captured step's scope off the stack; it lives on until {@link #end}. */
  void detach(Scope scope) {
    leave(scope);
    detached.add(scope);
  }

  void end(Scope detachedScope) {
    detached.remove(detachedScope);
    detachedScope.end();
  }

  Buffer take(DType dtype, long count) {
    checkUse();
    Buffer buffer = current.poll(dtype, count);
    if (buffer == null && current != pool) {
      buffer = pool.poll(dtype, count);
    }
    if (buffer == null) {
      buffer = allocate(dtype, count);
    } else {
      pooledBytes -= buffer.bytes();
      buffer.written(); // packed copies of its last life are stale
    }
    liveBytes += buffer.bytes();
    return buffer;
  }

  private Buffer allocate(DType dtype, long count) {
    String what = String.format(Locale.ROOT, "%,d elements of %s need", count, dtype);
    Buffer[] made = new Buffer[1];
    claim(
        what,
        Math.multiplyExact(count, (long) dtype.bytes()),
        () -> made[0] = backend.allocate(dtype, count));
    return made[0];
  }

  private void claim(String what, long size, Runnable allocation) {
    if (size > memoryLimit - heldBytes()) {
      emptyPool();
      if (size > memoryLimit - heldBytes()) {
        throw new DeviceMemoryException(this, what, size, "");
      }
    }
    try {
      allocation.run();
      return;
    } catch (OutOfMemoryError e) {
      emptyPool();
    }
    try {
      allocation.run();
    } catch (OutOfMemoryError e) {
      throw new DeviceMemoryException(this, what, size, e.getMessage());
    }
  }

  /** Gives back what waits for a next tensor; no recorded step names it. */
  private void emptyPool() {
    pooledBytes -= pool.bytes();
    pool.drain(backend::release);
  }

  void recycle(Buffer buffer) {
    liveBytes -= buffer.bytes();
    if (shared.remove(buffer)) {
      backend.release(buffer);
      return;
    }
    pooledBytes += buffer.bytes();
    if (heldBack == null) {
      current.add(buffer);
    } else {
      heldBack.add(buffer);
    }
  }

  /** Runs work that takes memory from {@code arena} and returns it there, and to nobody else. */
  <T> T in(Arena arena, Supplier<T> work) {
    Arena before = current;
    List<Buffer> outer = heldBack; // would end up in the arena around this one
    current = arena;
    arenas.add(arena);
    heldBack = null;
    try {
      return work.get();
    } finally {
      current = before;
      heldBack = outer;
    }
  }

  /** A captured step gives its memory to everybody. */
  void recycle(Arena arena) {
    arenas.remove(arena);
    arena.drain(closed ? backend::release : pool::add);
  }

  /** Bytes in living tensors. */
  public long liveBytes() {
    return liveBytes;
  }

  /** Bytes taken from the system and free for the next tensor of their size. */
  public long pooledBytes() {
    return pooledBytes;
  }

  /** Bytes taken from the system: tensors, what waits for the next ones, workspaces. */
  public long heldBytes() {
    return liveBytes + pooledBytes + backend.ownBytes();
  }

  /** Bytes that new tensors may take, by the limit and by what the system says, if it does. */
  public OptionalLong freeBytes() {
    long reusable = pool.bytes();
    long within = memoryLimit - heldBytes() + reusable;
    OptionalLong system = backend.freeBytes();
    if (system.isEmpty() && memoryLimit == Long.MAX_VALUE) {
      return system;
    }
    return OptionalLong.of(Math.min(within, system.orElse(Long.MAX_VALUE - reusable) + reusable));
  }

  /** The limit in bytes, if there is one. */
  OptionalLong memoryLimit() {
    return memoryLimit == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(memoryLimit);
  }

  /** Every scope that holds memory, the outermost first. */
  List<Scope> scopes() {
    List<Scope> scopes = new ArrayList<>(detached);
    for (Scope s = innermost; s != null; s = s.parent()) {
      scopes.add(s);
    }
    Collections.reverse(scopes);
    return scopes;
  }

  void checkUse() {
    if (closed) {
      throw new IllegalStateException("device " + name() + " is closed");
    }
    Thread current = Thread.currentThread();
    if (owner == null) {
      owner = current;
    } else if (owner != current) {
      throw new IllegalStateException(
          "device "
              + name()
              + " belongs to thread '"
              + owner.getName()
              + "', called from '"
              + current.getName()
              + "'; one thread owns a device");
    }
  }

  // ── tensors ───────────────────────────────────────────────────────────────────────────────────

  /** Undefined contents: the output of a kernel that writes every element. */
  public Tensor empty(Shape shape, DType dtype) {
    return new Tensor(this, shape, dtype, take(dtype, shape.size()), innermost);
  }

  /**
   * Pictures that lie in a table as bytes, as float32. They are made when somebody reads them,
   * which may be never: some backends convolve the bytes. So table and index must stay as they are
   * as long as this tensor is in use. In a captured step they are made inside it or never.
   *
   * @param shape [n, h, w, c]
   * @param maker writes them
   */
  public Tensor pictures(Shape shape, BytePictures pictures, Consumer<Tensor> maker) {
    checkUse();
    return Tensor.pictures(this, shape, pictures, maker, innermost);
  }

  public Tensor full(Shape shape, float value) {
    Tensor y = empty(shape, DType.FLOAT32);
    backend.fill(y.buffer(), value);
    return y;
  }

  public Tensor zeros(Shape shape) {
    return full(shape, 0f);
  }

  /** float32 values, row-major. */
  public Tensor tensor(float[] values, Shape shape) {
    checkUpload("tensor", values.length, shape);
    Tensor y = empty(shape, DType.FLOAT32);
    backend.write(y.buffer(), 0, values, 0, values.length);
    return y;
  }

  /** uint8 values, row-major. */
  public Tensor tensor(byte[] values, Shape shape) {
    checkUpload("tensor", values.length, shape);
    Tensor y = empty(shape, DType.UINT8);
    backend.write(y.buffer(), 0, values, 0, values.length);
    return y;
  }

  /** int32 values, row-major. */
  public Tensor tensor(int[] values, Shape shape) {
    checkUpload("tensor", values.length, shape);
    Tensor y = empty(shape, DType.INT32);
    backend.write(y.buffer(), 0, values, 0, values.length);
    return y;
  }

  /** A tensor with a fixed address that may be written in place: counters, statistics, rings. */
  public Tensor state(String name, float[] values, Shape shape) {
    return tensor(values, shape).mutable().named(name);
  }

  public Tensor state(String name, int[] values, Shape shape) {
    return tensor(values, shape).mutable().named(name);
  }

  /** A zeroed state of any type and size. */
  public Tensor state(String name, DType dtype, Shape shape) {
    Tensor y = empty(shape, dtype).mutable().named(name);
    backend.fill(y.buffer(), 0);
    return y;
  }

  /**
   * A state, undefined at first, for the few results that the host reads after every run of a step:
   * a kernel writes them where the host sees them, so that reading waits but copies nothing. For
   * kernels that read it, it may lie far away.
   */
  public Tensor shared(String name, DType dtype, Shape shape) {
    checkUse();
    Buffer buffer = backend.allocateShared(dtype, shape.size());
    shared.add(buffer);
    liveBytes += buffer.bytes();
    return new Tensor(this, shape, dtype, buffer, innermost).mutable().named(name);
  }

  private void checkUpload(String op, int length, Shape shape) {
    checkHost(op);
    if (length != shape.size()) {
      throw new ShapeException(op + ": " + length + " values for shape " + shape);
    }
  }

  /** Host and device may not meet inside a captured step: a replay would not repeat it. */
  void checkHost(String op) {
    checkUse();
    if (recording != null) {
      throw new IllegalStateException(
          op
              + ": the host cannot read or write tensors inside the captured step '"
              + recording
              + "'; do it between runs, through a state tensor");
    }
  }

  /** Whether a captured step's body runs just now. */
  boolean isRecording() {
    return recording != null;
  }

  /** The captured step whose body runs just now; null: none. */
  String recording() {
    return recording;
  }

  /**
   * A captured step's body begins, or ends with nulls.
   *
   * @param scopes receives a tensor of each scope whose memory the body uses
   */
  void recording(String step, Map<Scope, Tensor> scopes) {
    recording = step;
    used = scopes;
  }

  void used(Scope scope, Tensor tensor) {
    if (used != null) {
      used.putIfAbsent(scope, tensor);
    }
  }

  // ── work ──────────────────────────────────────────────────────────────────────────────────────

  /** A step to run many times; see {@link CapturedStep}. */
  public <T> CapturedStep<T> capture(String name, Supplier<T> body) {
    return new CapturedStep<>(this, name, body);
  }

  /** The results of two computations. */
  public record Both<A, B>(A first, B second) {}

  /** States that two computations do not depend on each other; both have ended when it returns. */
  public <A, B> Both<A, B> fork(Supplier<A> first, Supplier<B> second) {
    List<A> a = new ArrayList<>(1);
    List<B> b = new ArrayList<>(1);
    Runnable one = () -> a.add(first.get());
    Runnable other = () -> b.add(second.get());
    fork(one, other);
    return new Both<>(a.get(0), b.get(0));
  }

  /** The same without results. */
  public void fork(Runnable first, Runnable second) {
    joining(
        () -> {
          beside(second);
          first.run();
        });
  }

  /**
   * Runs work whose results nothing needs before the {@link #joining} around it has ended, so that
   * the device may run it beside what follows. What is put beside runs in order among itself.
   */
  public void beside(Runnable work) {
    backend.beside(work);
  }

  /**
   * The same for work that needs results of what was put beside so far; what is put beside later
   * does not wait for it.
   */
  public void trailing(Runnable work) {
    backend.trailing(work);
  }

  /**
   * Runs a body; what it put {@link #beside} has ended when this returns. Memory that is freed
   * meanwhile is given to nobody before: it may still be in use on the other side.
   */
  public void joining(Runnable body) {
    List<Buffer> outer = heldBack;
    List<Buffer> freed = new ArrayList<>();
    heldBack = freed;
    try {
      body.run();
    } finally {
      try {
        backend.join();
      } finally {
        heldBack = outer;
        freed.forEach(outer == null ? current::add : outer::add);
      }
    }
  }

  /** A stream of random numbers; equal seeds and names draw equal numbers. */
  public RandomStream random(long seed, String name) {
    return new RandomStream(this, seed, name);
  }

  /**
   * Runs an op from outside the engine over n items. Arguments are tensors (outputs come from
   * {@link #empty}), Integers and Floats, in the kernel's order. {@link Tensor#from} then states
   * how the gradient flows back.
   */
  public void launch(Kernel kernel, int n, Object... arguments) {
    List<Object> unwrapped = new ArrayList<>(arguments.length);
    for (Object argument : arguments) {
      if (!(argument instanceof Tensor
          || argument instanceof Integer
          || argument instanceof Float)) {
        throw new IllegalArgumentException(
            "launch "
                + kernel.name()
                + ": argument "
                + unwrapped.size()
                + " is "
                + (argument == null ? "null" : "a " + argument.getClass().getSimpleName())
                + "; kernels take tensors, Integers and Floats");
      }
      unwrapped.add(argument instanceof Tensor t ? t.buffer() : argument);
    }
    backend.launch(kernel, n, unwrapped.toArray());
  }

  /** Waits until all work is done. */
  public void synchronize() {
    backend.synchronize();
  }

  /** Returns all memory to the system. Every tensor of the device is dead afterwards. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (Scope s = innermost; s != null; s = s.parent()) {
      s.end();
    }
    detached.forEach(Scope::end);
    detached.clear();
    arenas.forEach(arena -> arena.drain(backend::release));
    arenas.clear();
    pool.drain(backend::release);
    backend.close();
  }
}
