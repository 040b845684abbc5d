// The engine's own kernels. Compiled together with the pointwise table, which is generated.
// One thread per element unless a comment says otherwise; 64-bit counts, since a replay may hold
// more than 2^31 bytes. Nothing adds atomically: equal inputs give equal bits.

typedef unsigned int uint;
typedef unsigned char byte;
typedef long long wide;  // long has 32 bits on Windows

#define ELEMENT wide i = (wide)blockIdx.x * blockDim.x + threadIdx.x
// i divided by a 32-bit number: a 64-bit division costs ten times one of 32 bits
__device__ __forceinline__ wide over(wide i, uint d) {
  return i >> 32 == 0 ? (uint)i / d : i / d;
}
__device__ __forceinline__ uint rest(wide i, uint d) {
  return i >> 32 == 0 ? (uint)i % d : (uint)(i % d);
}

#define INFINITE __int_as_float(0x7f800000)

// ── elements ───────────────────────────────────────────────────────────────────────────────────

extern "C" __global__ void bytes_to_float(const byte* x, float divisor, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = x[i] / divisor;
}

extern "C" __global__ void ints_to_float(const int* x, float divisor, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = (float)(x[i] / (double)divisor);
}

extern "C" __global__ void masked_fill(
    const float* x, const byte* mask, float value, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = mask[i] != 0 ? value : x[i];
}

extern "C" __global__ void spread(const float* x, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = x[0];
}

// y = x + row, max(·, 0) of it if relu
extern "C" __global__ void add_row(
    const float* x, const float* row, int cols, int relu, float* y, wide n) {
  ELEMENT;
  if (i >= n) return;
  float v = x[i] + row[rest(i, cols)];
  y[i] = relu && v <= 0.f ? 0.f : v;
}

// The same, four elements a thread, where rows are whole fours and all addresses multiples of 16.
extern "C" __global__ void add_row_4(
    const float4* x, const float4* row, int cols, int relu, float4* y, wide n) {
  ELEMENT;
  if (i >= n) return;
  float4 v = x[i], b = row[rest(i, cols)];
  v.x += b.x;
  v.y += b.y;
  v.z += b.z;
  v.w += b.w;
  if (relu) {
    v.x = v.x <= 0.f ? 0.f : v.x;
    v.y = v.y <= 0.f ? 0.f : v.y;
    v.z = v.z <= 0.f ? 0.f : v.z;
    v.w = v.w <= 0.f ? 0.f : v.w;
  }
  y[i] = v;
}

extern "C" __global__ void pick(
    const float* x, int cols, const int* index, float* y, wide rows) {
  ELEMENT;
  if (i >= rows) return;
  int c = index[i];
  y[i] = c >= 0 && c < cols ? x[i * cols + c] : __int_as_float(0x7fc00000);
}

extern "C" __global__ void place(
    const float* x, int cols, const int* index, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = index[over(i, cols)] == (int)rest(i, cols) ? x[over(i, cols)] : 0.f;
}

extern "C" __global__ void one_hot(const int* index, int cols, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = index[over(i, cols)] == (int)rest(i, cols) ? 1.f : 0.f;
}

// n = rows · width; four bytes or one per element
#define COPY_COLUMNS(NAME, TYPE)                                                         \
  extern "C" __global__ void NAME(const TYPE* x, int xCols, int xAt, TYPE* y, int yCols, \
                                  int yAt, int width, wide n) {                          \
    ELEMENT;                                                                             \
    if (i >= n) return;                                                                  \
    wide row = over(i, width), j = rest(i, width);                                       \
    y[row * yCols + yAt + j] = x[row * xCols + xAt + j];                                 \
  }
COPY_COLUMNS(copy_columns_4, int)
COPY_COLUMNS(copy_columns_1, byte)

// y's dimensions d0 … d3, and how far a step along each goes in x
extern "C" __global__ void permute(
    const int* x, int d1, int d2, int d3, wide s0, wide s1, wide s2, wide s3, int* y, wide n) {
  ELEMENT;
  if (i >= n) return;
  wide left = over(i, d3);
  wide i3 = rest(i, d3), i2 = rest(left, d2);
  left = over(left, d2);
  wide i1 = rest(left, d1), i0 = over(left, d1);
  y[i] = x[i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3];
}

// ── reductions ─────────────────────────────────────────────────────────────────────────────────
// Parts go to scratch; the block that finishes last adds them in order, so that the result does
// not depend on which block that is. tickets return to 0 by themselves (atomicInc wraps).

