// ── Adam ──────────────────────────────────────────────────────────────────────────────────────

struct Step {
  float b1, b2, rest1, rest2, decay;  // constants of the launch: they take no registers
};

__device__ __forceinline__ void adam_one(
    const Step& a, float rate, float small, float& p, float g, float& m, float& v) {
  g += a.decay * p;
  m = a.b1 * m + a.rest1 * g;
  v = a.b2 * v + a.rest2 * g * g;
  p -= rate * m / (sqrtf(v) + small);
}

__device__ __forceinline__ uint magnitude(float x) { return __float_as_uint(x) & 0x7fffffffu; }

// Both sides of the fraction are multiplied by √(1−β₂ᵗ): one division less for each parameter. A
// thread loads its first four parameters before it waits for the powers, βᵗ = exp(t ln β). If asked,
// the block that takes the last ticket counts the step: all have read t then. With 8 blocks on a
// processor a million parameters are under way at once, which is worth a few spilled registers.
extern "C" __global__ void __launch_bounds__(256, 8)
    adam(float* p, const float* g, float* m, float* v, const float* lr, int warmup, int* t,
         uint* largest, uint* ticket, Step a, float logBeta1, float logBeta2, float epsilon,
         int aligned, int last, wide n) {
  __shared__ float rate, small;
  uint turn = 0, top = 0;
  wide step = (wide)gridDim.x * blockDim.x, fours = aligned ? n / 4 : 0;
  float4 p4, g4, m4, v4;
  auto load = [&](wide i) {
    p4 = ((float4*)p)[i];
    g4 = ((const float4*)g)[i];
    m4 = ((float4*)m)[i];
    v4 = ((float4*)v)[i];
  };
  ELEMENT;
  if (i < fours) load(i);
  if (threadIdx.x == 0) {
    int now = t[0] + 1;
    float root = sqrtf(-expm1f(now * logBeta2));
    float warm = now < warmup ? (float)now / warmup : 1;
    rate = lr[0] * warm / -expm1f(now * logBeta1) * root;
    small = epsilon * root;
    __threadfence();
  }
  __syncthreads();
  if (threadIdx.x == 0 && last) turn = atomicInc(ticket, gridDim.x - 1);
#pragma unroll 1
  while (i < fours) {
    top = max(top, max(max(magnitude(g4.x), magnitude(g4.y)),
                       max(magnitude(g4.z), magnitude(g4.w))));
    adam_one(a, rate, small, p4.x, g4.x, m4.x, v4.x);
    adam_one(a, rate, small, p4.y, g4.y, m4.y, v4.y);
    adam_one(a, rate, small, p4.z, g4.z, m4.z, v4.z);
    adam_one(a, rate, small, p4.w, g4.w, m4.w, v4.w);
    ((float4*)p)[i] = p4;
    ((float4*)m)[i] = m4;
    ((float4*)v)[i] = v4;
    i += step;
    if (i < fours) load(i);
  }
#pragma unroll 1
  for (i += 3 * fours; i < n; i += step) {  // behind the fours, if these are not past
    top = max(top, magnitude(g[i]));
    adam_one(a, rate, small, p[i], g[i], m[i], v[i]);
  }
  if (largest) {  // the largest does not depend on the order
    top = block_max(top);
    if (threadIdx.x == 0 && top > *(volatile uint*)largest) atomicMax(largest, top);
  }
  if (threadIdx.x == 0 && last && turn == gridDim.x - 1) t[0]++;
}
