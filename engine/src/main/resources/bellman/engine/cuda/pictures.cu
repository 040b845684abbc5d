// Convolutions without padding of pictures that lie in a table as bytes. Picture b is row index[b],
// behind a gate: of its g.c channels those of one block are bytes / 255, the others 0. The block is
// the first of the row's words in about. So only that block's part of the filters is multiplied.
//
// A byte is a TF32 number: EXACT splits the other operand alone. Both kernels read four bytes at a
// time, neighbours in the reduction or across it, and order the multiplications accordingly.

struct PictureDivisors {
  Divisor ow, run, channels;
  Divisor tiles;           // forward: of a picture; filter: side by side
  Divisor groups, chunks;  // filter: of pictures; of a picture's places
};

__device__ __forceinline__ void to_float(uint bytes, uint* four) {
#pragma unroll
  for (int i = 0; i < 4; i++) four[i] = __float_as_uint((float)(bytes >> 8 * i & 255));
}

// 64 bytes more than a multiple of 128, so that two rows read at once touch every bank once
__device__ __forceinline__ int filter_row(int depth) { return depth + (depth % 32 == 0 ? 16 : 0); }

// y = (pictures ∗ w) / 255 (+ bias), then max(·, 0) if asked. A warp makes 16 places of one picture
// by 32 filters; a block has the rows of the picture under its places, and its filters.
extern "C" __global__ void forward_pictures(
    Geometry g, PictureDivisors by, const byte* frames, const int* index, const int* about,
    int words, const float* w, const float* bias, int relu, float* y) {
  int lane = threadIdx.x % 32, block = blockDim.x / 32 * 16, places = g.oh * g.ow;
  int channels = by.channels.d, image = blockIdx.x;
  int tileK = quotient(blockIdx.y, by.tiles), tile = blockIdx.y - tileK * by.tiles.d;
  int m0 = tile * block, k0 = tileK * 32;
  int row = g.w * channels, run = g.s * channels, depth = g.r * run, stride = filter_row(depth);
  float* ws = tile_rings;
  byte* xs = (byte*)(ws + 32 * stride);

  wide frame = index[image];
  int top = quotient(m0, by.ow), last = quotient(min(m0 + block, places) - 1, by.ow);
  int bytes = ((last - top) * g.strideH + g.r) * row;
  const byte* from = frames + (frame * g.h + top * g.strideH) * row;
  for (int i = threadIdx.x * 16; i < bytes; i += blockDim.x * 16) copy_16(xs + i, from + i, true);
  int open = about[frame * words] * channels;
  for (int k = threadIdx.x / 32; k < 32; k += blockDim.x / 32) {
    bool inside = k0 + k < g.k;
    const float* filter = inside ? w + (wide)(k0 + k) * g.r * g.s * g.c + open : w;
    for (int j = lane * 4; j < depth; j += 128) {
      int tap = quotient(j, by.channels);
      copy_16(ws + k * stride + j, filter + tap * g.c + j - tap * channels, inside);
    }
  }
  copies_given();
  copies_arrived<2>();
  __syncthreads();

  const byte* a[2];
#pragma unroll
  for (int e = 0; e < 2; e++) {
    int m = min(m0 + (int)threadIdx.x / 32 * 16 + lane / 4 + 8 * e, places - 1);
    int p = quotient(m, by.ow), q = m - p * g.ow;
    a[e] = xs + (p - top) * g.strideH * row + q * g.strideW * channels + lane % 4 * 4;
  }
  const float* b = ws + lane / 4 * stride + lane % 4 * 4;
  float sum[4][4] = {};
  for (int r = 0; r < g.r; r++)
#pragma unroll 2
    for (int j = 0; j < run; j += 16, b += 16) {
      uint u[4], v[4], high[4], low[4];
      to_float(*(const uint*)(a[0] + r * row + j), u);
      to_float(*(const uint*)(a[1] + r * row + j), v);
#pragma unroll
      for (int t = 0; t < 4; t++) {
        float4 four = *(const float4*)(b + t * 8 * stride);
        split(__float_as_uint(four.x), high[0], low[0]);
        split(__float_as_uint(four.y), high[1], low[1]);
        split(__float_as_uint(four.z), high[2], low[2]);
        split(__float_as_uint(four.w), high[3], low[3]);
#pragma unroll
        for (int half = 0; half < 4; half += 2) {
          uint x[4] = {u[half], v[half], u[half + 1], v[half + 1]};
          if (EXACT)
            multiply_exactly(sum[t], x, nullptr, high + half, low + half);
          else
            multiply(sum[t], x, high + half);
        }
      }
    }

#pragma unroll
  for (int t = 0; t < 4; t++)
#pragma unroll
    for (int e = 0; e < 4; e += 2) {
      int m = m0 + threadIdx.x / 32 * 16 + lane / 4 + 4 * e, k = k0 + t * 8 + lane % 4 * 2;
      if (m >= places || k >= g.k) continue;  // g.k is even
      float2 v = {sum[t][e] / 255.f, sum[t][e + 1] / 255.f};
      if (bias) {
        v.x += bias[k];
        v.y += bias[k + 1];
      }
      if (relu) {
        v.x = v.x <= 0.f ? 0.f : v.x;  // NaN stays
        v.y = v.y <= 0.f ? 0.f : v.y;
      }
      *(float2*)(y + ((wide)image * places + m) * g.k + k) = v;
    }
}

