// ── what the host wrote ────────────────────────────────────────────────────────────────────────
// From pinned memory to its places, which do not overlap. One block of 1024 threads. Each warp waits
// for the bus, so entry e begins at warp e: small ones travel side by side.

struct Letters {
  wide count, read;  // how many; how often the list was read
  struct {
    const byte* from;
    byte* to;
    wide bytes;
  } entries[32];
};

template <typename T>
__device__ void carry(const byte* from, byte* to, wide bytes, int thread) {
  for (wide i = thread; i < bytes / (wide)sizeof(T); i += blockDim.x)
    ((T*)to)[i] = ((const T*)from)[i];
}

extern "C" __global__ void deliver(Letters* letters) {
  __shared__ Letters all;
  for (int i = threadIdx.x; i < sizeof(Letters) / sizeof(wide); i += blockDim.x)
    ((wide*)&all)[i] = ((volatile const wide*)letters)[i];
  __syncthreads();
  for (int e = 0; e < all.count; e++) {
    const byte* from = all.entries[e].from;
    byte* to = all.entries[e].to;
    wide bytes = all.entries[e].bytes, grain = (wide)to | bytes;
    int thread = (threadIdx.x + blockDim.x - 32 * e) % blockDim.x;
    if (grain % 16 == 0)
      carry<int4>(from, to, bytes, thread);
    else if (grain % 4 == 0)
      carry<int>(from, to, bytes, thread);
    else
      carry<byte>(from, to, bytes, thread);
  }
  if (threadIdx.x > 0) return;
  *(volatile wide*)&letters->count = 0;  // a recording that brings none finds none
  __threadfence_system();                // the host may write the list once it sees the next line
  *(volatile wide*)&letters->read = all.read + 1;
}
