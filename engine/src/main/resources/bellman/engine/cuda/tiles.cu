// Convolutions and products on the tensor cores: an implicit matrix product
// (Chetlur et al. 2014) that finds its operands' pixels while it loads them. A product is the
// convolution of n images of one pixel.
//
// The tensor cores multiply TF32, which has 11 of float's 24 bits. Compiled with EXACT, a number is
// the sum of two, high and low, and a product low·high + high·low + high·high (Ootomo & Yokota 2022).
// High is cut, not rounded: what is left out is 2^-23 of a product on average, near float's own
// rounding, but always makes it smaller. Infinity has no such sum: it gives NaN.
//
// A group of warps makes a tile of the result. Its operands come in slices of 16 along the reduction,
// through a ring of STAGES in shared memory that cp.async fills ahead. The groups of a block share
// the reduction, and several blocks may share a long one. Their parts are added in a fixed order:
// equal inputs give equal bits. Small tiles are a warp's: it waits for no other, and loads a number
// from shared memory for more products than it could as one of four. Large tiles are four warps'.

#define SLICE 16

// On Hopper four warps make the largest tiles of FP32 together, as a warpgroup, for which the tensor
// cores are faster and read b themselves. In TF32 bringing it there costs more than that gains.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define WARPGROUPS EXACT
#else
#define WARPGROUPS false
#endif

__device__ __forceinline__ uint shared_address(const void* p) {
  return (uint)__cvta_generic_to_shared(p);
}

// 16 bytes to shared memory; zeros where the operand ends, and nothing is read.
__device__ __forceinline__ void copy_16(uint to, const void* from, bool inside) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
               "r"(inside ? 16 : 0));
}
__device__ __forceinline__ void copy_16(void* to, const void* from, bool inside) {
  copy_16(shared_address(to), from, inside);
}
__device__ __forceinline__ void copies_given() { asm volatile("cp.async.commit_group;"); }
template <int STAGES>
__device__ __forceinline__ void copies_arrived() {
  asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2));
}

// The tensor cores cut off what TF32 has no bits for. A third to two thirds of its last place added
// before makes that a rounding: an instruction, where cvt.rna takes three for the last sixth.
__device__ __forceinline__ float nudged(float x) { return fmaf(x, 1 / 3072.f, x); }

// x for the tensor cores, rounded; with EXACT as it is, and in low what they will cut off, rounded.
__device__ __forceinline__ void split(uint x, uint& high, uint& low) {
  float f = __uint_as_float(x);
  high = EXACT ? x : __float_as_uint(nudged(f));
  if (EXACT) low = __float_as_uint(nudged(f - __uint_as_float(x & ~0x1fffu)));
}

__device__ __forceinline__ void multiply(float* c, const uint* a, const uint* b) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The same by a warpgroup, with b in shared memory: c[64][64] ← a[64][8] b[8][64], plus c if `add`. A
// warp has 16 rows of a and of c. It goes on at once; multiplied() waits for the products.
__device__ __forceinline__ void multiply_64(float (*c)[4], const uint* a, wide b, int add) {
  asm volatile(
      "{.reg .pred add; setp.ne.b32 add, %37, 0; "
      "wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, "
      "%10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, "
      "%29, %30, %31}, {%32, %33, %34, %35}, %36, add, 1, 1;}"
      : "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3]), "+f"(c[1][0]), "+f"(c[1][1]),
        "+f"(c[1][2]), "+f"(c[1][3]), "+f"(c[2][0]), "+f"(c[2][1]), "+f"(c[2][2]), "+f"(c[2][3]),
        "+f"(c[3][0]), "+f"(c[3][1]), "+f"(c[3][2]), "+f"(c[3][3]), "+f"(c[4][0]), "+f"(c[4][1]),
        "+f"(c[4][2]), "+f"(c[4][3]), "+f"(c[5][0]), "+f"(c[5][1]), "+f"(c[5][2]), "+f"(c[5][3]),
        "+f"(c[6][0]), "+f"(c[6][1]), "+f"(c[6][2]), "+f"(c[6][3]), "+f"(c[7][0]), "+f"(c[7][1]),
        "+f"(c[7][2]), "+f"(c[7][3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}
__device__ __forceinline__ void operands_ready() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void multiply_now() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void multiplied() {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}
// Its b lies as [2][64][4]: fours along the reduction, all 64 of them side by side. A descriptor says
// where, how far the second fours are from the first, and eight from the next eight; all in 16 bytes.
#define FOURS_OF_64 (64 * 16)  // bytes
__device__ __forceinline__ wide described(uint b) {
  return b / 16 | (wide)(FOURS_OF_64 / 16) << 16 | (wide)8 << 32;
}

// An operand whose rows lie along the reduction: [ROWS][SLICE]. The four 16-byte parts of a row
// are exchanged so that eight rows read at once touch every bank once. In bytes:
__device__ __forceinline__ uint deep(int row, int part) {
  return 4 * (row * SLICE + ((part ^ ((row >> 1) & 3)) << 2));
}
// An operand whose rows lie across it: [SLICE][ACROSS(COLS)], likewise eight by eight.
#define ACROSS(COLS) ((COLS) < 32 ? (COLS) + 8 : (COLS))
template <int COLS>
__device__ __forceinline__ uint across(int k, int col) {
  return 4 * (k * ACROSS(COLS) + (COLS < 32 ? col : col ^ (k & 3) << 3));
}

__device__ __forceinline__ void load_4(uint* to, uint from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from));
}
__device__ __forceinline__ void load_16(uint* to, uint from) {
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from));
}
__device__ __forceinline__ void store_16(uint to, const uint* v) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v[0]), "r"(v[1]),
               "r"(v[2]), "r"(v[3])
               : "memory");
}
__device__ __forceinline__ uint load_1(uint from) {
  uint v;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(v) : "r"(from));
  return v;
}