__device__ bool last_block(uint* ticket, uint blocks) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {  // it orders what the others wrote and read, too
    uint turn;
    asm volatile("atom.acq_rel.gpu.global.inc.u32 %0, [%1], %2;"
                 : "=r"(turn)
                 : "l"(ticket), "r"(blocks - 1)
                 : "memory");
    last = turn == blocks - 1;
  }
  __syncthreads();
  return last;
}

// 256 threads; the result is thread 0's
__device__ double block_sum(double v) {
  __shared__ double part[8];
  for (int far = 16; far > 0; far /= 2) v += __shfl_down_sync(~0u, v, far);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int w = 1; w < 8; w++) v += part[w];
  __syncthreads();
  return v;
}

extern "C" __global__ void sum(const float* x, float* y, double* parts, uint* ticket, wide n) {
  double v = 0;
#pragma unroll 4
  for (ELEMENT; i < n; i += (wide)gridDim.x * blockDim.x) v += x[i];
  v = block_sum(v);
  if (gridDim.x > 1) {
    if (threadIdx.x == 0) parts[blockIdx.x] = v;
    if (!last_block(ticket, gridDim.x)) return;
    v = 0;
    for (int b = threadIdx.x; b < gridDim.x; b += 256) v += parts[b];
    v = block_sum(v);
  }
  if (threadIdx.x == 0) y[0] = (float)v;
}

// The bit patterns of |x| order as the numbers do, NaN above infinity.
__device__ uint block_max(uint v) {
  __shared__ uint part[8];
  for (int far = 16; far > 0; far /= 2) v = max(v, __shfl_down_sync(~0u, v, far));
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int w = 1; w < 8; w++) v = max(v, part[w]);
  __syncthreads();
  return v;
}

extern "C" __global__ void max_abs(const uint* x, uint* y, uint* parts, uint* ticket, wide n) {
  uint v = 0;
#pragma unroll 4
  for (ELEMENT; i < n; i += (wide)gridDim.x * blockDim.x) v = max(v, x[i] & 0x7fffffffu);
  v = block_max(v);
  if (gridDim.x > 1) {
    if (threadIdx.x == 0) parts[blockIdx.x] = v;
    if (!last_block(ticket, gridDim.x)) return;
    v = 0;
    for (int b = threadIdx.x; b < gridDim.x; b += 256) v = max(v, parts[b]);
    v = block_max(v);
  }
  if (threadIdx.x == 0) y[0] = v;
}

// v += n columns of rows r, r + step, …, and anything behind them; in the same order with FOURS,
// which needs addresses that are multiples of 16, and without.
template <bool FOURS>
__device__ __forceinline__ void add_rows(
    const float* x, wide r, wide step, int rows, int cols, int n, double* v) {
#pragma unroll 4
  for (; r < rows; r += step) {
    const float* at = x + r * cols;
    if (FOURS) {
      float4 u = *(const float4*)at;
      v[0] += u.x;
      v[1] += u.y;
      v[2] += u.z;
      v[3] += u.w;
    } else {
#pragma unroll
      for (int j = 0; j < 4; j++) v[j] += at[j < n ? j : 0];
    }
  }
}

