package bellman.engine.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_get_size;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.javacpp.Pointer;

/**
 * Copies of parameters in the layout that a primitive wants, made anew when a parameter's version
 * has risen. There is room for the online and the target network's; the least recently used goes.
 */
final class Packing implements AutoCloseable {
  private static final int ROOM = 2;

  private static final class Copy {
    NativeBuffer of;
    long version;
    NativeMemory memory;
    long used;
  }

  private final Plan reorder; // null: the primitive takes the parameter as it is
  private final long bytes;
  private final Copy[] copies = new Copy[ROOM];
  private long clock;

  Packing(Library library, dnnl_memory_desc stored, dnnl_memory_desc wanted) {
    reorder = Plan.reorder(library, stored, wanted);
    bytes = dnnl_memory_desc_get_size(wanted);
  }

  /** Where the packed parameter lies. */
  Pointer of(NativeBuffer w) {
    if (reorder == null) {
      return w.address();
    }
    Copy oldest = null;
    for (int i = 0; i < ROOM; i++) {
      if (copies[i] == null) {
        copies[i] = new Copy();
      }
      Copy copy = copies[i];
      if (copy.of == w) {
        oldest = copy;
        break;
      }
      if (oldest == null || copy.used < oldest.used) {
        oldest = copy;
      }
    }
    oldest.used = ++clock;
    if (oldest.of != w || oldest.version != w.version()) {
      if (oldest.memory == null) {
        oldest.memory = new NativeMemory(bytes);
      }
      reorder.run(w.address(), oldest.memory.address());
      oldest.of = w;
      oldest.version = w.version();
    }
    return oldest.memory.address();
  }

  @Override
  public void close() {
    if (reorder != null) {
      reorder.close();
    }
    for (Copy copy : copies) {
      if (copy != null && copy.memory != null) {
        copy.memory.free();
      }
    }
  }
}
