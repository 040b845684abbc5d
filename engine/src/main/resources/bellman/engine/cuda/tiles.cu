// Convolutions without padding, and products, on the tensor cores: an implicit matrix product
// (Chetlur et al. 2014) that finds its operands' pixels while it loads them. A product is the
// convolution of n images of one pixel.
//
// The tensor cores multiply TF32, which has 11 of float's 24 bits. Compiled with EXACT, a number is
// the sum of two, high and low, and a product low·high + high·low + high·high: what that leaves out
// is as small as float's own rounding (Ootomo & Yokota 2022). Infinity has no such sum: it gives NaN.
//
// 4 warps, a group, make a tile of the result. Its operands come in slices of 16 along the
// reduction, through a ring of STAGES in shared memory that cp.async fills ahead. A reduction may be
// shared by the groups of a block, and a long one by several blocks. Their parts are added in a fixed
// order: equal inputs give equal bits.

#define SLICE 16
#define TILE_THREADS 128  // of a group
#define TILE_MEMBER ((int)threadIdx.x % TILE_THREADS)
#define TILE_GROUP ((int)threadIdx.x / TILE_THREADS)
#define TILE_GROUPS ((int)blockDim.x / TILE_THREADS)

// 16 bytes to shared memory; zeros where the operand ends.
__device__ __forceinline__ void copy_16(void* to, const void* from, bool inside) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   (uint)__cvta_generic_to_shared(to)),
               "l"(from), "r"(inside ? 16 : 0));
}
__device__ __forceinline__ void copies_given() { asm volatile("cp.async.commit_group;"); }
template <int STAGES>
__device__ __forceinline__ void copies_arrived() {
  asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2));
}

__device__ __forceinline__ uint tf32(float x) {  // to nearest
  uint y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
}

// x = high + low, as far as TF32 goes
__device__ __forceinline__ void split(uint x, uint& high, uint& low) {
  high = tf32(__uint_as_float(x));
  if (EXACT) low = tf32(__uint_as_float(x) - __uint_as_float(high));
}

__device__ __forceinline__ void multiply(float* c, const uint* a, const uint* b) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// An operand whose rows lie along the reduction: [ROWS][SLICE]. The four 16-byte parts of a row
// are exchanged so that eight rows read at once touch every bank once.
__device__ __forceinline__ int deep(int row, int part) {
  return row * SLICE + ((part ^ ((row >> 1) & 3)) << 2);
}
// An operand whose rows lie across it: [SLICE][COLS + 8], likewise.
#define ACROSS(COLS) ((COLS) + 8)

