// Convolutions without padding of pictures that lie in a table as bytes. Picture b is row index[b],
// behind a gate: of its g.c channels those of one block are bytes / 255, the others 0. The block is
// the first of the row's words in about. So only that block's part of the filters is multiplied.
//
// A byte is a TF32 number: EXACT splits the other operand alone. Both kernels read four bytes at a
// time, neighbours in the reduction or across it, and order the multiplications accordingly.

#define UNIT (1 / 255.f)

struct PictureDivisors {
  Divisor ow, run, channels;
  Divisor tiles;  // forward: of a picture; filter: side by side
  Divisor steps;  // filter: of a picture's places
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
      float2 v = {sum[t][e] * UNIT, sum[t][e + 1] * UNIT};
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

#define PLACES 8         // of a step: the reduction of one multiplication
#define STEPS 5          // that a warp has under way
#define MOST_IMAGES 2048 // of a batch
#define MOST_EACH 256    // of a group
#define DY_ROW 40        // 32 filters; a warp's reads touch every bank once

// dw = dyᵀ pictures / 255, for 32 filters and UNITS times 32 columns of them. The pictures of a gate
// are dealt out in their order to groups of `each`, and a group to a block; a gate without a picture
// has an empty group. The warps of a block take places in turns, each through a ring of its own. The
// last block of a gate adds the groups' parts in their order.
template <int UNITS, int SHARES>
__device__ void filter_pictures(
    Geometry g, PictureDivisors by, const byte* frames, const int* index, const int* about,
    int words, int each, const float* dy, float* dw, float* parts, uint* tickets) {
  const int THREADS = SHARES * 32, SIZE = UNITS * 1024;
  const int X_ROW = UNITS * 32;  // UNITS is odd: four rows touch every bank once
  const int STEP = PLACES * (DY_ROW * 4 + X_ROW);  // bytes
  __shared__ short gateOf[MOST_IMAGES];
  __shared__ int image[MOST_EACH], frame[MOST_EACH], gate, group, groups, before, found;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int channels = by.channels.d, gates = quotient(g.c, by.channels);
  int row = g.w * channels, run = g.s * channels, places = g.oh * g.ow;
  int tileK = quotient(blockIdx.x, by.tiles);
  int j0 = (blockIdx.x - tileK * by.tiles.d) * UNITS * 32, k0 = tileK * 32;

  for (int i = threadIdx.x; i < g.n; i += THREADS) gateOf[i] = about[(wide)index[i] * words];
  __syncthreads();
  if (warp == 0) {  // which gate, which group of it, and which pictures
    int open = -1, all = 0, of = 0, first = blockIdx.y, rank = 0;
#pragma unroll 1
    do {
      first -= of;
      open++;
      all = 0;
#pragma unroll 1
      for (int i = lane; i - lane < g.n; i += 32)
        all += __popc(__ballot_sync(~0u, i < g.n && gateOf[i] == open));
      of = max(1, (all + each - 1) / each);
    } while (first >= of && open < gates);
    if (lane == 0) {
      gate = open;
      group = first;
      groups = of;
      before = blockIdx.y - first;
      found = min(each, all - first * each);
    }
    first *= each;
#pragma unroll 1
    for (int i = lane; i - lane < g.n && rank < first + each; i += 32) {
      bool in = i < g.n && gateOf[i] == open;
      uint votes = __ballot_sync(~0u, in);
      int at = rank + __popc(votes & ((1u << lane) - 1)) - first;
      if (in && at >= 0 && at < each) {
        image[at] = i;
        frame[at] = index[i];
      }
      rank += __popc(votes);
    }
  }
  __syncthreads();
  if (gate == gates) return;  // there are fewer groups than there might be

  char* ring = (char*)tile_rings + warp * STEPS * STEP;
  auto load = [&](int step, int slot) {
    float* ds = (float*)(ring + slot * STEP);
    byte* xs = (byte*)(ds + PLACES * DY_ROW);
    int which = quotient(step, by.steps), m0 = (step - which * by.steps.d) * PLACES;
    const float* fromDy = dy + ((wide)image[which] * places + m0) * g.k + k0;
#pragma unroll
    for (int id = lane; id < PLACES * 8; id += 32) {
      int m = id / 8, k = id % 8 * 4;
      bool inside = m0 + m < places && k0 + k < g.k;
      copy_16(ds + m * DY_ROW + k, inside ? fromDy + m * g.k + k : dy, inside);
    }
    const byte* fromX = frames + (wide)frame[which] * g.h * row;
#pragma unroll
    for (int id = lane; id < PLACES * UNITS * 2; id += 32) {
      int m = id / (UNITS * 2), j = j0 + id % (UNITS * 2) * 16, at = m0 + m;
      int p = quotient(at, by.ow), q = at - p * g.ow, r = quotient(j, by.run);
      const byte* x = fromX + (p * g.strideH + r) * row + q * g.strideW * channels + j - r * run;
      copy_16(xs + m * X_ROW + j - j0, at < places ? x : frames, at < places);
    }
  };
  float sum[UNITS][2][4][4] = {};
  int steps = found * by.steps.d, free = 0, full = 0;
#pragma unroll 1
  for (int i = warp - (STEPS - 1) * SHARES; i < steps; i += SHARES) {
    if (i >= 0) {
      copies_arrived<STEPS>();
      __syncwarp();
    }
    if (i + (STEPS - 1) * SHARES < steps) load(i + (STEPS - 1) * SHARES, free);
    copies_given();
    if (++free == STEPS) free = 0;
    if (i < 0) continue;
    const float* ds = (const float*)(ring + full * STEP) + lane % 4 * DY_ROW + lane / 4;
    const byte* xs =
        (const byte*)(ring + full * STEP + PLACES * DY_ROW * 4) + lane % 4 * X_ROW + lane / 4 * 4;
    if (++full == STEPS) full = 0;
    uint high[2][4], low[2][4];
#pragma unroll
    for (int t = 0; t < 2; t++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        float v = ds[e / 2 * 4 * DY_ROW + t * 16 + e % 2 * 8];
        split(__float_as_uint(v), high[t][e], low[t][e]);
      }
#pragma unroll
    for (int unit = 0; unit < UNITS; unit++) {
      uint u[4], v[4];
      to_float(*(const uint*)(xs + unit * 32), u);
      to_float(*(const uint*)(xs + 4 * X_ROW + unit * 32), v);
#pragma unroll
      for (int t = 0; t < 2; t++)
#pragma unroll
        for (int c = 0; c < 4; c++) {
          uint x[2] = {u[c], v[c]};
          if (EXACT)
            multiply_exactly(sum[unit][t][c], high[t], low[t], x, nullptr);
          else
            multiply(sum[unit][t][c], high[t], x);
        }
    }
  }

  // the shares of the block, then the groups
  __syncthreads();  // nobody reads a ring any more
#pragma unroll
  for (int unit = 0; unit < UNITS; unit++)
#pragma unroll
    for (int t = 0; t < 2; t++)
#pragma unroll
      for (int c = 0; c < 4; c++)
#pragma unroll
        for (int e = 0; e < 4; e++)
          tile_rings[warp * SIZE + unit * 1024 + ((t * 4 + c) * 4 + e) * 32 + lane] =
              sum[unit][t][c][e];
  __syncthreads();
  float* here = parts + ((wide)blockIdx.x * gridDim.y + before) * SIZE;
  float total[SIZE / THREADS];
#pragma unroll
  for (int i = 0; i < SIZE / THREADS; i++) {
    int id = threadIdx.x + i * THREADS;
    total[i] = 0;
#pragma unroll
    for (int s = 0; s < SHARES; s++) total[i] += tile_rings[s * SIZE + id];
    if (groups > 1) here[group * SIZE + id] = total[i];
  }
  if (groups > 1) {
    if (!last_block(tickets + blockIdx.x * gates + gate, groups)) return;
#pragma unroll
    for (int i = 0; i < SIZE / THREADS; i++) total[i] = 0;
#pragma unroll UNITS == 1 ? 8 : 2
    for (int z = 0; z < groups; z++)
#pragma unroll
      for (int i = 0; i < SIZE / THREADS; i++)
        total[i] += __ldcg(here + z * SIZE + threadIdx.x + i * THREADS);
  }
#pragma unroll
  for (int i = 0; i < SIZE / THREADS; i++) {
    int id = threadIdx.x + i * THREADS, of = id % 32, e = id / 32 % 4, c = id / 128 % 4;
    int k = k0 + id / 512 % 2 * 16 + of / 4 + e / 2 * 8;
    int j = j0 + id / 1024 * 32 + 4 * (of % 4 * 2 + e % 2) + c;
    if (k < g.k)
      dw[(wide)k * g.r * g.s * g.c + quotient(j, by.channels) * (g.c - channels) +
         gate * channels + j] = total[i] * UNIT;
  }
}

#define FILTER_PICTURES(UNITS, SHARES)                                                         \
  extern "C" __global__ void __launch_bounds__(SHARES * 32) filter_pictures_##UNITS(           \
      Geometry g, PictureDivisors by, const byte* frames, const int* index, const int* about,  \
      int words, int each, const float* dy, float* dw, float* parts, uint* tickets) {          \
    filter_pictures<UNITS, SHARES>(                                                            \
        g, by, frames, index, about, words, each, dy, dw, parts, tickets);                     \
  }
FILTER_PICTURES(1, 8)
FILTER_PICTURES(3, 4)