// m / d for m · d < 2^32, where a division would take a hundred cycles and many instructions, which
// have to be fetched: a kernel of a few microseconds waits for them more than for its operands.
struct Divisor {
  uint d, magic;  // ⌊2^32 / d⌋ + 1; 0 where d is 1
};
__device__ __forceinline__ int quotient(uint m, Divisor by) {
  return by.magic ? __umulhi(m, by.magic) : m;
}
__device__ __forceinline__ int remainder(uint m, Divisor by) { return m - quotient(m, by) * by.d; }

// How a pass is cut.
struct Tiling {
  int splits, each;        // blocks that share a tile; slices of a group
  int cohorts;             // of the splits of a tile
  Divisor cohort, across;  // members of a cohort; tiles side by side
};

struct Divisors {
  Divisor ow, oh, run, strideH, strideW, channels;
  Divisor phase, tap;  // tiles of a phase, slices of a tap
};

// What a block does, with places where parts meet.
struct Job {
  int tile, split;
  float* parts;
  uint* tickets;
};

// The rings lie one behind the other.
extern __shared__ __align__(128) float tile_rings[];

// Parts of a tile, which lie in shared memory or where other blocks have put them.
struct Parts {
  const float4* from;
  int n, step;

  __device__ float4 total(int four) const {
    float4 t = {};
#pragma unroll 4
    for (int z = 0; z < n; z++) {
      float4 v;
      asm volatile("ld.volatile.v4.f32 {%0, %1, %2, %3}, [%4];"
                   : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                   : "l"(from + z * step + four));
      t = {t.x + v.x, t.y + v.y, t.z + v.z, t.w + v.w};
    }
    return t;
  }
};

// A tile, of which a warp makes WM × WN. With SUMS it also adds up the rows of a.
template <int BM, int BN, int WM, int WN, int A_SIZE, int B_SIZE, bool SUMS>  // floats of a stage
struct Tile {
  static const int THREADS = BM / WM * (BN / WN) * 32;  // of a group
  static const bool TOGETHER = WARPGROUPS && THREADS == 128 && WN == 64;  // as a warpgroup
  static const int STAGES = THREADS == 32 ? 2 : 4;
  static const int ROWS = WM / 16, COLS = WN / 8, HALVES = SLICE / 8;  // in pieces of 16 × 8 × 8
  static const int DOWN = TOGETHER ? 64 : 16;                          // from a piece to the next
  static const int PIECES = BM * BN / 4;                               // four numbers each
  static const int FOURS = PIECES + (SUMS ? BM / 4 : 0);               // of a part
  float sum[ROWS][COLS][4];
  float rowSum[ROWS][2];
  uint a[HALVES][ROWS][4], b[HALVES][COLS][2];

  __device__ static int member() { return threadIdx.x % THREADS; }
  __device__ static int group() { return threadIdx.x / THREADS; }
  __device__ static int groups() { return blockDim.x / THREADS; }
  __device__ static int lane() { return threadIdx.x % 32; }
  __device__ static int m0(int member) {  // of its warp
    return member / 32 / (BN / WN) * (TOGETHER ? 16 : WM);
  }
  __device__ static int n0(int member) { return member / 32 % (BN / WN) * WN; }
  // where four neighbours stand in the tile; the fours of a row are exchanged so that four rows into
  // which a warp puts eight numbers each touch every bank once
  __device__ static uint row(uint four) { return four / (BN / 4); }
  __device__ static uint col(uint four) { return (four % (BN / 4) ^ exchange(row(four))) * 4; }
  __device__ static uint exchange(uint row) { return BN < 32 ? row / 2 % 2 * 2 : row % 4 * 2; }