// 256 threads: along x four columns each, along y (a power of two) different rows; gridDim.y parts
// of the rows. fours: cols and x's address are such that a thread's columns are one float4.
extern "C" __global__ void __launch_bounds__(256) sum_rows(
    const float* x, float* y, double* parts, uint* tickets, int fours, int rows, int cols) {
  __shared__ double tile[4][8][16];
  int at = threadIdx.y * blockDim.x + threadIdx.x;
  wide c = 4 * ((wide)blockIdx.x * blockDim.x + threadIdx.x);
  int n = (int)max(0LL, min(4LL, cols - c));  // of a thread's columns that exist
  wide first = blockIdx.y * blockDim.y + threadIdx.y;
  double v[4] = {0, 0, 0, 0};
  if (n > 0 && fours)
    add_rows<true>(x + c, first, gridDim.y * blockDim.y, rows, cols, n, v);
  else if (n > 0)
    add_rows<false>(x + c, first, gridDim.y * blockDim.y, rows, cols, n, v);
  for (int step = 0; step < 2; step++) {  // first the rows of this block, then all blocks' parts
    for (int far = blockDim.x; far < 32; far *= 2)  // the rows of a warp
#pragma unroll
      for (int j = 0; j < 4; j++) v[j] += __shfl_xor_sync(~0u, v[j], far);
    if (at % 32 < blockDim.x)
#pragma unroll
      for (int j = 0; j < 4; j++) tile[j][at / 32][threadIdx.x] = v[j];
    __syncthreads();
#pragma unroll
    for (int j = 0; j < 4; j++) {
      v[j] = tile[j][0][threadIdx.x];
#pragma unroll
      for (int w = 1; w < 8; w++) v[j] += tile[j][w][threadIdx.x];
    }
    if (step == 1 || gridDim.y == 1) break;
    if (threadIdx.y == 0)
      for (int j = 0; j < n; j++) parts[(wide)blockIdx.y * cols + c + j] = v[j];
    if (!last_block(tickets + blockIdx.x, gridDim.y)) return;
    for (int j = 0; j < 4; j++) v[j] = 0;
    if (n > 0)
      for (int p = threadIdx.y; p < gridDim.y; p += blockDim.y)
        for (int j = 0; j < 4; j++) v[j] += parts[(wide)p * cols + c + (j < n ? j : 0)];
  }
  if (threadIdx.y == 0)
    for (int j = 0; j < n; j++) y[c + j] = (float)v[j];
}

// A warp per row: the first of the largest, NaN above all numbers.
extern "C" __global__ void row_argmax(const float* x, int rows, int cols, int* y) {
  int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (r >= rows) return;
  float top = -INFINITE;
  int best = 0x7fffffff;
  for (int c = threadIdx.x % 32; c < cols; c += 32) {
    float v = x[(wide)r * cols + c];
    if (best == 0x7fffffff || v > top || (v != v && top == top)) {
      top = v;
      best = c;
    }
  }
  for (int far = 16; far > 0; far /= 2) {
    float v = __shfl_down_sync(~0u, top, far);
    int c = __shfl_down_sync(~0u, best, far);
    bool vNaN = v != v, topNaN = top != top;
    bool equal = (vNaN && topNaN) || v == top;
    if (best == 0x7fffffff || (c != 0x7fffffff && ((vNaN && !topNaN) || (!topNaN && v > top) ||
                                                   (equal && c < best)))) {
      top = v;
      best = c;
    }
  }
  if (threadIdx.x % 32 == 0) y[r] = best == 0x7fffffff ? 0 : best;
}

// ── state ──────────────────────────────────────────────────────────────────────────────────────

extern "C" __global__ void random_integers(
    int k0, int k1, const int* step, int draw, const int* bound, int* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = (int)__umulhi(philox(k0, k1, step[0], (uint)i, draw, 0), (uint)bound[0]);
}

extern "C" __global__ void random_uniform(
    int k0, int k1, const int* step, int draw, float* y, wide n) {
  ELEMENT;
  if (i < n) y[i] = (philox(k0, k1, step[0], (uint)i, draw, 0) >> 8) * 0x1p-24f;
}

extern "C" __global__ void increment(int* counter, int amount) { counter[0] += amount; }

// ── products with few columns ──────────────────────────────────────────────────────────────────
// x [rows, in], w [out, in], y [rows, out] with out so small that tiles would be mostly empty. in
// divides by four and all addresses by 16, and a block takes four of the columns.

__device__ __forceinline__ float dot(float4 a, float4 b, float sum) {
  return fmaf(a.x, b.x, fmaf(a.y, b.y, fmaf(a.z, b.z, fmaf(a.w, b.w, sum))));
}

// y = x wᵀ (+ bias), then max(·, 0) if asked: N columns of a row. A block has so many warps that each
// thread has four loads of a column, all of them under way at once.
template <int N>
__device__ void thin_row(const float4* x, const float4* w, const float* bias, int relu, float* y,
                         int fours, int n) {
  __shared__ float shares[8][N];
  float sum[N] = {};
  for (int first = threadIdx.x; first < fours; first += 4 * blockDim.x) {
    float4 a[4], b[4][N];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int c = min(first + i * blockDim.x, fours - 1);
      a[i] = x[c];
#pragma unroll
      for (int k = 0; k < N; k++) b[i][k] = w[(wide)min(k, n - 1) * fours + c];
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int k = 0; k < N; k++)
        if (first + i * blockDim.x < fours) sum[k] = dot(a[i], b[i][k], sum[k]);
  }
