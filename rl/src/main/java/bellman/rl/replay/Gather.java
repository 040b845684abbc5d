package bellman.rl.replay;

import bellman.engine.DType;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.BytePictures;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.rl.env.Frame;
import java.util.Arrays;

/**
 * Turns stored frames into a network's input: look-up by index, bytes to 0…1, and the goal gate,
 * which puts the frame's channels into the block of its goal and zeros into the others. (The
 * tutorial multiplies the picture by each element of the one-hot goal and joins the products on
 * channels; this is the same array.) A vector is gated as a picture of one pixel is.
 */
final class Gather {
  private static final String CUDA =
      """
      // a correctly rounded x / 255: the remainder mends the product with the reciprocal
      __device__ __forceinline__ float unit(float x) {
        float q = x * (1 / 255.f);
        return fmaf(fmaf(-q, 255.f, x), 1 / 255.f, q);
      }

      // THREADS threads write an item, which is a pixel, four channels at a time where these begin
      // at a multiple of four
      extern "C" __global__ void NAME(const TYPE* frames, const int* about, const int* index,
          float* y, unsigned pixelsPerFrame, unsigned channels, unsigned goals, int aboutWords,
          unsigned n) {
        unsigned item = blockIdx.x * (blockDim.x / THREADS) + threadIdx.x / THREADS;
        if (item >= n) return;
        unsigned part = threadIdx.x % THREADS, width = channels * goals;
        long long frame = index[item / pixelsPerFrame];
        unsigned open = about[frame * aboutWords] * channels;
        const TYPE* x = frames + (frame * pixelsPerFrame + item % pixelsPerFrame) * channels;
        float* to = y + (long long)item * width;
        if (channels % 4 == 0) {
          for (unsigned j = 4 * part; j < width; j += 4 * THREADS) {
            unsigned c = j - open;  // large where j is below
            float4 four = {0, 0, 0, 0};
            if (c < channels) {
              TYPE4 v = *(const TYPE4*)(x + c);
              four.x = LOAD(v.x);
              four.y = LOAD(v.y);
              four.z = LOAD(v.z);
              four.w = LOAD(v.w);
            }
            *(float4*)(to + j) = four;
          }
        } else {
          for (unsigned j = part; j < width; j += THREADS) {
            unsigned c = j - open;
            to[j] = c < channels ? LOAD(x[c]) : 0.f;
          }
        }
      }
      """;

  private static final int THREADS = 8; // of the GPU, for a pixel

  private static final Kernel PIXELS = kernel("gather_pixels", "uchar4", "unsigned char", "unit");

  private static final Kernel FLOATS = kernel("gather_floats", "float4", "float", "");

  private static Kernel kernel(String name, String four, String one, String load) {
    String cuda =
        CUDA.replace("NAME", name)
            .replace("THREADS", Integer.toString(THREADS))
            .replace("TYPE4", four)
            .replace("TYPE", one)
            .replace("LOAD", load);
    boolean bytes = four.startsWith("uchar");
    return new Kernel(
        name, cuda, THREADS, (arguments, from, to) -> gather(arguments, from, to, bytes));
  }

  /** Pixels that a thread turns at a time, so that they stay in its first cache. */
  private static final int TILE = 256;

  /** Byte to 0…1; dividing is exact here, a reciprocal is not. */
  private static final float[] UNIT = new float[256];

  static {
    for (int i = 0; i < 256; i++) {
      UNIT[i] = i / 255f;
    }
  }

  private Gather() {}

  /**
   * y[b] = picture index[b] behind its goal gate, made when somebody reads it.
   *
   * @param pictures [F, h·w·c] uint8
   * @param about [F, words] int32; the first word is the goal
   * @param index [B] int32
   * @return [B, h, w, c·max(goals, 1)] float32
   */
  static Tensor pictures(Frame frame, int goals, Tensor pictures, Tensor about, Tensor index) {
    int width = frame.channels() * Math.max(goals, 1);
    Shape shape = Shape.of(index.shape().dim(0), frame.height(), frame.width(), width);
    BytePictures bytes =
        new BytePictures(
            pictures.buffer(),
            index.buffer(),
            about.buffer(),
            about.shape().dim(1),
            frame.channels());
    return pictures
        .device()
        .pictures(shape, bytes, y -> launch(PIXELS, pictures, about, index, y, frame.channels()));
  }

  /**
   * y[b] = vector index[b] behind its goal gate.
   *
   * @param vectors [F, n] float32
   * @return [B, n·max(goals, 1)] float32
   */
  static Tensor vectors(Frame frame, int goals, Tensor vectors, Tensor about, Tensor index) {
    Shape shape = Shape.of(index.shape().dim(0), frame.vector() * Math.max(goals, 1));
    Tensor y = vectors.device().empty(shape, DType.FLOAT32);
    launch(FLOATS, vectors, about, index, y, frame.vector());
    return y;
  }

  private static void launch(
      Kernel kernel, Tensor frames, Tensor about, Tensor index, Tensor y, int channels) {
    int pixels = frames.shape().dim(1) / channels;
    y.device()
        .launch(
            kernel,
            index.shape().dim(0) * pixels,
            frames,
            about,
            index,
            y,
            pixels,
            channels,
            y.shape().dim(-1) / channels,
            about.shape().dim(1));
  }

  private static void gather(Kernel.Arguments arguments, int from, int to, boolean bytes) {
    HostArray frames = arguments.array(0);
    HostArray about = arguments.array(1);
    HostArray index = arguments.array(2);
    HostArray y = arguments.array(3);
    int pixels = arguments.integer(4);
    int channels = arguments.integer(5);
    int goals = arguments.integer(6);
    int words = arguments.integer(7);
    int width = channels * goals;
    int tile = Math.min(TILE, pixels);
    byte[] in = new byte[bytes ? tile * channels : 0];
    float[] x = new float[bytes ? 0 : tile * channels];
    float[] out = new float[tile * width]; // zeros in the other goals' channels
    int gate = 0; // the block that out holds
    for (int item = from; item < to; ) {
      int row = item / pixels;
      int first = item % pixels;
      int n = Math.min(tile, Math.min(to - item, pixels - first));
      long frame = (long) index.get(row);
      int block = (int) about.get(frame * words) * channels;
      long start = (frame * pixels + first) * channels;
      if (block != gate) {
        Arrays.fill(out, 0);
        gate = block;
      }
      if (bytes) {
        frames.read(start, in, 0, n * channels);
        for (int p = 0, i = 0; p < n; p++) {
          for (int c = 0, o = p * width + block; c < channels; c++) {
            out[o++] = UNIT[in[i++] & 0xff];
          }
        }
      } else {
        frames.read(start, x, 0, n * channels);
        for (int p = 0; p < n; p++) {
          System.arraycopy(x, p * channels, out, p * width + block, channels);
        }
      }
      y.write((long) item * width, out, 0, n * width);
      item += n;
    }
  }
}