  __device__ static void meet() {
    if (THREADS == 32)
      __syncwarp();
    else
      asm volatile("bar.sync %0, %1;" ::"r"(group() + 1), "n"(THREADS) : "memory");
  }

  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      rowSum[i][0] = rowSum[i][1] = 0;
#pragma unroll
      for (int j = 0; j < COLS; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) sum[i][j][e] = 0;
    }
  }

  // A slice of an operand from shared memory to registers.
  __device__ void deep_a(uint s) {
    uint at = deep(m0(member()) + lane() % 16, lane() / 16);
#pragma unroll
    for (int h = 0; h < HALVES; h++)
#pragma unroll
      for (int i = 0; i < ROWS; i++) load_4(a[h][i], s + (at ^ h * 32) + i * DOWN * SLICE * 4);
  }
  __device__ void deep_b(uint s) {
    uint at = deep(n0(member()) + lane() % 8 + lane() / 16 * 8, lane() / 8 % 2);
#pragma unroll
    for (int h = 0; h < HALVES; h++)
#pragma unroll
      for (int j = 0; j < COLS; j += 2) {
        uint two[4];
        load_4(two, s + (at ^ h * 32) + j * 8 * SLICE * 4);
#pragma unroll
        for (int e = 0; e < 4; e++) b[h][j + e / 2][e % 2] = two[e];
      }
  }
  __device__ void across_a(uint s) {
#pragma unroll
    for (int i = 0; i < ROWS * 2; i++) {
      uint at = s + across<BM>(lane() % 4, m0(member()) + lane() / 4 + i / 2 * DOWN + i % 2 * 8);
#pragma unroll
      for (int k = 0; k < SLICE; k += 4) {
        uint v = load_1(at + k * ACROSS(BM) * 4);
        a[k / 8][i / 2][k / 4 % 2 * 2 + i % 2] = v;
        if (SUMS) rowSum[i / 2][i % 2] += __uint_as_float(v);
      }
    }
  }
  __device__ void across_b(uint s) {
#pragma unroll
    for (int j = 0; j < COLS; j++) {
      uint at = s + across<BN>(lane() % 4, n0(member()) + lane() / 4 + j * 8);
#pragma unroll
      for (int k = 0; k < SLICE; k += 4) b[k / 8][j][k / 4 % 2] = load_1(at + k * ACROSS(BN) * 4);
    }
  }
  // A slice of b for a warpgroup, all of whose warps read it: high, and behind it low.
  __device__ void arrange_b(bool deepB, uint s, uint to) {
#pragma unroll
    for (int i = 0; i < BN * SLICE / 4 / THREADS; i++, to += THREADS * 16) {
      int n = member() % BN, part = member() / BN + i * (THREADS / BN);
      uint v[4], high[4], low[4];
      if (deepB) load_16(v, s + deep(n, part));
#pragma unroll
      for (int e = 0; e < 4; e++) {
        if (!deepB) v[e] = load_1(s + across<BN>(part * 4 + e, n));
        split(v[e], high[e], low[e]);
      }
      store_16(to + member() * 16, high);
      store_16(to + SLICE / 4 * FOURS_OF_64 + member() * 16, low);
    }
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");  // the tensor cores read it
  }

  // With EXACT three products are made of one. The tensor cores cut off what they add to a sum, an
  // addition outside rounds: so those of a slice meet in a sum of their own.
  __device__ void multiply_all() {
    uint high[HALVES][COLS][2], low[HALVES][COLS][2];
#pragma unroll
    for (int h = 0; h < HALVES; h++)
#pragma unroll
      for (int j = 0; j < COLS; j++)
#pragma unroll
        for (int e = 0; e < 2; e++) split(b[h][j][e], high[h][j][e], low[h][j][e]);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      float part[COLS][4] = {};
#pragma unroll
      for (int h = 0; h < HALVES; h++) {
        uint aHigh[4], aLow[4];
#pragma unroll
        for (int e = 0; e < 4; e++) split(a[h][i][e], aHigh[e], aLow[e]);
#pragma unroll
        for (int j = 0; j < COLS; j++) {
          if (EXACT) {
            multiply(part[j], aLow, high[h][j]);
            multiply(part[j], aHigh, low[h][j]);
          }
          multiply(EXACT ? part[j] : sum[i][j], aHigh, high[h][j]);
        }
      }
#pragma unroll
      for (int j = 0; j < COLS; j++)
#pragma unroll
        for (int e = 0; EXACT && e < 4; e++) sum[i][j][e] += part[j][e];
    }
  }

  // multiply_all() by a warpgroup, which does something else meanwhile.
  template <class Other>
  __device__ void multiply_together(uint from, Other other) {
    float part[ROWS][COLS][4];
    uint high[HALVES][ROWS][4], low[HALVES][ROWS][4];
#pragma unroll
    for (int h = 0; h < HALVES; h++)
#pragma unroll
      for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) split(a[h][i][e], high[h][i][e], low[h][i][e]);
    operands_ready();
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
      for (int h = 0; h < HALVES; h++) {
        uint bHigh = from + h * 2 * FOURS_OF_64, bLow = bHigh + SLICE / 4 * FOURS_OF_64;
        multiply_64(part[i], low[h][i], described(bHigh), h);
        multiply_64(part[i], high[h][i], described(bLow), 1);
      }
