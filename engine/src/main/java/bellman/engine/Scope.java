package bellman.engine;

import bellman.engine.backend.Buffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A lifetime. A new tensor belongs to the innermost open scope of its device; closing the scope
 * returns its memory to the device's pool, so that a steady step allocates nothing. Scopes close in
 * the reverse order of opening.
 *
 * <pre>{@code
 * try (Scope step = device.scope("step")) {
 *   Tensor loss = …;          // dies with the step
 *   best = step.keep(loss);   // moved to the scope around it
 * }
 * }</pre>
 */
public final class Scope implements AutoCloseable {
  private final Device device;
  private final Scope parent;
  private final String name;
  private final List<Tensor> owned = new ArrayList<>();
  private boolean open = true;

  Scope(Device device, Scope parent, String name) {
    this.device = device;
    this.parent = parent;
    this.name = name;
  }

  public String name() {
    return name;
  }

  public boolean isOpen() {
    return open;
  }

  void own(Tensor tensor) {
    owned.add(tensor);
  }

  /** Moves a tensor of this scope to the scope around it, and returns it. */
  public Tensor keep(Tensor tensor) {
    Tensor memory = tensor.memory();
    if (parent == null) {
      throw new IllegalStateException(
          "keep: scope '"
              + name
              + "' is the outermost; "
              + tensor
              + " lives until the device closes");
    }
    if (!owned.remove(memory)) {
      throw new IllegalStateException(
          "keep: " + tensor + " does not belong to scope '" + name + "'");
    }
    memory.moveTo(parent);
    return tensor;
  }

  Scope parent() {
    return parent;
  }

  /** Tensors whose memory ends with it. */
  List<Tensor> owned() {
    return Collections.unmodifiableList(owned);
  }

  /** Ends the lifetime; a tensor of it that is used afterwards is an error that names both. */
  @Override
  public void close() {
    if (!open) {
      return;
    }
    device.leave(this);
    end();
  }

  /** Returns the memory to the pool, newest first, so that the same step finds the same buffers. */
  void end() {
    open = false;
    for (int i = owned.size() - 1; i >= 0; i--) {
      Buffer buffer = owned.get(i).detachBuffer();
      if (buffer != null) {
        device.recycle(buffer);
      }
    }
    owned.clear();
  }
}