__device__ __forceinline__ void load_4(uint* to, const float* from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"((uint)__cvta_generic_to_shared(from)));
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

// How a pass is cut: its tiles, and splits of each tile's reduction.
struct Tiling {
  int tiles, splits, each;  // slices of a group
  int cohorts;              // of the splits of a tile
  Divisor cohort, across;   // members of a cohort; tiles side by side
};

struct Divisors {
  Divisor ow, oh, run, strideH, strideW, phase, tap;  // tiles of a phase, slices of a tap
};

// What a block does, with places where parts meet.
struct Job {
  int tile, split;
  float* parts;
  uint* tickets;
};

// c += a b, exact. The tensor cores cut off what they add to a sum; an addition outside rounds.
__device__ __forceinline__ void multiply_exactly(
    float* c, const uint* a, const uint* aLow, const uint* b, const uint* bLow) {
  float part[4] = {};
  if (aLow) multiply(part, aLow, b);
  if (bLow) multiply(part, a, bLow);
  multiply(part, a, b);
#pragma unroll
  for (int e = 0; e < 4; e++) c[e] += part[e];
}

// With SUMS it also adds up the rows of a.
template <int BM, int BN, int WM, int WN, bool SUMS>
struct Tile {
  static_assert(BM / WM * (BN / WN) == TILE_THREADS / 32, "four warps");
  static const int ROWS = WM / 16, COLS = WN / 8;  // of a warp, in pieces of 16 × 8
  static const int SIZE = BM * BN + (SUMS ? ROWS * 2 * TILE_THREADS : 0);  // floats of a part
  float sum[ROWS][COLS][4];
  float rowSum[ROWS][2];
  uint a[ROWS][4], b[COLS][2];

  __device__ static int lane() { return threadIdx.x % 32; }
  __device__ static int m0() { return TILE_MEMBER / 32 / (BN / WN) * WM; }  // of this warp
  __device__ static int n0() { return TILE_MEMBER / 32 % (BN / WN) * WN; }
  // where element e of piece (i, j) stands in the tile
  __device__ static int row(int i, int e) { return m0() + i * 16 + lane() / 4 + e / 2 * 8; }
  __device__ static int col(int j, int e) { return n0() + j * 8 + lane() % 4 * 2 + e % 2; }

  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int j = 0; j < COLS; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) sum[i][j][e] = 0;
#pragma unroll
    for (int i = 0; i < ROWS; i++) rowSum[i][0] = rowSum[i][1] = 0;
  }

  __device__ void deep_a(const float* s, int half) {
#pragma unroll
    for (int i = 0; i < ROWS; i++)
      load_4(a[i], s + deep(m0() + i * 16 + lane() % 16, half * 2 + lane() / 16));
  }
  __device__ void deep_b(const float* s, int half) {
    if constexpr (COLS == 1) {
#pragma unroll
      for (int e = 0; e < 2; e++)
        b[0][e] = __float_as_uint(s[deep(n0() + lane() / 4, half * 2 + e) + lane() % 4]);
    } else {
#pragma unroll
      for (int j = 0; j < COLS; j += 2) {
        int row = n0() + j * 8 + lane() % 8 + lane() / 16 * 8;
        uint two[4];
        load_4(two, s + deep(row, half * 2 + lane() / 8 % 2));
#pragma unroll
        for (int e = 0; e < 4; e++) b[j + e / 2][e % 2] = two[e];
      }
    }
  }
  __device__ void across_a(const float* s, int half) {
    const float* at = s + (half * 8 + lane() % 4) * ACROSS(BM) + m0() + lane() / 4;
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        float v = at[e / 2 * 4 * ACROSS(BM) + i * 16 + e % 2 * 8];
        a[i][e] = __float_as_uint(v);
        if (SUMS) rowSum[i][e % 2] += v;
      }
  }
  __device__ void across_b(const float* s, int half) {
    const float* at = s + (half * 8 + lane() % 4) * ACROSS(BN) + n0() + lane() / 4;
#pragma unroll
    for (int j = 0; j < COLS; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) b[j][e] = __float_as_uint(at[e * 4 * ACROSS(BN) + j * 8]);
  }
  __device__ void multiply_all() {
    uint high[COLS][2], low[COLS][2], aHigh[4], aLow[4];
#pragma unroll
    for (int j = 0; j < COLS; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) split(b[j][e], high[j][e], low[j][e]);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
      for (int e = 0; e < 4; e++) split(a[i][e], aHigh[e], aLow[e]);
#pragma unroll
      for (int j = 0; j < COLS; j++)
        if (EXACT)
          multiply_exactly(sum[i][j], aHigh, aLow, high[j], low[j]);
        else
          multiply(sum[i][j], aHigh, high[j]);
    }
  }

  // Does for every number that is summed: f(it, its place in a part).
  template <class F>
  __device__ void each(F f) {
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int j = 0; j < COLS; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) f(sum[i][j][e], ((i * COLS + j) * 4 + e) * TILE_THREADS);
    if (SUMS)