#pragma unroll
      for (int h = 0; h < HALVES; h++)
        multiply_64(part[i], high[h][i], described(from + h * 2 * FOURS_OF_64), 1);
    }
    multiply_now();
    other();
    multiplied();
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int j = 0; j < COLS; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) sum[i][j][e] += part[i][j][e];
  }

  // Takes a group's slices, which are from … to of at most `each`, through its ring. The groups of a
  // block go round equally often, the last ones perhaps without a slice, so that all meet equally
  // often.
  template <class Load, class Fetch>
  __device__ void feed(int each, int from, int to, bool deepB, Load load, Fetch fetch) {
    const int STAGE = 4 * (A_SIZE + B_SIZE);
    uint begin = shared_address(tile_rings) + group() * STAGES * STAGE;
    uint end = begin + STAGES * STAGE, full = begin, free = begin;
    uint now = end, then = end + 2 * SLICE / 4 * FOURS_OF_64;  // b arranged; a warpgroup is alone
#pragma unroll 1
    for (int i = 0; i < STAGES - 1; i++, free += STAGE) {
      if (from + i < to) load(free);
      copies_given();
    }
    if constexpr (TOGETHER) {
      copies_arrived<STAGES>();
      meet();
      if (from < to) arrange_b(deepB, full + 4 * A_SIZE, now);
    }
#pragma unroll 1
    for (int i = from; i < from + each; i++) {
      copies_arrived<TOGETHER ? STAGES - 1 : STAGES>();
      meet();
      if (i >= to) continue;
      auto next = [&] {
        if (i + STAGES - 1 < to) load(free);
        copies_given();
      };
      fetch(full);
      if constexpr (TOGETHER) {
        uint following = full + STAGE == end ? begin : full + STAGE;
        multiply_together(now, [&] {
          if (i + 1 < to) arrange_b(deepB, following + 4 * A_SIZE, then);
          next();
        });
        uint was = now;
        now = then;
        then = was;
      } else {
        next();
        multiply_all();
      }
      if ((full += STAGE) == end) full = begin;
      if ((free += STAGE) == end) free = begin;
    }
  }

  // Adds up the parts of the groups, then of the blocks that share the tile, and gives the whole to
  // put(which four, its parts). Of those blocks the last in each cohort adds its cohort's parts, and
  // the last cohort adds the cohorts': none reads more than about twice the root of their number.
  template <class Put>
  __device__ void finish(float4* ring, Tiling cut, Job job, Put put) {
    float4* mine = ring + group() * FOURS;
    __syncthreads();  // nobody reads the rings any more
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int j = 0; j < COLS; j++) {
        const float* v = sum[i][j];
        int m = m0(member()) + i * DOWN + lane() / 4, n = n0(member()) + j * 8 + lane() % 4 * 2;
        float2* at = (float2*)(mine + m * (BN / 4) + (n / 4 ^ exchange(m))) + n / 2 % 2;
        at[0] = {v[0], v[1]};
        at[8 * (BN / 2)] = {v[2], v[3]};
      }
    if (SUMS)
#pragma unroll
      for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int e = 0; e < 2; e++) {  // four neighbours in the warp have met a quarter each
          float v = rowSum[i][e];
          v += __shfl_xor_sync(~0u, v, 1);
          v += __shfl_xor_sync(~0u, v, 2);
          if (lane() % 4 == 0 && n0(member()) == 0)
            ((float*)(mine + PIECES))[m0(member()) + i * DOWN + e * 8 + lane() / 4] = v;
        }
    __syncthreads();
    Parts parts = {ring, groups(), FOURS};
    if (cut.splits > 1) {
      float4* tile = (float4*)job.parts + (wide)job.tile * cut.splits * FOURS;
      uint* tickets = job.tickets + job.tile * (cut.cohorts + 1);
      int cohort = quotient(job.split, cut.cohort), size = cut.cohort.d;
      int at = job.split, start = cohort * size, stride = 1;
      int members = min(size, cut.splits - start);
      uint* ticket = tickets + 1 + cohort;
#pragma unroll 1
      for (bool last = cut.cohorts == 1;; last = true) {
#pragma unroll 1
        for (int four = threadIdx.x; four < FOURS; four += blockDim.x)
          tile[at * FOURS + four] = parts.total(four);
        if (!last_block(ticket, members)) return;
        parts = {tile + start * FOURS, members, stride * FOURS};
        if (last) break;
        at = start;
        start = 0;
        members = cut.cohorts;
        stride = size;
        ticket = tickets;
      }
    }
#pragma unroll 1
    for (int four = threadIdx.x; four < FOURS; four += blockDim.x)
      put(four, parts);
  }
};