#pragma unroll
  for (int k = 0; k < N; k++) {
#pragma unroll
    for (int far = 16; far > 0; far /= 2) sum[k] += __shfl_xor_sync(~0u, sum[k], far);
    if (threadIdx.x % 32 == 0) shares[threadIdx.x / 32][k] = sum[k];
  }
  __syncthreads();
  if (threadIdx.x >= n) return;
  float v = bias ? bias[threadIdx.x] : 0;
  for (int i = 0; i < blockDim.x / 32; i++) v += shares[i][threadIdx.x];
  y[threadIdx.x] = relu && v <= 0.f ? 0.f : v;  // NaN stays
}

extern "C" __global__ void __launch_bounds__(256) thin_forward(
    const float4* x, const float4* w, const float* bias, int relu, float* y, int in, int out) {
  int k0 = blockIdx.y * 4, fours = in / 4;
  wide row = blockIdx.x;
  thin_row<4>(x + row * fours, w + (wide)k0 * fours, bias ? bias + k0 : bias, relu,
              y + row * out + k0, fours, min(4, out - k0));
}

// A single row times a large w.
extern "C" __global__ void __launch_bounds__(256) row_forward(
    const float4* x, const float4* w, const float* bias, int relu, float* y, int in) {
  int k = blockIdx.x, fours = in / 4;
  thin_row<1>(x, w + (wide)k * fours, bias ? bias + k : bias, relu, y + k, fours, 1);
}

// dx = dy w; if x is given, it came out of a relu, and dx is the gradient before that. A thread makes
// four of a row, a block a row or a part of it.
extern "C" __global__ void __launch_bounds__(128) thin_data(
    const float* dy, const float4* w, const float4* x, float4* dx, int in, int out) {
  int row = blockIdx.x, c = blockIdx.y * 128 + threadIdx.x, fours = in / 4;
  if (c >= fours) return;
  float4 d = {}, v = {1, 1, 1, 1};
  if (x) v = x[(wide)row * fours + c];
#pragma unroll 4
  for (int k = 0; k < out; k++) {
    float g = dy[(wide)row * out + k];
    float4 u = w[(wide)k * fours + c];
    d = {fmaf(g, u.x, d.x), fmaf(g, u.y, d.y), fmaf(g, u.z, d.z), fmaf(g, u.w, d.w)};
  }
  dx[(wide)row * fours + c] = {v.x <= 0.f ? 0.f : d.x, v.y <= 0.f ? 0.f : d.y,
                               v.z <= 0.f ? 0.f : d.z, v.w <= 0.f ? 0.f : d.w};
}

// dw = dyᵀ x and, if asked, db = Σ dy. 8 × 32 threads: four columns of x each, every 32nd row.
extern "C" __global__ void __launch_bounds__(256) thin_filter(
    const float4* x, const float* dy, float* dw, float* db, int rows, int in, int out) {
  __shared__ float part[32][8][17];  // one more, so that neighbours lie in different banks
  __shared__ float dyPart[32][4];
  int fours = in / 4, c = min((int)(blockIdx.x * 8 + threadIdx.x), fours - 1);
  int k0 = blockIdx.y * 4, n = min(4, out - k0);
  float4 sum[4] = {};
  float all[4] = {};
#pragma unroll 2
  for (int row = threadIdx.y; row < rows; row += 32) {
    float4 v = x[(wide)row * fours + c];
#pragma unroll
    for (int k = 0; k < 4; k++) {
      float g = k < n ? dy[(wide)row * out + k0 + k] : 0.f;
      sum[k] = {fmaf(g, v.x, sum[k].x), fmaf(g, v.y, sum[k].y), fmaf(g, v.z, sum[k].z),
                fmaf(g, v.w, sum[k].w)};
      all[k] += g;
    }
  }
#pragma unroll
  for (int k = 0; k < 4; k++) {
    float* at = part[threadIdx.y][threadIdx.x] + k * 4;
    at[0] = sum[k].x;
    at[1] = sum[k].y;
    at[2] = sum[k].z;
    at[3] = sum[k].w;
    if (threadIdx.x == 0) dyPart[threadIdx.y][k] = all[k];
  }
  __syncthreads();
  int id = threadIdx.y * 8 + threadIdx.x;
  if (id < 128) {  // four columns of w times 32 of x
    int k = id / 32, col = id / 4 % 8, e = id % 4, at = blockIdx.x * 32 + id % 32;
    float total = 0;
#pragma unroll 8
    for (int z = 0; z < 32; z++) total += part[z][col][k * 4 + e];
    if (k < n && at < in) dw[(wide)(k0 + k) * in + at] = total;
  } else if (id < 128 + n && db && blockIdx.x == 0) {
    float total = 0;
#pragma unroll 8
    for (int z = 0; z < 32; z++) total += dyPart[z][id - 128];
    db[k0 + id - 128] = total;
  }
}

