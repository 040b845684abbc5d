package bellman.engine;

import bellman.engine.backend.Buffer;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Buffers that wait for the next tensor of their type and size, the newest first. */
final class Arena {
  private record Size(DType dtype, long count) {}

  private final Map<Size, ArrayDeque<Buffer>> free = new HashMap<>();

  /** A buffer of that size, or null. */
  Buffer poll(DType dtype, long count) {
    ArrayDeque<Buffer> fitting = free.get(new Size(dtype, count));
    return fitting == null ? null : fitting.pollLast();
  }

  void add(Buffer buffer) {
    free.computeIfAbsent(new Size(buffer.dtype(), buffer.count()), s -> new ArrayDeque<>())
        .addLast(buffer);
  }

  /** Bytes that wait. */
  long bytes() {
    return free.values().stream().flatMap(ArrayDeque::stream).mapToLong(Buffer::bytes).sum();
  }

  /** Empties it. */
  void drain(Consumer<Buffer> to) {
    free.values().forEach(buffers -> buffers.forEach(to));
    free.clear();
  }
}