// The slices from … to of a group's share of the reduction.
__device__ __forceinline__ void share(int slices, Tiling cut, int group, int& from, int& to) {
  from = min(slices, group * cut.each);
  to = min(slices, from + cut.each);
}

// y[m, k] = Σ x[m's pixels] w[k] (+ bias[k]), then max(·, 0) if asked. A filter's row of s · c numbers
// lies in one piece in x and in w; PADDED, what of it is outside of the picture is 0.
template <int BM, int BN, int WM, int WN, bool PADDED>
__device__ void forward_tile(Geometry g, Divisors by, Tiling cut, Job job, const float* x,
                             const float* w, const float* bias, int relu, float* y) {
  const int AS = BM * SLICE, BS = BN * SLICE;
  using T = Tile<BM, BN, WM, WN, AS, BS, false>;
  const int ROWS = T::THREADS / 4, AC = BM / ROWS, BC = (BN + ROWS - 1) / ROWS;  // copied at once
  int M = g.n * g.oh * g.ow, N = g.k, run = g.s * g.c, depth = g.r * run;
  int m0 = quotient(job.tile, cut.across) * BM, n0 = remainder(job.tile, cut.across) * BN;
  int part = T::member() % 4, row = T::member() / 4;
  const float* a[AC];  // behind the last row comes that again, and nobody uses what it makes
  const float* b[BC];
  int top[AC], left[AC];
#pragma unroll
  for (int i = 0; i < AC; i++) {
    int m = min(m0 + row + i * ROWS, M - 1);
    int line = quotient(m, by.ow), q = m - line * g.ow;
    int image = quotient(line, by.oh), p = line - image * g.oh;
    top[i] = p * g.strideH - (PADDED ? g.padH : 0);
    left[i] = q * g.strideW - (PADDED ? g.padW : 0);
    a[i] = x + (((wide)image * g.h + top[i]) * g.w + left[i]) * g.c + part * 4;
  }
#pragma unroll
  for (int i = 0; i < BC; i++) b[i] = w + (wide)min(n0 + row + i * ROWS, N - 1) * depth + part * 4;
  int from, to;
  share((depth + SLICE - 1) / SLICE, cut, job.split * T::groups() + T::group(), from, to);
  int k = from * SLICE, r = quotient(k, by.run), j = k - r * run;  // of the next slice, in one run
  uint place = deep(row, part);  // rows a multiple of 8 apart are exchanged alike
  auto load = [&](uint stage) {
    bool in = k + part * 4 < depth;
    int pixel = r * g.w * g.c + j, right = PADDED ? quotient(j + part * 4, by.channels) : 0;
#pragma unroll
    for (int i = 0; i < AC; i++) {
      bool inside = in;
      if (PADDED) inside = in && (uint)(top[i] + r) < g.h && (uint)(left[i] + right) < g.w;
      copy_16(stage + place + i * ROWS * SLICE * 4, a[i] + pixel, inside);
    }
#pragma unroll
    for (int i = 0; i < BC; i++)
      if (BN % ROWS == 0 || row < BN)
        copy_16(stage + 4 * AS + place + i * ROWS * SLICE * 4, b[i] + k, in);
    k += SLICE;
    j += SLICE;
    if (j >= run) {
      j = 0;
      r++;
    }
  };
  T t;
  t.clear();
  t.feed(cut.each, from, to, true, load, [&](uint stage) {
    t.deep_a(stage);
    if (!T::TOGETHER) t.deep_b(stage + 4 * AS);
  });
  t.finish((float4*)tile_rings, cut, job, [=](int four, Parts parts) {
    int m = m0 + T::row(four), n = n0 + T::col(four);
    if (m >= M || n >= N) return;
    float4 add = {};
    if (bias) add = {bias[n], bias[n + 1], bias[n + 2], bias[n + 3]};
    float4 v = parts.total(four);
    v = {v.x + add.x, v.y + add.y, v.z + add.z, v.w + add.w};
    if (relu) {  // NaN stays
      v.x = v.x <= 0.f ? 0.f : v.x;
      v.y = v.y <= 0.f ? 0.f : v.y;
      v.z = v.z <= 0.f ? 0.f : v.z;
      v.w = v.w <= 0.f ? 0.f : v.w;
    }
    *(float4*)(y + (wide)m * N + n) = v;
  });
}

