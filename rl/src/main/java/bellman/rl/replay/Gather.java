package bellman.rl.replay;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.rl.env.Frame;
import java.util.Arrays;

/**
 * Turns stored frames into a network's input: look-up by index, bytes to 0…1, and the goal gate,
 * which puts the frame's channels into the block of its goal and zeros into the others. (The
 * tutorial multiplies the picture by each element of the one-hot goal and joins the products on
 * channels; this is the same array.)
 */
final class Gather {
  private static final String CUDA =
      """
      // a correctly rounded x / 255: the remainder mends the product with the reciprocal
      __device__ __forceinline__ float unit(float x) {
        float q = x * (1 / 255.f);
        return fmaf(fmaf(-q, 255.f, x), 1 / 255.f, q);
      }

      extern "C" __global__ void NAME(const TYPE* frames, const int* about, const int* index,
          float* y, unsigned pixelsPerFrame, unsigned channels, unsigned goals, int aboutWords,
          unsigned n) {
        // a block writes the elements of its items, four in a row by each thread
        unsigned first = blockIdx.x * blockDim.x, width = channels * goals;
        unsigned elements = min(n - first, blockDim.x) * width;
        for (unsigned e = 4 * threadIdx.x; e < elements; e += 4 * blockDim.x) {
          unsigned item = first + e / width, j = e % width;
          unsigned row = item / pixelsPerFrame, pixel = item % pixelsPerFrame;
          long long frame = index[row];
          const TYPE* x = frames + (frame * pixelsPerFrame + pixel) * channels;
          unsigned open = about[frame * aboutWords] * channels;
          float four[4];
          for (int i = 0; i < 4; i++) {
            unsigned c = j - open;  // large where j is below
            four[i] = e + i < elements && c < channels ? LOAD : 0.f;
            if (++j < width) continue;
            j = 0;
            x += channels;
            if (++pixel < pixelsPerFrame || e + i + 1 >= elements) continue;
            pixel = 0;
            frame = index[++row];
            x = frames + frame * pixelsPerFrame * channels;
            open = about[frame * aboutWords] * channels;
          }
          float* to = y + (long long)first * width + e;
          if (e + 4 <= elements) {
            *(float4*)to = *(float4*)four;
          } else {
            for (int i = 0; e + i < elements; i++) to[i] = four[i];
          }
        }
      }
      """;

  private static final Kernel PIXELS =
      new Kernel(
          "gather_pixels",
          CUDA.replace("NAME", "gather_pixels")
              .replace("TYPE", "unsigned char")
              .replace("LOAD", "unit(x[c])"),
          (arguments, from, to) -> gather(arguments, from, to, true));

  private static final Kernel FLOATS =
      new Kernel(
          "gather_floats",
          CUDA.replace("NAME", "gather_floats").replace("TYPE", "float").replace("LOAD", "x[c]"),
          (arguments, from, to) -> gather(arguments, from, to, false));

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
   * y[b] = frame index[b] behind its goal gate.
   *
   * @param frames [F, h·w·c] uint8 or float32
   * @param about [F, words] int32; the first word is the goal
   * @param index [B] int32
   * @return [B, h, w, c·max(goals, 1)]
   */
  static Tensor frames(Frame frame, int goals, Tensor frames, Tensor about, Tensor index) {
    Device device = frames.device();
    int blocks = Math.max(goals, 1);
    int rows = index.shape().dim(0);
    int pixels = frame.height() * frame.width();
    Tensor y =
        device.empty(
            Shape.of(rows, frame.height(), frame.width(), frame.channels() * blocks),
            DType.FLOAT32);
    device.launch(
        frame.pixels() ? PIXELS : FLOATS,
        rows * pixels,
        frames,
        about,
        index,
        y,
        pixels,
        frame.channels(),
        blocks,
        about.shape().dim(1));
    return y;
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
    byte[] in = new byte[bytes ? TILE * channels : 0];
    float[] x = new float[bytes ? 0 : TILE * channels];
    float[] out = new float[TILE * width]; // zeros in the other goals' channels
    int gate = 0; // the block that out holds
    for (int item = from; item < to; ) {
      int row = item / pixels;
      int first = item % pixels;
      int n = Math.min(TILE, Math.min(to - item, pixels - first));
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
