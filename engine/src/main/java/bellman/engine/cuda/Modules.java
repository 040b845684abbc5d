package bellman.engine.cuda;

import bellman.engine.backend.Kernel;
import bellman.engine.backend.Pointwise;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;

/**
 * Compiled kernels: the engine's own, the rows of the pointwise table, and those that come from
 * outside, each compiled by NVRTC for this GPU's architecture and kept in the user's cache folder.
 */
final class Modules implements AutoCloseable {
  /** Percent of a processor's memory that blocks share: 132 KB of an H100's. */
  private static final int SHARED = 55;

  /** Optimises several kernels at a time; the first compilers of CUDA 12 do not know it. */
  private static final String ON_ALL_CORES = "--split-compile=0";

  /** What every compiler of CUDA 12 and 13 knows, and the driver compiles for a newer GPU. */
  private static final String PTX = "compute_90";

  private final CacheFolder cache;
  private final int major;
  private final String architecture; // sm_90
  private final String compiler; // 13.0
  private final List<CUmodule> modules = new ArrayList<>();
  private final CUmodule own;
  private final boolean tiles;
  private final Map<String, CUfunction> functions = new HashMap<>();
  private final Map<Pointwise, CUfunction> rows = new EnumMap<>(Pointwise.class);
  private final Map<Kernel, CUfunction> outside = new HashMap<>();

  /**
   * @param exact whether products on the tensor cores are FP32's, made of three
   */
  Modules(CacheFolder cache, int major, int minor, boolean exact) {
    this.cache = cache;
    this.major = major;
    this.architecture = "sm_" + major + minor + (major == 9 ? "a" : ""); // with warpgroups
    this.compiler = compilerVersion();
    tiles = major >= 8; // the first with TF32 and cp.async
    own = module("the engine's kernels", source(tiles, exact));
    for (Pointwise row : Pointwise.values()) {
      rows.put(row, function(own, "map_" + row));
    }
  }