// dx[h, w, c] = Σ dy[p, q, k] w[k, h − p·stride, w − q·stride, c]. The pixels that have the same
// rest by the strides meet the same taps of the filter: a phase, which has tiles of its own. Here h
// and w count the padding. If x is given, it came out of a relu, and dx is the gradient before that.
template <int BM, int BN, int WM, int WN>
__device__ void data_tile(Geometry g, Divisors by, Tiling cut, Job job, const float* dy,
                          const float* w, const float* x, float* dx) {
  const int AS = BM * SLICE, BS = SLICE * ACROSS(BN);
  using T = Tile<BM, BN, WM, WN, AS, BS, false>;
  const int A_ROWS = T::THREADS / 4, B_ROWS = T::THREADS / (BN / 4);  // copied at once
  const int AC = BM / A_ROWS, BC = (SLICE + B_ROWS - 1) / B_ROWS;
  int phase = quotient(job.tile, by.phase), tile = job.tile - phase * by.phase.d;
  int ph = quotient(phase, by.strideW), pw = phase - ph * g.strideW;
  // the phase's first pixel behind the padding, and how many there are
  int h0 = quotient(max(0, g.padH - ph + g.strideH - 1), by.strideH);
  int w0 = quotient(max(0, g.padW - pw + g.strideW - 1), by.strideW);
  int ih = quotient(max(0, g.padH + g.h - ph + g.strideH - 1), by.strideH) - h0;
  int iw = quotient(max(0, g.padW + g.w - pw + g.strideW - 1), by.strideW) - w0;
  int down = quotient(max(0, g.r - ph + g.strideH - 1), by.strideH);
  int right = quotient(max(0, g.s - pw + g.strideW - 1), by.strideW);
  int M = g.n * ih * iw, N = g.c;
  int m0 = quotient(tile, cut.across) * BM, n0 = remainder(tile, cut.across) * BN;
  if (m0 >= M) return;  // this phase has fewer pixels
  // a phase has as many places across as the picture, divided up or down
  Divisor wide_by = {(uint)iw, iw > 1 ? ~0u / iw + 1 : 0};
  Divisor high_by = {(uint)ih, ih > 1 ? ~0u / ih + 1 : 0};
  int part = T::member() % 4, row = T::member() / 4;
  const float* a[AC];
  int p[AC], q[AC];
#pragma unroll
  for (int i = 0; i < AC; i++) {
    int m = m0 + row + i * A_ROWS;
    int line = quotient(m, wide_by), image = quotient(line, high_by);
    q[i] = w0 + m - line * iw;
    p[i] = h0 + line - image * ih;
    a[i] = dy + (((wide)image * g.oh + p[i]) * g.ow + q[i]) * g.k + part * 4;
    if (m >= M) p[i] = -1 - g.r;  // above every picture
  }
  int under = T::member() / (BN / 4), col = T::member() % (BN / 4) * 4;  // of b
  int filter = g.r * g.s * g.c;
  const float* b[BC];
#pragma unroll
  for (int i = 0; i < BC; i++)
    b[i] = w + (wide)(under + i * B_ROWS) * filter + min(n0 + col, N - 4);
  int from, to;
  share(down * right * by.tap.d, cut, job.split * T::groups() + T::group(), from, to);
  int tap = quotient(from, by.tap), k = (from - tap * by.tap.d) * SLICE;  // of the next slice
  int tapH = right ? (uint)tap / (uint)right : 0, tapW = tap - tapH * right;
  uint place = deep(row, part);  // rows a multiple of 8 apart are exchanged alike
  auto load = [&](uint stage) {
    bool in = k + part * 4 < g.k;
    int pixel = k - (tapH * g.ow + tapW) * g.k;
#pragma unroll
    for (int i = 0; i < AC; i++) {
      uint u = p[i] - tapH, v = q[i] - tapW;
      copy_16(stage + place + i * A_ROWS * SLICE * 4, a[i] + pixel, in && u < g.oh && v < g.ow);
    }
    uint tap = k * filter + ((ph + tapH * g.strideH) * g.s + pw + tapW * g.strideW) * g.c;
#pragma unroll
    for (int i = 0; i < BC; i++)
      if (SLICE % B_ROWS == 0 || under < SLICE)
        copy_16(stage + 4 * AS + across<BN>(under + i * B_ROWS, col), b[i] + tap,
                k + under + i * B_ROWS < g.k);
    k += SLICE;
    if (k >= g.k) {
      k = 0;
      if (++tapW == right) {
        tapW = 0;
        tapH++;
      }
    }
  };
  T t;
  t.clear();
  t.feed(cut.each, from, to, false, load, [&](uint stage) {
    t.deep_a(stage);
    if (!T::TOGETHER) t.across_b(stage + 4 * AS);
  });
  t.finish((float4*)tile_rings, cut, job, [=](int four, Parts parts) {
    int m = m0 + T::row(four), n = n0 + T::col(four);
    if (m >= M || n >= N) return;
    int line = quotient(m, wide_by), image = quotient(line, high_by);
    int v = (w0 + m - line * iw) * g.strideW + pw - g.padW;
    int h = (h0 + line - image * ih) * g.strideH + ph - g.padH;
    wide at = (((wide)image * g.h + h) * g.w + v) * g.c + n;
    float4 y = {1, 1, 1, 1};  // what the relu put out
    if (x) y = *(const float4*)(x + at);
    float4 t = parts.total(four);
    *(float4*)(dx + at) = {y.x <= 0.f ? 0.f : t.x, y.y <= 0.f ? 0.f : t.y, y.z <= 0.f ? 0.f : t.z,
                           y.w <= 0.f ? 0.f : t.w};
  });
}