#pragma unroll
      for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int e = 0; e < 2; e++) f(rowSum[i][e], BM * BN + (i * 2 + e) * TILE_THREADS);
  }
  __device__ void store(float* at) {
    each([=](float& v, int i) { at[i] = v; });
  }
  template <class Load>
  __device__ void add(Load at) {
    each([=](float& v, int i) { v += at(i); });
  }

  // Whether this thread has its place of the whole sum; group 0 alone has. Of the blocks that share
  // a tile the last in each cohort adds its cohort's parts, and the last cohort adds the cohorts': no
  // block reads more than about twice the root of their number.
  __device__ bool whole(float* ring, Tiling cut, Job job) {
    float* here = ring + TILE_MEMBER;
    bool first = TILE_GROUP == 0;
    if (TILE_GROUPS > 1) {
      __syncthreads();  // nobody reads the ring any more
      if (!first) store(here + (TILE_GROUP - 1) * SIZE);
      __syncthreads();
      if (first)
#pragma unroll 1
        for (int g = 1; g < TILE_GROUPS; g++, here += SIZE) add([=](int i) { return here[i]; });
    }
    if (cut.splits == 1) return first;
    float* tile = job.parts + (wide)job.tile * cut.splits * SIZE + TILE_MEMBER;
    uint* tickets = job.tickets + job.tile * (cut.cohorts + 1);
    int cohort = quotient(job.split, cut.cohort), size = cut.cohort.d;
    int at = job.split, start = cohort * size, members = min(size, cut.splits - start), stride = 1;
    uint* ticket = tickets + 1 + cohort;
#pragma unroll 1
    for (bool last = cut.cohorts == 1;; last = true) {
      if (first) store(tile + at * SIZE);
      if (!last_block(ticket, members)) return false;
      if (first) sum_up(tile + start * SIZE, stride, members);
      if (last) return first;
      at = start;
      start = 0;
      members = cut.cohorts;
      stride = size;
      ticket = tickets;
    }
  }
  __device__ void sum_up(const float* tiles, int stride, int n) {
    clear();
#pragma unroll 4
    for (int z = 0; z < n; z++) {
      const float* at = tiles + z * stride * SIZE;
      add([=](int i) { return __ldcg(at + i); });
    }
  }
};

// The slices from … to of a group's share of the reduction.
__device__ __forceinline__ void share(int slices, Tiling cut, Job job, int& from, int& to) {
  from = min(slices, (job.split * TILE_GROUPS + TILE_GROUP) * cut.each);
  to = min(slices, from + cut.each);
}

// Takes a group's slices through its ring, which is filled first. The groups of a block go round
// equally often, the last ones perhaps without a slice, so that all meet equally often.
template <int STAGES, class Load, class Use>
__device__ __forceinline__ void feed(int each, int from, int to, Load load, Use use) {
  int free = 0, full = 0;  // stages
#pragma unroll 1
  for (int i = 1 - STAGES; i < each; i++) {
    if (i >= 0) {
      copies_arrived<STAGES>();
      asm volatile("bar.sync %0, %1;" ::"r"(TILE_GROUP + 1), "n"(TILE_THREADS) : "memory");
    }
    if (from + i + STAGES - 1 < to) load(free);
    copies_given();
    if (++free == STAGES) free = 0;
    if (i < 0) continue;
    if (from + i < to) {
#pragma unroll
      for (int half = 0; half < 2; half++) use(full, half);
    }
    if (++full == STAGES) full = 0;
  }
}

// The rings lie one behind the other.
extern __shared__ __align__(16) float tile_rings[];
#define STAGES_OF(BM, BN) ((BM) + (BN) > 160 ? 3 : 4)

#define COPIES(ROWS, PARTS) (((ROWS) * (PARTS) + TILE_THREADS - 1) / TILE_THREADS)

