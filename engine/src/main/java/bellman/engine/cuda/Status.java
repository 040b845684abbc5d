package bellman.engine.cuda;

import java.util.Locale;
import jcuda.driver.JCudaDriver;
import jcuda.nvrtc.JNvrtc;

/** What the status numbers of NVIDIA's libraries mean; anything but 0 is an error of a call. */
final class Status {
  private Status() {}

  /** CUDA_ERROR_OUT_OF_MEMORY. */
  static final int OUT_OF_MEMORY = 2;

  static void driver(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(driverText(status, call));
    }
  }

  static String driverText(int status, String call) {
    String[] text = new String[1];
    JCudaDriver.cuGetErrorString(status, text);
    String remedy =
        switch (status) {
          case 100 -> "; is a GPU in this machine, and in CUDA_VISIBLE_DEVICES?";
          case 700, 716, 718, 719 ->
              "; an earlier kernel failed, and this process cannot use the GPU any more: restart it";
          case 802, 803 -> "; the driver and its libraries differ: reboot, or reinstall the driver";
          default -> "";
        };
    String meaning = text[0] == null ? "an error" : text[0];
    return "CUDA: " + call + " answered " + meaning + " (status " + status + ")" + remedy + inUse();
  }

  /** What the GPU holds for this process and others, where it still says so. */
  private static String inUse() {
    long[] free = new long[1];
    long[] total = new long[1];
    return JCudaDriver.cuMemGetInfo(free, total) == 0
        ? String.format(
            Locale.ROOT, "; %,d of the GPU's %,d bytes are in use", total[0] - free[0], total[0])
        : "";
  }

  static void nvrtc(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(
          "NVRTC: " + call + " answered " + JNvrtc.nvrtcGetErrorString(status));
    }
  }

  static void cublas(int status, String call) {
    if (status != 0) {
      String meaning =
          switch (status) {
            case 1 -> "not initialised";
            case 3 -> "out of memory";
            case 7 -> "invalid value";
            case 8 -> "this GPU lacks a feature";
            case 11 -> "memory cannot be mapped";
            case 13 -> "the kernel failed";
            case 14 -> "internal error";
            case 15 -> "not supported";
            default -> "an error";
          };
      throw new IllegalStateException(
          "cuBLAS: " + call + " answered " + meaning + " (status " + status + ")" + inUse());
    }
  }

  static void cudnn(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(
          "cuDNN: "
              + call
              + " answered "
              + cudnnText(status)
              + " (status "
              + status
              + ")"
              + inUse());
    }
  }

  /** The numbers of cuDNN 9: thousands are families. JCudnn's own names are those of cuDNN 8. */
  static String cudnnText(int status) {
    return switch (status) {
      case 1001 -> "not initialised";
      case 1002 -> "a sublibrary of another version";
      case 1003 -> "a serialisation of another version";
      case 1004 -> "a call that is no longer there";
      case 1005 -> "its license forbids this";
      case 1006 -> "work is still in progress";
      case 1007 -> "a floating-point overflow";
      case 1008 -> "a sublibrary that does not load";
      case 2002 -> "a null pointer";
      case 2003 -> "a misaligned pointer";
      case 2004 -> "a descriptor that is not finalised";
      case 2005 -> "a number out of bounds";
      case 2006 -> "too small a workspace";
      case 2007 -> "streams that differ";
      case 2008 -> "shapes that do not fit";
      case 2009 -> "an entry given twice";
      case 2010 -> "an attribute of another type";
      case 3001 -> "graph of operations not supported";
      case 3002 -> "shape not supported";
      case 3003 -> "type not supported";
      case 3004 -> "layout not supported";
      case 3005 -> "the driver is too old";
      case 3006 -> "the CUDA runtime is too old";
      case 3007 -> "this GPU's architecture is not supported";
      case 3008 -> "something is missing at run time";
      case 3009 -> "a sublibrary is missing";
      case 3010 -> "too little shared memory";
      case 4001 -> "a kernel that does not compile";
      case 4002 -> "an unexpected value inside";
      case 4003 -> "no memory on the host";
      case 4004 -> "no memory on the device";
      case 4005 -> "a launch with wrong parameters inside";
      case 4006 -> "a texture that cannot be made";
      case 5001 -> "the CUDA driver failed inside";
      case 5002 -> "cuBLAS failed inside";
      case 5003 -> "the CUDA runtime failed inside";
      case 5004 -> "cuRAND failed inside";
      default ->
          switch (status / 1000) {
            case 1 -> "an initialisation error";
            case 2 -> "a bad argument";
            case 3 -> "not supported";
            case 4 -> "an internal error";
            case 5 -> "execution failed";
            default -> "an error";
          };
    };
  }
}