  static String compilerVersion() {
    int[] major = new int[1];
    int[] minor = new int[1];
    Status.nvrtc(JNvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
    return major[0] + "." + minor[0];
  }

  /** Whether the kernels of tiles.cu and pictures.cu are there. */
  boolean hasTiles() {
    return tiles;
  }

  /** The pointwise table as kernels, and the resources that build on each other in this order. */
  static String source(boolean tiles, boolean exact) {
    StringBuilder source = new StringBuilder();
    if (tiles) {
      source.append("#define EXACT ").append(exact).append('\n');
    }
    for (Pointwise row : Pointwise.values()) {
      source.append(pointwise(row));
    }
    for (String name : new String[] {"philox.cu", "kernels.cu", "adam.cu", "deliver.cu"}) {
      source.append(resource(name));
    }
    if (tiles) {
      source.append(resource("tiles.cu")).append(resource("pictures.cu"));
    }
    return source.toString();
  }

  private static String resource(String name) {
    try (InputStream resource = Modules.class.getResourceAsStream(name)) {
      if (resource == null) {
        throw new IllegalStateException(name + " is missing beside the classes");
      }
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException(name + " cannot be read: " + e, e);
    }
  }

  /** Where all addresses are multiples of 16, a thread takes four elements; the rest go singly. */
  private static String pointwise(Pointwise row) {
    boolean two = row.operands() == 2;
    return """
        __device__ __forceinline__ float at_NAME(float x, float y, float a, float b) {
          return EXPRESSION;
        }
        extern "C" __global__ void map_NAME(
            const float* x, const float* y, float a, float b, float* out, int wide, long long n) {
          long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
          long long fours = wide ? n / 4 : 0;
          if (i < fours) {
            float4 u = ((const float4*)x)[i], v = LOAD4;
            u.x = at_NAME(u.x, v.x, a, b);
            u.y = at_NAME(u.y, v.y, a, b);
            u.z = at_NAME(u.z, v.z, a, b);
            u.w = at_NAME(u.w, v.w, a, b);
            ((float4*)out)[i] = u;
            return;
          }
          i += 3 * fours;  // the first thread behind the fours takes element 4 · fours
          if (i < n) out[i] = at_NAME(x[i], LOAD1, a, b);
        }
        """
        .replace("NAME", row.name())
        .replace("EXPRESSION", row.cuda())
        .replace("LOAD4", two ? "((const float4*)y)[i]" : "u")
        .replace("LOAD1", two ? "y[i]" : "0.f");
  }

  CUfunction function(String name) {
    return functions.computeIfAbsent(name, n -> function(own, n));
  }

  /**
   * A kernel whose blocks may share more than the usual 48 KB.
   *
   * @param shared bytes at most
   */
  CUfunction function(String name, int shared) {
    return functions.computeIfAbsent(
        name,
        n -> {
          CUfunction function = function(own, n);
          Status.driver(
              JCudaDriver.cuFuncSetAttribute(
                  function,
                  CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                  shared),
              "kernel " + n + ": " + shared + " bytes of shared memory");
          return function;
        });
  }

  CUfunction row(Pointwise row) {
    return rows.get(row);
  }

  CUfunction outside(Kernel kernel) {
    CUfunction function = outside.get(kernel);
    if (function == null) {
      String source = resource("philox.cu") + kernel.cuda();
      function = function(module("kernel " + kernel.name(), source), kernel.name());
      outside.put(kernel, function);
    }
    return function;
  }

  /**
   * A kernel of a processor whose memory is half shared, half cache: tiles read a picture's pixels
   * and a filter again. All kernels ask for the same, since a processor divides its memory anew
   * only when nothing runs on it, so that others would wait.
   */
  private static CUfunction function(CUmodule module, String name) {
    CUfunction function = new CUfunction();
    Status.driver(JCudaDriver.cuModuleGetFunction(function, module, name), "kernel " + name);
    Status.driver(
        JCudaDriver.cuFuncSetAttribute(
            function,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT,
            SHARED),
        "kernel " + name + ": shared memory");
    return function;
  }

  private CUmodule module(String what, String source) {
    byte[] utf8 = source.getBytes(StandardCharsets.UTF_8);
    String hash = HexFormat.of().formatHex(CacheFolder.sha256(utf8), 0, 16);
    String key = hash + "-" + architecture + "-nvrtc-" + compiler;
    Optional<byte[]> kept = cache.load(key);
    byte[] binary = kept.orElseGet(() -> compile(what, source));
    CUmodule module = new CUmodule();
    Status.driver(JCudaDriver.cuModuleLoadData(module, binary), "loading " + what);
    modules.add(module);
    if (kept.isEmpty()) {
      cache.store(key, binary);
    }
    return module;
  }

  private byte[] compile(String what, String source) {
    nvrtcProgram program = new nvrtcProgram();
    Status.nvrtc(
        JNvrtc.nvrtcCreateProgram(program, source, what + ".cu", 0, null, null),
        "nvrtcCreateProgram");
    try {
      int status = compile(program, architecture, ON_ALL_CORES);
      if (status == nvrtcResult.NVRTC_ERROR_INVALID_OPTION) {
        status = compile(program, architecture);
      }
      boolean newer = status == nvrtcResult.NVRTC_ERROR_INVALID_OPTION && major > 9;
      if (newer) { // than the compiler
        status = compile(program, PTX);
      }
      if (status != 0) {
        String[] log = new String[1];
        JNvrtc.nvrtcGetProgramLog(program, log);
        throw new IllegalStateException(
            "NVRTC "
                + compiler
                + ": "
                + what
                + " does not compile for "
                + architecture
                + ":\n"
                + log[0]);
      }
      if (newer) {
        String[] ptx = new String[1];
        Status.nvrtc(JNvrtc.nvrtcGetPTX(program, ptx), "nvrtcGetPTX");
        return (ptx[0] + '\0').getBytes(StandardCharsets.UTF_8);
      }
      long[] size = new long[1];
      Status.nvrtc(JNvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
      byte[] binary = new byte[Math.toIntExact(size[0])];
      Status.nvrtc(JNvrtc.nvrtcGetCUBIN(program, binary), "nvrtcGetCUBIN");
      return binary;
    } finally {
      JNvrtc.nvrtcDestroyProgram(program);
    }
  }

  private static int compile(nvrtcProgram program, String architecture, String... more) {
    List<String> options = new ArrayList<>(List.of(more));
    options.add("--gpu-architecture=" + architecture);
    options.add("--std=c++17");
    return JNvrtc.nvrtcCompileProgram(program, options.size(), options.toArray(String[]::new));
  }

  @Override
  public void close() {
    modules.forEach(JCudaDriver::cuModuleUnload);
    modules.clear();
  }
}