// ── convolution ────────────────────────────────────────────────────────────────────────────────
// Plain loops, for the shapes that cuDNN declines. NHWC, filters [k, r, s, c].

struct Geometry {
  int n, h, w, c, k, r, s, strideH, strideW, padH, padW, oh, ow;
};

extern "C" __global__ void conv_forward(
    Geometry g, const float* x, const float* w, float* y, wide n) {
  ELEMENT;
  if (i >= n) return;
  int k = i % g.k, q = i / g.k % g.ow, p = i / g.k / g.ow % g.oh;
  wide image = i / g.k / g.ow / g.oh;
  float sum = 0;
  for (int r = 0; r < g.r; r++) {
    int h = p * g.strideH - g.padH + r;
    if (h < 0 || h >= g.h) continue;
    for (int s = 0; s < g.s; s++) {
      int v = q * g.strideW - g.padW + s;
      if (v < 0 || v >= g.w) continue;
      const float* from = x + ((image * g.h + h) * g.w + v) * g.c;
      const float* by = w + (((wide)k * g.r + r) * g.s + s) * g.c;
      for (int c = 0; c < g.c; c++) sum += from[c] * by[c];
    }
  }
  y[i] = sum;
}

extern "C" __global__ void conv_data(
    Geometry g, const float* w, const float* dy, float* dx, wide n) {
  ELEMENT;
  if (i >= n) return;
  int c = i % g.c, v = i / g.c % g.w, h = i / g.c / g.w % g.h;
  wide image = i / g.c / g.w / g.h;
  float sum = 0;
  for (int r = 0; r < g.r; r++) {
    int p = h + g.padH - r;
    if (p < 0 || p % g.strideH != 0 || p / g.strideH >= g.oh) continue;
    p /= g.strideH;
    for (int s = 0; s < g.s; s++) {
      int q = v + g.padW - s;
      if (q < 0 || q % g.strideW != 0 || q / g.strideW >= g.ow) continue;
      q /= g.strideW;
      const float* from = dy + ((image * g.oh + p) * g.ow + q) * g.k;
      const float* by = w + ((wide)r * g.s + s) * g.c + c;
      for (int k = 0; k < g.k; k++) sum += from[k] * by[(wide)k * g.r * g.s * g.c];
    }
  }
  dx[i] = sum;
}

extern "C" __global__ void conv_filter(
    Geometry g, const float* x, const float* dy, float* dw, wide n) {
  ELEMENT;
  if (i >= n) return;
  int c = i % g.c, s = i / g.c % g.s, r = i / g.c / g.s % g.r, k = i / g.c / g.s / g.r;
  double sum = 0;
  for (wide image = 0; image < g.n; image++)
    for (int p = 0; p < g.oh; p++) {
      int h = p * g.strideH - g.padH + r;
      if (h < 0 || h >= g.h) continue;
      for (int q = 0; q < g.ow; q++) {
        int v = q * g.strideW - g.padW + s;
        if (v < 0 || v >= g.w) continue;
        sum += (double)x[((image * g.h + h) * g.w + v) * g.c + c] *
               dy[((image * g.oh + p) * g.ow + q) * g.k + k];
      }
    }
  dw[i] = (float)sum;
}

// A convolution as a product: row (image, p, q) of the columns holds the pixels under the filter,
// in the filter's order (r, s, c), and a warp writes it. The columns fit a workspace, so 32 bits
// count them. size elements of x are a T; with four, neighbours in a row must be neighbours in x.
template <typename T>
__device__ __forceinline__ void to_columns(Geometry g, int size, const T* x, T* col, uint place) {
  int q = place % g.ow, p = place / g.ow % g.oh;
  wide image = place / g.ow / g.oh;
  int h = p * g.strideH - g.padH, v = q * g.strideW - g.padW;
  int width = g.s * g.c / size, below = g.w * g.c / size;
  const T* corner = x + ((image * g.h + h) * g.w + v) * g.c / size;
  T* to = col + place * (uint)(g.r * width);
  int j = threadIdx.x % 32, r = 0;
  for (int i = j; i < g.r * width; i += 32, j += 32) {
    for (; j >= width; j -= width) r++;
    bool inside = h + r >= 0 && h + r < g.h;
    if (g.padW > 0) {
      int at = v + j * size / g.c;
      inside = inside && at >= 0 && at < g.w;
    }
    T none = {};
    to[i] = inside ? corner[(wide)r * below + j] : none;
  }
}

