package bellman.engine.onednn;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * The loaded library: one CPU engine, one stream, and the scratch memory that all primitives share,
 * since they run one after the other. Everything is destroyed by {@link #close}; nothing waits for
 * the garbage collector.
 */
final class Library implements AutoCloseable {
  static {
    // JavaCPP by default refuses to allocate when the process is larger than a multiple of the
    // heap limit; a replay in native memory beside a small heap is meant to be.
    if (System.getProperty("org.bytedeco.javacpp.maxphysicalbytes") == null
        && System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes") == null) {
      System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0");
    }
  }

  final dnnl_engine engine = new dnnl_engine();
  final dnnl_stream stream = new dnnl_stream();
  final dnnl_primitive_attr attributes = new dnnl_primitive_attr();
  final String version;
  private NativeMemory scratchpad;

  Library() {
    OpenMp.sleepBetweenKernels();
    Loader.load(org.bytedeco.dnnl.global.dnnl.class);
    OpenMp.find();
    dnnl_version_t v = dnnl_version();
    version = v.major() + "." + v.minor();
    check("engine", dnnl_engine_create(engine, dnnl_cpu, 0));
    check("stream", dnnl_stream_create(stream, engine, dnnl_stream_default_flags));
    check("attributes", dnnl_primitive_attr_create(attributes));
    check(
        "scratchpad mode",
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
  }

  /** oneDNN answers with a number; anything but 0 is an error of the named call. */
  static void check(String call, int status) {
    if (status != dnnl_success) {
      String meaning =
          switch (status) {
            case 1 -> "out of memory";
            case 2 -> "invalid arguments";
            case 3 -> "unimplemented";
            case 5 -> "runtime error";
            default -> "an error";
          };
      throw new IllegalStateException(
          "oneDNN: "
              + call
              + " answered "
              + meaning
              + " (status "
              + status
              + ")"
              + "; set ONEDNN_VERBOSE=all for its own words, or open the device java");
    }
  }

  /** A float32 layout by its tag; the caller destroys it. */
  static dnnl_memory_desc layout(int tag, long... dims) {
    dnnl_memory_desc layout = new dnnl_memory_desc();
    check(
        "memory descriptor",
        dnnl_memory_desc_create_with_tag(layout, dims.length, dims, dnnl_f32, tag));
    return layout;
  }

  /** At least {@code bytes} of scratch memory; the address may change from call to call. */
  Pointer scratchpad(long bytes) {
    if (scratchpad == null || scratchpad.bytes() < bytes) {
      if (scratchpad != null) {
        scratchpad.free();
      }
      scratchpad = new NativeMemory(bytes);
    }
    return scratchpad.address();
  }

  @Override
  public void close() {
    if (scratchpad != null) {
      scratchpad.free();
      scratchpad = null;
    }
    dnnl_primitive_attr_destroy(attributes);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
  }
}
