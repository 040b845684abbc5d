package bellman.engine.cuda;

import jcuda.driver.JCudaDriver;
import jcuda.nvrtc.JNvrtc;

/** What the status numbers of NVIDIA's libraries mean; anything but 0 is an error of a call. */
final class Status {
  private Status() {}

  /** CUDA_ERROR_OUT_OF_MEMORY. */
  static final int OUT_OF_MEMORY = 2;

  static void driver(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException("CUDA: " + call + " answered " + driverText(status));
    }
  }

  private static String driverText(int status) {
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
    return (text[0] == null ? "an error" : text[0]) + " (status " + status + ")" + remedy;
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
          "cuBLAS: " + call + " answered " + meaning + " (status " + status + ")");
    }
  }

  static void cudnn(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(
          "cuDNN: " + call + " answered " + cudnnText(status) + " (status " + status + ")");
    }
  }

  /** The numbers of cuDNN 9: thousands are families. JCudnn's own names are those of cuDNN 8. */
  static String cudnnText(int status) {
    return switch (status) {
      case 1001 -> "not initialised";
      case 1002 -> "a sublibrary of another version";
      case 1005 -> "its license forbids this";
      case 1008 -> "a sublibrary that does not load";
      case 2002 -> "a null pointer";
      case 2003 -> "a misaligned pointer";
      case 2006 -> "too small a workspace";
      case 2008 -> "shapes that do not fit";
      case 3002 -> "shape not supported";
      case 3003 -> "type not supported";
      case 3004 -> "layout not supported";
      case 3005 -> "the driver is too old";
      case 3007 -> "this GPU's architecture is not supported";
      case 3009 -> "a sublibrary is missing";
      case 4003 -> "no memory on the host";
      case 4004 -> "no memory on the device";
      case 5001 -> "cuBLAS failed inside";
      case 5002 -> "the CUDA runtime failed inside";
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