// dw[k, j] = Σ_m dy[m, k] x[m's pixels][j]: the reduction runs over all places of the filter. If
// asked, db[k] = Σ_m dy[m, k] on the way.
template <int BM, int BN, int WM, int WN, bool PADDED>
__device__ void filter_tile(Geometry g, Divisors by, Tiling cut, Job job, const float* x,
                            const float* dy, float* dw, float* db) {
  const int AS = SLICE * ACROSS(BM), BS = SLICE * ACROSS(BN);
  using T = Tile<BM, BN, WM, WN, AS, BS, true>;
  const int A_ROWS = T::THREADS / (BM / 4), B_ROWS = T::THREADS / (BN / 4);  // copied at once
  const int AC = (SLICE + A_ROWS - 1) / A_ROWS, BC = (SLICE + B_ROWS - 1) / B_ROWS;
  int run = g.s * g.c, M = g.k, N = g.r * run, places = g.n * g.oh * g.ow;
  int m0 = quotient(job.tile, cut.across) * BM, n0 = remainder(job.tile, cut.across) * BN;
  int from, to;
  share((places + SLICE - 1) / SLICE, cut, job.split * T::groups() + T::group(), from, to);
  int aRow = T::member() / (BM / 4), bRow = T::member() / (BN / 4);
  int aCol = T::member() % (BM / 4) * 4, bCol = T::member() % (BN / 4) * 4;
  int m = min(m0 + aCol, M - 4), n = min(n0 + bCol, N - 4), r = quotient(n, by.run);
  const float* a[AC];
#pragma unroll
  for (int i = 0; i < AC; i++) a[i] = dy + (wide)(aRow + i * A_ROWS) * M + m;
  const float* b = x + r * g.w * g.c + n - r * run;
  int right = PADDED ? quotient(n - r * run, by.channels) : 0;
  int first = from * SLICE;  // place of the next slice
  auto load = [&](uint stage) {
    wide start = (wide)first * M;
#pragma unroll
    for (int i = 0; i < AC; i++)
      if (SLICE % A_ROWS == 0 || aRow < SLICE)
        copy_16(stage + across<BM>(aRow + i * A_ROWS, aCol), a[i] + start,
                first + aRow + i * A_ROWS < places);
#pragma unroll
    for (int i = 0; i < BC; i++) {
      int place = first + bRow + i * B_ROWS;
      int line = quotient(place, by.ow), q = place - line * g.ow;
      int image = quotient(line, by.oh), p = line - image * g.oh;
      int top = p * g.strideH - (PADDED ? g.padH : 0), left = q * g.strideW - (PADDED ? g.padW : 0);
      int pixel = (image * g.h + top) * g.w + left;
      bool inside = place < places;
      if (PADDED) inside = inside && (uint)(top + r) < g.h && (uint)(left + right) < g.w;
      if (SLICE % B_ROWS == 0 || bRow < SLICE)
        copy_16(stage + 4 * AS + across<BN>(bRow + i * B_ROWS, bCol), b + (wide)pixel * g.c, inside);
    }
    first += SLICE;
  };
  T t;
  t.clear();
  t.feed(cut.each, from, to, false, load, [&](uint stage) {
    t.across_a(stage);
    if (!T::TOGETHER) t.across_b(stage + 4 * AS);
  });
  t.finish((float4*)tile_rings, cut, job, [=](int four, Parts parts) {
    if (four >= T::PIECES) {
      int m = m0 + (four - T::PIECES) * 4;
      if (!db || n0 > 0 || m >= M) return;
      float4 v = parts.total(four);
      db[m] = v.x;  // M divides by 4
      db[m + 1] = v.y;
      db[m + 2] = v.z;
      db[m + 3] = v.w;
      return;
    }
    int m = m0 + T::row(four), n = n0 + T::col(four);
    if (m < M && n < N) *(float4*)(dw + (wide)m * N + n) = parts.total(four);
  });
}

#define FORWARD_AND_FILTER(NAME, BM, BN, WM, WN, GROUPS, BLOCKS, PADDED)                         \
  extern "C" __global__ void __launch_bounds__(GROUPS * 32 * (BM / WM) * (BN / WN), BLOCKS)      \
      forward_##NAME(Geometry g, Divisors by, Tiling cut, const float* x, const float* w,        \
                     const float* bias, int relu, float* y, float* parts, uint* tickets) {       \
    Job job = {(int)blockIdx.x, (int)blockIdx.y, parts, tickets};                                \
    forward_tile<BM, BN, WM, WN, PADDED>(g, by, cut, job, x, w, bias, relu, y);                  \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(GROUPS * 32 * (BM / WM) * (BN / WN), BLOCKS)      \
      filter_##NAME(Geometry g, Divisors by, Tiling cut, const float* x, const float* dy,        \
                    float* dw, float* db, float* parts, uint* tickets) {                         \
    Job job = {(int)blockIdx.x, (int)blockIdx.y, parts, tickets};                                \
    filter_tile<BM, BN, WM, WN, PADDED>(g, by, cut, job, x, dy, dw, db);                         \
  }
