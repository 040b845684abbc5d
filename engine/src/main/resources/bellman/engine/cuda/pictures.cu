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

// c += a b; of one of them, low holds what the tensor cores cut off, the other's is null.
__device__ __forceinline__ void multiply_exactly(
    float* c, const uint* a, const uint* aLow, const uint* b, const uint* bLow) {
  float part[4] = {};
  if (aLow) multiply(part, aLow, b);
  if (bLow) multiply(part, a, bLow);
  multiply(part, a, b);
#pragma unroll
  for (int e = 0; e < 4; e++) c[e] += part[e];
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

#define SHARES 8         // warps of a block, which share its sums
#define PLACES 16        // of a step: the reduction of two multiplications
#define STEPS 3          // that a warp has under way
#define MOST_IMAGES 2048 // of a batch
#define MOST_EACH 256    // of a group
#define DY_ROW 40        // 32 filters; a warp's reads touch every bank once

// dw = dyᵀ pictures / 255, for 32 filters and 32 columns of them. The pictures of a gate are dealt out
// in their order to groups of `each`, and a group to a block; a gate without a picture has an empty
// group. The warps of a block take places in turns, each through a ring of its own. The last block of
// a gate adds the groups' parts in their order.
extern "C" __global__ void __launch_bounds__(SHARES * 32) filter_pictures(
    Geometry g, PictureDivisors by, const byte* frames, const int* index, const int* about,
    int words, int each, const float* dy, float* dw, float* parts, uint* tickets) {
  const int THREADS = SHARES * 32, FOURS = 1024 / 4;  // of a part
  const int X_ROW = 32;  // four rows touch every bank once
  const int STEP = PLACES * (DY_ROW * 4 + X_ROW);  // bytes
  __shared__ short gateOf[MOST_IMAGES];
  __shared__ int image[MOST_EACH], frame[MOST_EACH], gate, group, groups, before, found;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int channels = by.channels.d, gates = quotient(g.c, by.channels);
  int row = g.w * channels, run = g.s * channels, places = g.oh * g.ow;
  int tileK = quotient(blockIdx.x, by.tiles);
  int j0 = (blockIdx.x - tileK * by.tiles.d) * 32, k0 = tileK * 32;

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

  // what a lane copies of a step: every fourth row of dy from here, and half a row of x
  int dyRow = lane / 8, dyCol = lane % 8 * 4, xRow = lane / 2, xCol = lane % 2 * 16;
  int r = quotient(j0 + xCol, by.run), xFrom = r * row + j0 + xCol - r * run;
  char* ring = (char*)tile_rings + warp * STEPS * STEP;
  auto load = [&](int step, int slot) {
    float* ds = (float*)(ring + slot * STEP);
    byte* xs = (byte*)(ds + PLACES * DY_ROW);
    int which = quotient(step, by.steps), m0 = (step - which * by.steps.d) * PLACES;
    const float* fromDy = dy + ((wide)image[which] * places + m0 + dyRow) * g.k + k0 + dyCol;
#pragma unroll
    for (int i = 0; i < PLACES / 4; i++) {
      bool inside = m0 + dyRow + i * 4 < places && k0 + dyCol < g.k;
      copy_16(ds + (dyRow + i * 4) * DY_ROW + dyCol, fromDy + i * 4 * g.k, inside);
    }
    int at = m0 + xRow, p = quotient(at, by.ow), q = at - p * g.ow;
    const byte* x = frames + (wide)frame[which] * g.h * row + xFrom;
    copy_16(xs + xRow * X_ROW + xCol, x + p * g.strideH * row + q * g.strideW * channels,
            at < places);
  };
  float sum[2][4][4] = {};
  int steps = found * by.steps.d, free = 0, full = 0;
#pragma unroll 1
  for (int i = warp - (STEPS - 1) * SHARES; i < steps; i += SHARES) {
    if (i >= 0) {
      copies_arrived<STEPS>();
      __syncwarp();
    }
    float a[2][2][4];  // half of the places, half of the filters
    uint b[2][2];
    if (i >= 0) {
      const float* ds = (const float*)(ring + full * STEP) + lane % 4 * DY_ROW + lane / 4;
      const byte* xs =
          (const byte*)(ring + full * STEP + PLACES * DY_ROW * 4) + lane % 4 * X_ROW + lane / 4 * 4;
#pragma unroll
      for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int t = 0; t < 2; t++)
#pragma unroll
          for (int e = 0; e < 4; e++)
            a[h][t][e] = ds[(h * 8 + e / 2 * 4) * DY_ROW + t * 16 + e % 2 * 8];
#pragma unroll
        for (int e = 0; e < 2; e++) b[h][e] = *(const uint*)(xs + (h * 8 + e * 4) * X_ROW);
      }
      if (++full == STEPS) full = 0;
    }
    if (i + (STEPS - 1) * SHARES < steps) load(i + (STEPS - 1) * SHARES, free);
    copies_given();
    if (++free == STEPS) free = 0;
    if (i < 0) continue;
#pragma unroll
    for (int h = 0; h < 2; h++) {
      uint high[2][4], low[2][4];
#pragma unroll
      for (int t = 0; t < 2; t++)
#pragma unroll
        for (int e = 0; e < 4; e++) split(__float_as_uint(a[h][t][e]), high[t][e], low[t][e]);
      uint u[4], v[4];
      to_float(b[h][0], u);
      to_float(b[h][1], v);
#pragma unroll
      for (int t = 0; t < 2; t++)
#pragma unroll
        for (int c = 0; c < 4; c++) {
          uint x[2] = {u[c], v[c]};
          if (EXACT)
            multiply_exactly(sum[t][c], high[t], low[t], x, nullptr);
          else
            multiply(sum[t][c], high[t], x);
        }
    }
  }

  // the shares of the block, then the groups
  __syncthreads();  // nobody reads a ring any more
#pragma unroll
  for (int t = 0; t < 2; t++)
#pragma unroll
    for (int c = 0; c < 4; c++)
#pragma unroll
      for (int e = 0; e < 4; e++)
        tile_rings[warp * 1024 + ((t * 4 + c) * 4 + e) * 32 + lane] = sum[t][c][e];
  __syncthreads();
  float4* here = (float4*)parts + ((wide)blockIdx.x * gridDim.y + before) * FOURS;
  Parts of = {(const float4*)tile_rings, SHARES, FOURS};
  if (groups > 1) {
    for (int four = threadIdx.x; four < FOURS; four += THREADS)
      here[group * FOURS + four] = of.total(four);
    if (!last_block(tickets + blockIdx.x * gates + gate, groups)) return;
    of = {here, groups, FOURS};
  }
  for (int four = threadIdx.x; four < FOURS; four += THREADS) {  // from lanes that hold neighbours
    int c = four / 32 % 4, e = four / 8 % 4, k = k0 + four / 128 * 16 + four % 8 + e / 2 * 8;
    if (k >= g.k) continue;
    float4 t = of.total(four);
    float v[4] = {t.x, t.y, t.z, t.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int j = j0 + i * 8 + e % 2 * 4 + c;
      dw[(wide)k * g.r * g.s * g.c + quotient(j, by.channels) * (g.c - channels) +
         gate * channels + j] = v[i] * UNIT;
    }
  }
}