// y[m, k] = Σ x[m's pixels] w[k] (+ bias[k]), then max(·, 0) if asked. Without padding a filter's
// row of s · c numbers lies in one piece in x and in w.
template <int BM, int BN, int WM, int WN>
__device__ void forward_tile(Geometry g, Divisors by, Tiling cut, Job job, const float* x,
                             const float* w, const float* bias, int relu, float* y) {
  const int STAGES = STAGES_OF(BM, BN), AS = BM * SLICE, BS = BN * SLICE;
  float* as = tile_rings + TILE_GROUP * STAGES * (AS + BS);
  float* bs = as + STAGES * AS;
  const int AC = COPIES(BM, 4), BC = COPIES(BN, 4);
  int M = g.n * g.oh * g.ow, N = g.k, run = g.s * g.c, depth = g.r * run;
  int m0 = quotient(job.tile, cut.across) * BM, n0 = remainder(job.tile, cut.across) * BN;
  int part = TILE_MEMBER % 4;
  const float* a[AC];
  const float* b[BC];
  bool aIn[AC], bIn[BC];
#pragma unroll
  for (int i = 0; i < AC; i++) {
    int row = (TILE_MEMBER + i * TILE_THREADS) / 4, m = m0 + row;
    aIn[i] = row < BM && m < M;
    if (!aIn[i]) m = 0;
    int line = quotient(m, by.ow), q = m - line * g.ow;
    int image = quotient(line, by.oh), p = line - image * g.oh;
    a[i] = x + (((wide)image * g.h + p * g.strideH) * g.w + q * g.strideW) * g.c + part * 4;
  }
#pragma unroll
  for (int i = 0; i < BC; i++) {
    int row = (TILE_MEMBER + i * TILE_THREADS) / 4, n = n0 + row;
    bIn[i] = row < BN && n < N;
    b[i] = w + (wide)(bIn[i] ? n : 0) * depth + part * 4;
  }
  int from, to;
  share((depth + SLICE - 1) / SLICE, cut, job, from, to);
  int k = from * SLICE, r = quotient(k, by.run), j = k - r * run;  // of the next slice, in one run
  auto load = [&](int stage) {
    bool in = k + part * 4 < depth;
#pragma unroll
    for (int i = 0; i < AC; i++) {
      int row = (TILE_MEMBER + i * TILE_THREADS) / 4;
      bool inside = in && aIn[i];
      if (row < BM)
        copy_16(&as[stage * AS + deep(row, part)], inside ? a[i] + r * g.w * g.c + j : x, inside);
    }
#pragma unroll
    for (int i = 0; i < BC; i++) {
      int row = (TILE_MEMBER + i * TILE_THREADS) / 4;
      bool inside = in && bIn[i];
      if (row < BN) copy_16(&bs[stage * BS + deep(row, part)], inside ? b[i] + k : w, inside);
    }
    k += SLICE;
    j += SLICE;
    if (j >= run) {
      j = 0;
      r++;
    }
  };
  Tile<BM, BN, WM, WN, false> t;
  t.clear();
  float2 add[t.COLS] = {};  // read now, there at the end
#pragma unroll
  for (int j = 0; j < t.COLS; j++) {
    int n = n0 + t.col(j, 0);
    if (bias && n < N) add[j] = {bias[n], bias[n + 1]};  // N is even
  }
  feed<STAGES>(cut.each, from, to, load, [&](int stage, int half) {
    t.deep_a(as + stage * AS, half);
    t.deep_b(bs + stage * BS, half);
    t.multiply_all();
  });
  if (!t.whole(tile_rings, cut, job)) return;
#pragma unroll
  for (int i = 0; i < t.ROWS; i++)
#pragma unroll
    for (int j = 0; j < t.COLS; j++)
#pragma unroll
      for (int e = 0; e < 4; e += 2) {
        int m = m0 + t.row(i, e), n = n0 + t.col(j, e);
        if (m >= M || n >= N) continue;
        float2 v = {t.sum[i][j][e] + add[j].x, t.sum[i][j][e + 1] + add[j].y};
        if (relu) {
          v.x = v.x <= 0.f ? 0.f : v.x;  // NaN stays
          v.y = v.y <= 0.f ? 0.f : v.y;
        }
        *(float2*)(y + (wide)m * N + n) = v;
      }
}

