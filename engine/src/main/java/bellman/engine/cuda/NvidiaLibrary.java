package bellman.engine.cuda;

/** What Bellman loads of CUDA beside the driver, in the order of loading. */
enum NvidiaLibrary {
  CUBLAS_LT("cuBLAS", "cublasLt", "nvidia-cublas"),
  CUBLAS("cuBLAS", "cublas", "nvidia-cublas"),
  NVRTC("NVRTC", "nvrtc", "nvidia-cuda-nvrtc"),
  CUDNN("cuDNN 9", "cudnn", "nvidia-cudnn");

  private final String title;
  private final String stem;
  private final String wheel;

  NvidiaLibrary(String title, String stem, String wheel) {
    this.title = title;
    this.stem = stem;
    this.wheel = wheel;
  }

  /** What people call it. */
  String title() {
    return title;
  }

  /** What the system calls it: cuBLAS of CUDA 12 is libcublas.so.12. */
  String file(int major, boolean windows) {
    return switch (this) {
      case CUDNN -> windows ? "cudnn64_9.dll" : "libcudnn.so.9"; // for every CUDA
      case NVRTC -> windows ? "nvrtc64_" + major + "0_0.dll" : "libnvrtc.so." + major;
      default -> windows ? stem + "64_" + major + ".dll" : "lib" + stem + ".so." + major;
    };
  }

  /** The Python package that brings it, PyTorch's too. */
  String wheel(int major) {
    boolean suffixed = major == 12 || this == CUDNN; // since 13 the others are without
    return suffixed ? wheel + "-cu" + major : wheel;
  }
}