#define TILES(BM, BN, WM, WN, GROUPS, BLOCKS)                                                    \
  FORWARD_AND_FILTER(BM##x##BN, BM, BN, WM, WN, GROUPS, BLOCKS, false)                           \
  extern "C" __global__ void __launch_bounds__(GROUPS * 32 * (BM / WM) * (BN / WN), BLOCKS)      \
      data_##BM##x##BN(Geometry g, Divisors by, Tiling cut, const float* dy, const float* w,     \
                       const float* x, float* dx, float* parts, uint* tickets) {                 \
    Job job = {(int)blockIdx.x, (int)blockIdx.y, parts, tickets};                                \
    data_tile<BM, BN, WM, WN>(g, by, cut, job, dy, w, x, dx);                                    \
  }
// large tiles alone for padded pictures
#define LARGE_TILES(BM, BN, WM, WN, GROUPS, BLOCKS) \
  TILES(BM, BN, WM, WN, GROUPS, BLOCKS)             \
  FORWARD_AND_FILTER(BM##x##BN##_padded, BM, BN, WM, WN, GROUPS, BLOCKS, true)
// of a tile, of a warp; groups at most; blocks that a processor shall hold of so many groups
#if WARPGROUPS
LARGE_TILES(128, 64, 32, 64, 1, 2)
#else
LARGE_TILES(128, 64, 64, 32, 1, 2)
#endif
LARGE_TILES(128, 32, 32, 32, 2, 1)
LARGE_TILES(64, 64, 32, 32, 2, 1)
LARGE_TILES(32, 128, 32, 32, 2, 1)
TILES(64, 32, 64, 32, 8, 1)
TILES(32, 64, 32, 64, 8, 1)
TILES(32, 32, 32, 32, 8, 2)
TILES(32, 16, 32, 16, 8, 2)

// ── convolutions with few places ───────────────────────────────────────────────────────────────
// One picture leaves tiles mostly empty, and the parts of a long reduction have a long way to each
// other. So a block makes a filter's results in FP32: each warp holds the whole filter, and takes
// every FEW_WARPSth place.

#define FEW_WARPS 16
#define FEW_EACH 4   // places of a warp, whose pixels are all under way at once
#define FEW_FOURS 5  // of a lane, of the filter

// y = x ∗ w (+ bias), then max(·, 0) if asked. Without padding.
extern "C" __global__ void __launch_bounds__(FEW_WARPS * 32) few_forward(
    Geometry g, Divisors by, const float* x, const float* w, const float* bias, int relu,
    float* y) {
  int run = g.s * g.c, depth = g.r * run, M = g.n * g.oh * g.ow, k = blockIdx.x;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float4 filter[FEW_FOURS], pixels[FEW_EACH][FEW_FOURS];
  int at[FEW_FOURS];
#pragma unroll
  for (int f = 0; f < FEW_FOURS; f++) {
    int j = min((f * 32 + lane) * 4, depth - 4);  // behind the end come the last ones, for nobody
    filter[f] = *(const float4*)(w + (wide)k * depth + j);
    at[f] = j + quotient(j, by.run) * (g.w * g.c - run);
  }
#pragma unroll
  for (int i = 0; i < FEW_EACH; i++) {
    int m = min(warp + i * FEW_WARPS, M - 1);
    int line = quotient(m, by.ow), q = m - line * g.ow;
    int image = quotient(line, by.oh), p = line - image * g.oh;
    const float* from = x + ((image * g.h + p * g.strideH) * g.w + q * g.strideW) * g.c;
#pragma unroll
    for (int f = 0; f < FEW_FOURS; f++) pixels[i][f] = *(const float4*)(from + at[f]);
  }
#pragma unroll
  for (int i = 0; i < FEW_EACH; i++) {
    float sum = 0;
#pragma unroll
    for (int f = 0; f < FEW_FOURS; f++)
      if ((f * 32 + lane) * 4 < depth) sum = dot(pixels[i][f], filter[f], sum);
#pragma unroll
    for (int far = 16; far > 0; far /= 2) sum += __shfl_xor_sync(~0u, sum, far);
    int m = warp + i * FEW_WARPS;
    if (lane != i || m >= M) continue;
    if (bias) sum += bias[k];
    y[(wide)m * g.k + k] = relu && sum <= 0.f ? 0.f : sum;  // NaN stays
  }
}