// dx[h, w, c] = Σ dy[p, q, k] w[k, h − p·stride, w − q·stride, c]. The pixels that have the same
// rest by the strides meet the same taps of the filter: a phase, which has tiles of its own. If x is
// given, it came out of a relu, and dx is the gradient before that.
template <int BM, int BN, int WM, int WN>
__device__ void data_tile(Geometry g, Divisors by, Tiling cut, Job job, const float* dy,
                          const float* w, const float* x, float* dx) {
  const int STAGES = STAGES_OF(BM, BN), AS = BM * SLICE, BS = SLICE * ACROSS(BN);
  float* as = tile_rings + TILE_GROUP * STAGES * (AS + BS);
  float* bs = as + STAGES * AS;
  const int AC = COPIES(BM, 4), BC = COPIES(SLICE, BN / 4);
  int phase = quotient(job.tile, by.phase), tile = job.tile - phase * by.phase.d;
  int ph = quotient(phase, by.strideW), pw = phase - ph * g.strideW;
  int ih = quotient(g.h - ph + g.strideH - 1, by.strideH);
  int iw = quotient(g.w - pw + g.strideW - 1, by.strideW);
  int down = quotient(max(0, g.r - ph + g.strideH - 1), by.strideH);
  int right = quotient(max(0, g.s - pw + g.strideW - 1), by.strideW);
  int M = g.n * ih * iw, N = g.c;
  int m0 = quotient(tile, cut.across) * BM, n0 = remainder(tile, cut.across) * BN;
  if (m0 >= M) return;  // this phase has fewer pixels
  // a phase has as many places across as the picture, divided up or down
  Divisor across = {(uint)iw, iw > 1 ? ~0u / iw + 1 : 0}, along = {(uint)ih, ih > 1 ? ~0u / ih + 1 : 0};
  int part = TILE_MEMBER % 4;
  const float* a[AC];
  int p[AC], q[AC];
#pragma unroll
  for (int i = 0; i < AC; i++) {
    int m = m0 + (TILE_MEMBER + i * TILE_THREADS) / 4;
    bool in = (TILE_MEMBER + i * TILE_THREADS) / 4 < BM && m < M;
    if (!in) m = 0;
    int line = quotient(m, across), image = quotient(line, along);
    q[i] = m - line * iw;
    p[i] = line - image * ih;
    a[i] = dy + (((wide)image * g.oh + p[i]) * g.ow + q[i]) * g.k + part * 4;
    if (!in) p[i] = -1 - g.r;  // above every picture
  }
  int from, to;
  share(down * right * by.tap.d, cut, job, from, to);
  int tap = quotient(from, by.tap), k = (from - tap * by.tap.d) * SLICE;  // of the next slice
  int tapH = right ? (uint)tap / (uint)right : 0, tapW = tap - tapH * right;
  auto load = [&](int stage) {
#pragma unroll
    for (int i = 0; i < AC; i++) {
      int row = (TILE_MEMBER + i * TILE_THREADS) / 4;
      int u = p[i] - tapH, v = q[i] - tapW;
      bool inside = u >= 0 && u < g.oh && v >= 0 && v < g.ow && k + part * 4 < g.k;
      const float* at = a[i] - (tapH * g.ow + tapW) * g.k + k;
      if (row < BM) copy_16(&as[stage * AS + deep(row, part)], inside ? at : dy, inside);
    }
    int under = ((ph + tapH * g.strideH) * g.s + pw + tapW * g.strideW) * g.c;
#pragma unroll
    for (int i = 0; i < BC; i++) {
      int id = TILE_MEMBER + i * TILE_THREADS, row = id / (BN / 4), n = n0 + id % (BN / 4) * 4;
      bool inside = row < SLICE && k + row < g.k && n < N;
      const float* at = w + (wide)(k + row) * g.r * g.s * g.c + under + n;
      if (row < SLICE)
        copy_16(&bs[stage * BS + row * ACROSS(BN) + id % (BN / 4) * 4], inside ? at : w, inside);
    }
    k += SLICE;
    if (k >= g.k) {
      k = 0;
      if (++tapW == right) {
        tapW = 0;
        tapH++;
      }
    }
  };
  Tile<BM, BN, WM, WN, false> t;
  t.clear();
  feed<STAGES>(cut.each, from, to, load, [&](int stage, int half) {
    t.deep_a(as + stage * AS, half);
    t.across_b(bs + stage * BS, half);
    t.multiply_all();
  });
  wide to_row[t.ROWS][2];
  float2 y[t.ROWS][2][t.COLS];  // what the relu put out, read while the parts are added up
#pragma unroll
  for (int i = 0; i < t.ROWS; i++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      int m = m0 + t.row(i, 2 * e);
      int line = quotient(m, across), image = quotient(line, along);
      int v = (m - line * iw) * g.strideW + pw, h = (line - image * ih) * g.strideH + ph;
      to_row[i][e] = m < M ? (((wide)image * g.h + h) * g.w + v) * g.c : -1;
#pragma unroll
      for (int j = 0; j < t.COLS; j++) {
        int n = n0 + t.col(j, 0);
        y[i][e][j] = {1, 1};
        if (x && m < M && n < N) y[i][e][j] = *(const float2*)(x + to_row[i][e] + n);
      }
    }
  if (!t.whole(tile_rings, cut, job)) return;
#pragma unroll
  for (int i = 0; i < t.ROWS; i++)
#pragma unroll
    for (int e = 0; e < 2; e++)
#pragma unroll
      for (int j = 0; j < t.COLS; j++) {
        int n = n0 + t.col(j, 0);
        if (to_row[i][e] < 0 || n >= N) continue;
        float2 d = {t.sum[i][j][2 * e], t.sum[i][j][2 * e + 1]};
        d.x = y[i][e][j].x <= 0.f ? 0.f : d.x;
        d.y = y[i][e][j].y <= 0.f ? 0.f : d.y;
        *(float2*)(dx + to_row[i][e] + n) = d;
      }
}

