/**
 * NVIDIA GPUs: products through cuBLAS, convolutions through cuDNN, everything else through kernels
 * of our own, compiled by NVRTC at the first start. The only package that sees {@code jcuda}. Read
 * {@link bellman.engine.cuda.CudaBackend} first, then {@link bellman.engine.cuda.CudaLibraries} for
 * how NVIDIA's libraries are found.
 */
package bellman.engine.cuda;
