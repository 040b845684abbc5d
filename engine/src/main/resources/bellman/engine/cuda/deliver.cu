// ── what the host wrote ────────────────────────────────────────────────────────────────────────
// From pinned memory to its places, which do not overlap. Each block has a list of its own, and each
// letter of a list begins at other warps, so that small ones travel side by side: a block waits for
// the bus twice, for its list and for what that names. What lies nearby comes with the list.

#define NEAR 2304  // bytes for each list

struct alignas(512) Letters {
  uint count, read;  // how many; how often the list was read
  struct {
    const byte* from;
    byte* to;
    uint bytes;
    uint by, columns, run;  // of a picture to be folded; else 0
  } entries[15];
};

template <typename T>
__device__ void carry(const byte* from, byte* to, uint bytes, uint thread) {
  for (uint i = thread; i < bytes / sizeof(T); i += blockDim.x)
    ((T*)to)[i] = ((const T*)from)[i];
}

// [by][columns][run] → [columns][by][run], for each band of `by` rows; a run is some words.
__device__ void carry_folded(const byte* from, byte* to, uint bytes, uint thread, uint by,
                             uint columns, uint run) {
  for (uint i = thread; i < bytes / 16; i += blockDim.x) {
    int4 four = ((const int4*)from)[i];
    int words[] = {four.x, four.y, four.z, four.w};
#pragma unroll
    for (int e = 0; e < 4; e++) {
      uint word = 4 * i + e, piece = word / run, line = piece / columns, column = piece % columns;
      uint place = (line / by * columns + column) * by + line % by;
      ((int*)to)[place * run + word % run] = words[e];
    }
  }
}

extern "C" __global__ void deliver(Letters* lists, const byte* nearby) {
  __shared__ Letters all;
  __shared__ int4 near[NEAR / 16];
  wide* list = (wide*)(lists + blockIdx.x);
  nearby = nearby ? nearby + blockIdx.x * NEAR : nearby;
  const int words = sizeof(Letters) / sizeof(wide);
  int i = threadIdx.x, four = i - words;
  if (i < words) ((wide*)&all)[i] = ((volatile const wide*)list)[i];
  if (nearby && four >= 0 && four < NEAR / 16) near[four] = __ldcv((const int4*)nearby + four);
  __syncthreads();
  // A recording that brings none finds none; once the host sees this, it may write the list again.
  if (threadIdx.x == 0) *(volatile wide*)list = (wide)(all.read + 1) << 32;
  for (int e = 0; e < all.count; e++) {
    auto& one = all.entries[e];
    const byte* from = one.from;
    if (nearby && from >= nearby && from < nearby + NEAR)
      from = (const byte*)near + (from - nearby);
    byte* to = one.to;
    uint bytes = one.bytes, grain = (uint)(wide)to | bytes;
    uint thread = (threadIdx.x - 256 * e) % blockDim.x;
    if (one.by > 1)
      carry_folded(from, to, bytes, thread, one.by, one.columns, one.run / 4);
    else if (grain % 16 == 0)
      carry<int4>(from, to, bytes, thread);
    else if (grain % 4 == 0)
      carry<int>(from, to, bytes, thread);
    else
      carry<byte>(from, to, bytes, thread);
  }
}