#define PLACES 64      // that a block has at a time
#define MOST_IMAGES 256  // of a group
#define DY_ROW 40      // 32 filters

// dw = dyᵀ pictures / 255. A block sums over a group's pictures of one gate, for 32 filters and
// UNITS times 32 columns of them; the warps of a unit share the places. The last block of a
// group-wide sum adds the groups' parts in their order.
template <int UNITS, int SHARES>
__device__ void filter_pictures(
    Geometry g, PictureDivisors by, const byte* frames, const int* index, const int* about,
    int words, int each, const float* dy, float* dw, float* parts, uint* tickets) {
  const int STAGES = 3, THREADS = UNITS * SHARES * 32, SIZE = UNITS * 1024;
  const int X_ROW = UNITS * 32 + (UNITS % 2 == 0 ? 32 : 0);  // an odd number of 32 bytes
  const int STAGE = PLACES * (DY_ROW * 4 + X_ROW);           // bytes
  __shared__ int image[MOST_IMAGES], frame[MOST_IMAGES], found;
  char* ring = (char*)tile_rings;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int channels = by.channels.d, gates = quotient(g.c, by.channels), groups = by.groups.d;
  int gate = quotient(blockIdx.y, by.groups), group = blockIdx.y - gate * groups;
  int row = g.w * channels, run = g.s * channels, places = g.oh * g.ow;
  int tileK = quotient(blockIdx.x, by.tiles);
  int j0 = (blockIdx.x - tileK * by.tiles.d) * UNITS * 32, k0 = tileK * 32;

  if (warp == 0) {
    int n = 0;
    for (int i = 0; i < each; i += 32) {
      int b = group * each + i + lane;
      bool in = i + lane < each && b < g.n;
      int f = in ? index[b] : 0;
      bool open = in && about[(wide)f * words] == gate;
      uint votes = __ballot_sync(~0u, open);
      if (open) {
        int at = n + __popc(votes & ((1u << lane) - 1));
        image[at] = b;
        frame[at] = f;
      }
      n += __popc(votes);
    }
    if (lane == 0) found = n;
  }
  __syncthreads();

  int n = found * by.chunks.d;
  auto load = [&](int i, int stage) {
    float* ds = (float*)(ring + stage * STAGE);
    byte* xs = (byte*)(ds + PLACES * DY_ROW);
    int which = quotient(i, by.chunks), m0 = (i - which * by.chunks.d) * PLACES;
    const float* fromDy = dy + ((wide)image[which] * places + m0) * g.k + k0;
    for (int id = threadIdx.x; id < PLACES * 8; id += THREADS) {
      int m = id / 8, k = id % 8 * 4;
      bool inside = m0 + m < places && k0 + k < g.k;
      copy_16(ds + m * DY_ROW + k, inside ? fromDy + m * g.k + k : dy, inside);
    }
    const byte* fromX = frames + (wide)frame[which] * g.h * row;
    for (int id = threadIdx.x; id < PLACES * UNITS * 2; id += THREADS) {
      int m = id / (UNITS * 2), j = id % (UNITS * 2) * 16, at = m0 + m;
      bool inside = at < places;
      int p = quotient(at, by.ow), q = at - p * g.ow, r = quotient(j0 + j, by.run);
      const byte* x =
          fromX + (p * g.strideH + r) * row + q * g.strideW * channels + j0 + j - r * run;
      copy_16(xs + m * X_ROW + j, inside ? x : frames, inside);
    }
  };
  float sum[2][4][4] = {};
  int unit = warp / SHARES;
  int free = 0, full = 0;  // stages
#pragma unroll 1
  for (int i = 1 - STAGES; i < n; i++) {
    if (i >= 0) {
      copies_arrived<STAGES>();
      __syncthreads();
    }
    if (i + STAGES - 1 < n) load(i + STAGES - 1, free);
    copies_given();
    if (++free == STAGES) free = 0;
    if (i < 0) continue;
    const float* ds = (const float*)(ring + full * STAGE) + lane % 4 * DY_ROW + lane / 4;
    const byte* xs = (const byte*)(ring + full * STAGE + PLACES * DY_ROW * 4) +
                     lane % 4 * X_ROW + unit * 32 + lane / 4 * 4;
    if (++full == STAGES) full = 0;
#pragma unroll 1
    for (int m = warp % SHARES * 8; m < PLACES; m += SHARES * 8) {
      uint u[4], v[4];
      to_float(*(const uint*)(xs + m * X_ROW), u);
      to_float(*(const uint*)(xs + (m + 4) * X_ROW), v);
#pragma unroll
      for (int t = 0; t < 2; t++) {
        uint high[4], low[4];
#pragma unroll
        for (int e = 0; e < 4; e++)
          split(__float_as_uint(ds[(m + e / 2 * 4) * DY_ROW + t * 16 + e % 2 * 8]), high[e], low[e]);
#pragma unroll
        for (int c = 0; c < 4; c++) {
          uint x[2] = {u[c], v[c]};
          if (EXACT)
            multiply_exactly(sum[t][c], high, low, x, nullptr);
          else
            multiply(sum[t][c], high, x);
        }
      }
    }
  }

  // the shares of a unit, then the groups
  __syncthreads();  // nobody reads the ring any more
#pragma unroll
  for (int t = 0; t < 2; t++)
#pragma unroll
    for (int c = 0; c < 4; c++)
#pragma unroll
      for (int e = 0; e < 4; e++)
        tile_rings[warp * 1024 + ((t * 4 + c) * 4 + e) * 32 + lane] = sum[t][c][e];
  __syncthreads();
  wide tile = (wide)blockIdx.x * gates + gate;
  float* here = parts + tile * groups * SIZE;
  float total[32 / SHARES];
#pragma unroll
  for (int i = 0; i < 32 / SHARES; i++) {
    int id = threadIdx.x + i * THREADS;
    const float* at = tile_rings + id / 1024 * SHARES * 1024 + id % 1024;
    total[i] = 0;
    for (int s = 0; s < SHARES; s++) total[i] += at[s * 1024];
    if (groups > 1) here[group * SIZE + id] = total[i];
  }
  if (groups > 1) {
    if (!last_block(tickets + tile, groups)) return;
#pragma unroll
    for (int i = 0; i < 32 / SHARES; i++) total[i] = 0;
#pragma unroll 8
    for (int z = 0; z < groups; z++)
#pragma unroll
      for (int i = 0; i < 32 / SHARES; i++)
        total[i] += __ldcg(here + z * SIZE + threadIdx.x + i * THREADS);
  }
#pragma unroll
  for (int i = 0; i < 32 / SHARES; i++) {
    int id = threadIdx.x + i * THREADS, of = id % 32, e = id / 32 % 4, c = id / 128 % 4;
    int k = k0 + id / 512 % 2 * 16 + of / 4 + e / 2 * 8;
    int j = j0 + id / 1024 * 32 + 4 * (of % 4 * 2 + e % 2) + c;
    if (k < g.k)
      dw[(wide)k * g.r * g.s * g.c + quotient(j, by.channels) * (g.c - channels) +
         gate * channels + j] = total[i] / 255.f;
  }
}

#define FILTER_PICTURES(UNITS, SHARES)                                                         \
  extern "C" __global__ void __launch_bounds__(UNITS * SHARES * 32) filter_pictures_##UNITS(   \
      Geometry g, PictureDivisors by, const byte* frames, const int* index, const int* about,  \
      int words, int each, const float* dy, float* dw, float* parts, uint* tickets) {          \
    filter_pictures<UNITS, SHARES>(                                                            \
        g, by, frames, index, about, words, each, dy, dw, parts, tickets);                     \
  }
FILTER_PICTURES(1, 8)
FILTER_PICTURES(2, 4)
FILTER_PICTURES(3, 4)
FILTER_PICTURES(6, 2)
