// C[m, n] = A[m, k] · B[k, n], row-major; the first rungs of a ladder that ends at cuBLAS.

// A thread for each element: it reads 8 bytes for 2 operations, most of them from a cache.
extern "C" __global__ void gemm_naive(
    const float* a, const float* b, float* c, int m, int n, int k, int elements) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= elements) return;
  int row = i / n, column = i % n;
  float sum = 0;
  for (int l = 0; l < k; l++) sum += a[(long long)row * k + l] * b[(long long)l * n + column];
  c[i] = sum;
}

// A thread for each patch of 4 × 4 elements, whose sums stay in registers; a block for each tile of
// 64 × 64. The block brings 16 columns of A and 16 rows of B into shared memory, where each number
// serves 64 products.
extern "C" __global__ void __launch_bounds__(256) gemm_tiled(
    const float* a, const float* b, float* c, int m, int n, int k, int patches) {
  __shared__ __align__(16) float left[16][64 + 4];  // [l, row]; 4 more spread a column over the banks
  __shared__ __align__(16) float right[16][64];
  int across = (n + 63) / 64;
  int row0 = blockIdx.x / across * 64, column0 = blockIdx.x % across * 64;
  int row = threadIdx.x / 16 * 4, column = threadIdx.x % 16 * 4;
  float sum[4][4] = {};
  for (int l0 = 0; l0 < k; l0 += 16) {
    for (int e = threadIdx.x; e < 64 * 16; e += 256) {
      int r = row0 + e / 16, l = l0 + e % 16;
      left[e % 16][e / 16] = r < m && l < k ? a[(long long)r * k + l] : 0.f;
      l = l0 + e / 64;
      int j = column0 + e % 64;
      right[e / 64][e % 64] = l < k && j < n ? b[(long long)l * n + j] : 0.f;
    }
    __syncthreads();
#pragma unroll
    for (int l = 0; l < 16; l++) {
      float4 x = *(const float4*)&left[l][row], y = *(const float4*)&right[l][column];
      float xs[4] = {x.x, x.y, x.z, x.w}, ys[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] += xs[i] * ys[j];
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++)
      if (row0 + row + i < m && column0 + column + j < n)
        c[(long long)(row0 + row + i) * n + column0 + column + j] = sum[i][j];
}
