package bellman.engine.onednn;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.javacpp.Pointer;

/** A primitive for one shape with its arguments, made once; a run only sets addresses. */
final class Plan implements AutoCloseable {
  /** An argument: oneDNN's number for it, and the query of the descriptor that tells its layout. */
  record Argument(int number, int query, int index) {
    Argument(int number, int query) {
      this(number, query, 0);
    }
  }

  private final Library library;
  private final String name;
  private final dnnl_primitive primitive = new dnnl_primitive();
  private final dnnl_memory[] memories;
  private final dnnl_exec_arg_t arguments;
  private final long scratchBytes;

  /**
   * Takes over {@code descriptor}; {@link #run} takes the addresses of {@code arguments} in their
   * order.
   */
  Plan(Library library, String name, dnnl_primitive_desc descriptor, Argument... arguments) {
    this.library = library;
    this.name = name;
    dnnl_memory_desc scratch = query(descriptor, dnnl_query_scratchpad_md, 0);
    scratchBytes = dnnl_memory_desc_get_size(scratch);
    int count = arguments.length;
    memories = new dnnl_memory[count + 1];
    this.arguments = new dnnl_exec_arg_t(count + 1);
    for (int i = 0; i <= count; i++) {
      dnnl_memory_desc layout =
          i < count ? query(descriptor, arguments[i].query, arguments[i].index) : scratch;
      memories[i] = new dnnl_memory();
      Library.check(
          name + " memory", dnnl_memory_create(memories[i], layout, library.engine, new Pointer()));
      this.arguments
          .position(i)
          .arg(i < count ? arguments[i].number : DNNL_ARG_SCRATCHPAD)
          .memory(memories[i]);
    }
    this.arguments.position(0);
    Library.check(name, dnnl_primitive_create(primitive, descriptor));
    dnnl_primitive_desc_destroy(descriptor);
  }

  /** The layout that the primitive chose; it belongs to the descriptor. */
  static dnnl_memory_desc query(dnnl_primitive_desc descriptor, int what, int index) {
    return dnnl_primitive_desc_query_md(descriptor, what, index);
  }

  /** A reordering between two layouts, or null where they are the same. */
  static Plan reorder(Library library, dnnl_memory_desc from, dnnl_memory_desc to) {
    if (dnnl_memory_desc_equal(from, to) != 0) {
      return null;
    }
    dnnl_primitive_desc descriptor = new dnnl_primitive_desc();
    Library.check(
        "reorder",
        dnnl_reorder_primitive_desc_create(
            descriptor, from, library.engine, to, library.engine, library.attributes));
    return new Plan(
        library,
        "reorder",
        descriptor,
        new Argument(DNNL_ARG_FROM, dnnl_query_src_md),
        new Argument(DNNL_ARG_TO, dnnl_query_dst_md));
  }

  void run(Pointer... addresses) {
    for (int i = 0; i < addresses.length; i++) {
      dnnl_memory_set_data_handle(memories[i], addresses[i]);
    }
    if (scratchBytes > 0) {
      dnnl_memory_set_data_handle(memories[memories.length - 1], library.scratchpad(scratchBytes));
    }
    Library.check(
        name, dnnl_primitive_execute(primitive, library.stream, memories.length, arguments));
  }

  @Override
  public void close() {
    dnnl_primitive_destroy(primitive);
    for (dnnl_memory memory : memories) {
      dnnl_memory_destroy(memory);
    }
    arguments.deallocate();
  }
}