// dw[k, j] = Σ_m dy[m, k] x[m's pixels][j]: the reduction runs over all places of the filter. If
// asked, db[k] = Σ_m dy[m, k] on the way.
template <int BM, int BN, int WM, int WN>
__device__ void filter_tile(Geometry g, Divisors by, Tiling cut, Job job, const float* x,
                            const float* dy, float* dw, float* db) {
  const int STAGES = STAGES_OF(BM, BN), AS = SLICE * ACROSS(BM), BS = SLICE * ACROSS(BN);
  float* as = tile_rings + TILE_GROUP * STAGES * (AS + BS);
  float* bs = as + STAGES * AS;
  const int AC = COPIES(SLICE, BM / 4), BC = COPIES(SLICE, BN / 4);
  int run = g.s * g.c, M = g.k, N = g.r * run, places = g.n * g.oh * g.ow;
  int m0 = quotient(job.tile, cut.across) * BM, n0 = remainder(job.tile, cut.across) * BN;
  int from, to;
  share((places + SLICE - 1) / SLICE, cut, job, from, to);
  bool single = g.oh * g.ow == 1;
  wide right = (wide)g.strideW * g.c, down = (wide)g.strideH * g.w * g.c, image = (wide)g.h * g.w * g.c;
  const float* b[BC];  // where the pixels of this thread's next place begin
  int p[BC], q[BC];
  bool bIn[BC];
#pragma unroll
  for (int i = 0; i < BC; i++) {
    int id = TILE_MEMBER + i * TILE_THREADS, n = n0 + id % (BN / 4) * 4;
    int place = from * SLICE + id / (BN / 4);
    bIn[i] = n < N;
    if (!bIn[i]) n = 0;
    int line = quotient(place, by.ow), which = quotient(line, by.oh), r = quotient(n, by.run);
    q[i] = place - line * g.ow;
    p[i] = line - which * g.oh;
    b[i] = x + which * image + p[i] * down + q[i] * right + r * g.w * g.c + n - r * run;
  }
  int first = from * SLICE;
  auto load = [&](int stage) {
#pragma unroll
    for (int i = 0; i < AC; i++) {
      int id = TILE_MEMBER + i * TILE_THREADS, row = id / (BM / 4), m = m0 + id % (BM / 4) * 4;
      bool inside = row < SLICE && first + row < places && m < M;
      const float* at = dy + (wide)(first + row) * M + m;
      if (row < SLICE)
        copy_16(&as[stage * AS + row * ACROSS(BM) + id % (BM / 4) * 4], inside ? at : dy, inside);
    }
#pragma unroll
    for (int i = 0; i < BC; i++) {
      int id = TILE_MEMBER + i * TILE_THREADS, row = id / (BN / 4);
      bool inside = row < SLICE && first + row < places && bIn[i];
      if (row < SLICE)
        copy_16(&bs[stage * BS + row * ACROSS(BN) + id % (BN / 4) * 4], inside ? b[i] : x, inside);
      if (single) {
        b[i] += SLICE * image;
      } else {
        q[i] += SLICE;
        b[i] += SLICE * right;
        while (q[i] >= g.ow) {
          q[i] -= g.ow;
          b[i] += down - g.ow * right;
          if (++p[i] == g.oh) {
            p[i] = 0;
            b[i] += image - g.oh * down;
          }
        }
      }
    }
    first += SLICE;
  };
  Tile<BM, BN, WM, WN, true> t;
  t.clear();
  feed<STAGES>(cut.each, from, to, load, [&](int stage, int half) {
    t.across_a(as + stage * AS, half);
    t.across_b(bs + stage * BS, half);
    t.multiply_all();
  });
  if (!t.whole(tile_rings, cut, job)) return;
#pragma unroll
  for (int i = 0; i < t.ROWS; i++)
#pragma unroll
    for (int j = 0; j < t.COLS; j++)
#pragma unroll
      for (int e = 0; e < 4; e += 2) {
        int m = m0 + t.row(i, e), n = n0 + t.col(j, e);
        if (m < M && n < N) *(float2*)(dw + (wide)m * N + n) = {t.sum[i][j][e], t.sum[i][j][e + 1]};
      }
  if (!db || n0 + t.n0() > 0) return;
#pragma unroll
  for (int i = 0; i < t.ROWS; i++)
#pragma unroll
    for (int e = 0; e < 2; e++) {  // four neighbours in the warp have met a quarter each
      float v = t.rowSum[i][e];
      v += __shfl_xor_sync(~0u, v, 1);
      v += __shfl_xor_sync(~0u, v, 2);
      int m = m0 + t.row(i, 2 * e);
      if (m < M && t.lane() % 4 == 0) db[m] = v;
    }
}

