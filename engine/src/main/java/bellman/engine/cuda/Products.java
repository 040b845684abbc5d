package bellman.engine.cuda;

import bellman.engine.Precision;
import bellman.engine.backend.Backend.Room;
import jcuda.Pointer;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.runtime.cudaStream_t;

/** Matrix products through cuBLAS, on one stream, with a workspace of their own. */
final class Products implements AutoCloseable {
  private static final int R_32F = 0; // cudaDataType
  private static final int GEMM_DEFAULT = -1;
  private static final long WORKSPACE = 32L << 20; // what cuBLAS wants on Hopper

  private final cublasHandle handle = new cublasHandle();
  private final Workspace workspace;
  private final int computeType;
  private final Pointer one = Pointer.to(new float[] {1});
  private final Pointer zero = Pointer.to(new float[] {0});

  Products(CUstream stream, Room room, Precision precision) {
    workspace = new Workspace(WORKSPACE, room);
    Status.cublas(JCublas2.cublasCreate(handle), "cublasCreate");
    Status.cublas(JCublas2.cublasSetStream(handle, new cudaStream_t(stream)), "cublasSetStream");
    Status.cublas( // behind SetStream, which forgets it
        JCublas2.cublasSetWorkspace(handle, workspace.atLeast(WORKSPACE), WORKSPACE),
        "cublasSetWorkspace");
    computeType =
        switch (precision) {
          case FP32 -> 68; // CUBLAS_COMPUTE_32F
          case TF32 -> 77; // CUBLAS_COMPUTE_32F_FAST_TF32
          case BF16 -> 75; // CUBLAS_COMPUTE_32F_FAST_16BF
        };
  }

  /** C[m, n] ← op(A) · op(B), row-major; answers cuBLAS's status. */
  int run(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      Pointer a,
      Pointer b,
      Pointer c) {
    // cuBLAS counts columns first, and a row-major C is Cᵀ = op(B)ᵀ op(A)ᵀ by columns
    return JCublas2.cublasGemmEx_new(
        handle,
        transposeB ? 1 : 0,
        transposeA ? 1 : 0,
        n,
        m,
        k,
        one,
        b,
        R_32F,
        transposeB ? k : n,
        a,
        R_32F,
        transposeA ? m : k,
        zero,
        c,
        R_32F,
        n,
        computeType,
        GEMM_DEFAULT);
  }

  /**
   * The same for k in slices of one length, side by side: slice i of the sum goes to C[i, m, n]. A
   * small result would leave most of the GPU idle.
   */
  int run(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      int slices,
      Pointer a,
      Pointer b,
      Pointer c) {
    if (slices == 1) {
      return run(transposeA, transposeB, m, n, k, a, b, c);
    }
    long slice = k / slices;
    return JCublas2.cublasGemmStridedBatchedEx_new(
        handle,
        transposeB ? 1 : 0,
        transposeA ? 1 : 0,
        n,
        m,
        k / slices,
        one,
        b,
        R_32F,
        transposeB ? k : n,
        transposeB ? slice : slice * n,
        a,
        R_32F,
        transposeA ? m : k,
        transposeA ? slice * m : slice,
        zero,
        c,
        R_32F,
        n,
        (long) m * n,
        slices,
        computeType,
        GEMM_DEFAULT);
  }

  int version() {
    int[] version = new int[1];
    Status.cublas(JCublas2.cublasGetVersion(handle, version), "cublasGetVersion");
    return version[0];
  }

  long bytes() {
    return workspace.bytes();
  }

  @Override
  public void close() {
    JCublas2.cublasDestroy(handle);
    workspace.close();
  }
}