extern "C" __global__ void columns(Geometry g, const float* x, float* col, wide n) {
  ELEMENT;
  if (i < n) to_columns(g, 1, x, col, (uint)(i / 32));
}

extern "C" __global__ void columns_4(Geometry g, const float4* x, float4* col, wide n) {
  ELEMENT;
  if (i < n) to_columns(g, 4, x, col, (uint)(i / 32));
}

__device__ __forceinline__ void add(float& sum, float v) { sum += v; }
__device__ __forceinline__ void add(float4& sum, float4 v) {
  sum.x += v.x;
  sum.y += v.y;
  sum.z += v.z;
  sum.w += v.w;
}
__device__ __forceinline__ float behind_relu(float v, float y) { return y <= 0.f ? 0.f : v; }
__device__ __forceinline__ float4 behind_relu(float4 v, float4 y) {
  return {behind_relu(v.x, y.x), behind_relu(v.y, y.y), behind_relu(v.z, y.z),
          behind_relu(v.w, y.w)};
}

// dx from the columns' gradient: each pixel adds up where it appears. relu: none, or what x came out
// of one as, so that dx is the gradient before it. channels counts elements of type T.
template <typename T>
__device__ __forceinline__ void gather_columns(
    Geometry g, int channels, const T* col, const T* relu, T* dx, wide i) {
  int c = rest(i, channels);
  wide left = over(i, channels);
  int v = (int)rest(left, g.w) + g.padW;
  left = over(left, g.w);
  int h = (int)rest(left, g.h) + g.padH;
  uint image = (uint)over(left, g.h);
  T sum = {};
  for (int r = h % g.strideH, p = h / g.strideH; r < g.r && p >= 0; r += g.strideH, p--) {
    if (p >= g.oh) continue;
#pragma unroll 2
    for (int s = v % g.strideW, q = v / g.strideW; s < g.s && q >= 0; s += g.strideW, q--) {
      if (q >= g.ow) continue;
      add(sum, col[((((image * g.oh + p) * g.ow + q) * g.r + r) * g.s + s) * channels + c]);
    }
  }
  dx[i] = relu ? behind_relu(sum, relu[i]) : sum;
}

extern "C" __global__ void from_columns(
    Geometry g, const float* col, const float* relu, float* dx, wide n) {
  ELEMENT;
  if (i < n) gather_columns(g, g.c, col, relu, dx, i);
}

// The same, four channels a thread, where all addresses are multiples of 16.
extern "C" __global__ void from_columns_4(
    Geometry g, const float4* col, const float4* relu, float4* dx, wide n) {
  ELEMENT;
  if (i < n) gather_columns(g, g.c / 4, col, relu, dx, i);
}

// y = Σ of slices of n elements, in that order; then + row, if there is one, and max(·, 0) if relu;
// or zero where the result of a relu was. cols counts elements of type T.
template <typename T>
__device__ __forceinline__ void add_slices(
    const T* x, int slices, const T* row, int cols, int relu, const T* result, T* y, wide i, wide n) {
  T sum = x[i];
#pragma unroll 4
  for (int j = 1; j < slices; j++) add(sum, x[j * n + i]);
  if (row) add(sum, row[rest(i, cols)]);
  if (relu) sum = behind_relu(sum, sum);
  y[i] = result ? behind_relu(sum, result[i]) : sum;
}

extern "C" __global__ void sum_slices(
    const float* x, int slices, const float* row, int cols, int relu, const float* result, float* y,
    wide n) {
  ELEMENT;
  if (i < n) add_slices(x, slices, row, cols, relu, result, y, i, n);
}

// The same, four elements a thread, where rows are whole fours and all addresses multiples of 16.
extern "C" __global__ void sum_slices_4(
    const float4* x, int slices, const float4* row, int cols, int relu, const float4* result,
    float4* y, wide n) {
  ELEMENT;
  if (i < n) add_slices(x, slices, row, cols, relu, result, y, i, n);
}