#define TILES(BM, BN, WM, WN, GROUPS)                                                            \
  extern "C" __global__ void __launch_bounds__(GROUPS * TILE_THREADS) forward_##BM##x##BN(       \
      Geometry g, Divisors by, Tiling cut, const float* x, const float* w, const float* bias,    \
      int relu, float* y, float* parts, uint* tickets) {                                         \
    Job job = {(int)blockIdx.x, (int)blockIdx.y, parts, tickets};                                \
    forward_tile<BM, BN, WM, WN>(g, by, cut, job, x, w, bias, relu, y);                          \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(GROUPS * TILE_THREADS) data_##BM##x##BN(          \
      Geometry g, Divisors by, Tiling cut, const float* dy, const float* w, const float* x,      \
      float* dx, float* parts, uint* tickets) {                                                  \
    Job job = {(int)blockIdx.x, (int)blockIdx.y, parts, tickets};                                \
    data_tile<BM, BN, WM, WN>(g, by, cut, job, dy, w, x, dx);                                    \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(GROUPS * TILE_THREADS) filter_##BM##x##BN(        \
      Geometry g, Divisors by, Tiling cut, const float* x, const float* dy, float* dw, float* db, \
      float* parts, uint* tickets) {                                                             \
    Job job = {(int)blockIdx.x, (int)blockIdx.y, parts, tickets};                                \
    filter_tile<BM, BN, WM, WN>(g, by, cut, job, x, dy, dw, db);                                 \
  }
// the last number: groups at most, so many that a thread keeps its sums in registers
TILES(128, 64, 64, 32, 1)
TILES(128, 32, 32, 32, 2)
TILES(64, 64, 32, 32, 2)
TILES(32, 128, 32, 32, 2)
TILES(64, 32, 32, 16, 4)
TILES(32, 64, 16, 32, 4)
TILES(32, 32, 16, 16, 4)
TILES(32, 16, 16, 8, 8)
