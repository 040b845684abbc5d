package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;

/**
 * Two-dimensional convolution (cross-correlation, as in PyTorch) with bias: x [n, h, w, in] → [n,
 * oh, ow, out], oh = ⌊(h + 2·padding − kernel) / stride⌋ + 1.
 *
 * <p>Parameters {@code weight}, in files [out, in, kernel, kernel], and {@code bias} [out]; first
 * values U(±1/√(in·kernel²)).
 */
public final class Conv2d implements Layer {
  private final String name;
  private final Tensor weight; // [out, kernel/fold, kernel/fold, in·fold²]
  private final Tensor bias; // [out]
  private final int in;
  private final int out;
  private final int kernel;
  private final int stride;
  private final int padding;
  private final int fold; // s × s neighbours that are one pixel of x; 1: none

  /** Without padding. */
  public Conv2d(Weights weights, int in, int out, int kernel, int stride) {
    this(weights, in, out, kernel, stride, 0);
  }

  /**
   * @param weights named as this layer: {@code weights.in("conv1")}
   * @param in channels of x, 1 or more; likewise out
   * @param kernel height and width of the filter in pixels, 1 or more; likewise stride
   * @param padding pixels of 0 on each side, 0 or more
   */
  public Conv2d(Weights weights, int in, int out, int kernel, int stride, int padding) {
    this(weights, in, out, kernel, stride, padding, 1, 1);
  }

  private Conv2d(
      Weights weights, int in, int out, int kernel, int stride, int padding, int fold, int blocks) {
    if (in < 1 || out < 1 || kernel < 1 || stride < 1 || padding < 0) {
      throw new IllegalArgumentException(
          "conv2d "
              + weights.name()
              + ": in, out, kernel and stride are 1 or more, padding 0 or more; got "
              + in
              + ", "
              + out
              + ", "
              + kernel
              + ", "
              + stride
              + " and "
              + padding);
    }
    Initializer initializer = Initializer.fanIn(in * kernel * kernel);
    this.name = weights.name();
    Layout layout =
        fold == 1
            ? Layout.filter(out, in, kernel, kernel)
            : Layout.foldedFilter(out, blocks, in / blocks, kernel, fold);
    this.weight = weights.parameter("weight", layout, initializer);
    this.bias = weights.parameter("bias", Layout.same(out), initializer);
    this.in = in;
    this.out = out;
    this.kernel = kernel;
    this.stride = stride;
    this.padding = padding;
    this.fold = fold;
  }

  /**
   * The same convolution without padding for pictures that come folded by its stride s: x [n,
   * ⌊h/s⌋, ⌊w/s⌋, blocks·s·s·c], where the s × s neighbours of a picture of c channels are one
   * pixel. It multiplies the same numbers as one of kernel/s × kernel/s filters with stride 1, and
   * s² as many channels fill vector and matrix units where 3 or 6 cannot.
   *
   * @param in blocks·c, channels of the pictures as they were
   * @param kernel a multiple of the stride
   * @param blocks parts of the channels that were folded each by itself
   */
  public static Conv2d folded(
      Weights weights, int in, int out, int kernel, int stride, int blocks) {
    if (stride < 1 || kernel % stride != 0 || blocks < 1 || in % blocks != 0) {
      throw new IllegalArgumentException(
          "conv2d %s of folded pictures: the stride divides the kernel, and the blocks the channels; got stride %d, kernel %d, %d blocks and %d channels"
              .formatted(weights.name(), stride, kernel, blocks, in));
    }
    return new Conv2d(weights, in, out, kernel, stride, 0, stride, blocks);
  }

  @Override
  public Tensor forward(Tensor x) {
    return x.conv2d(weight, bias, stride / fold, padding);
  }

  @Override
  public Tensor forwardRelu(Tensor x) {
    return x.conv2dRelu(weight, bias, stride / fold, padding);
  }

  @Override
  public Shape output(Shape input) {
    int channels = in * fold * fold;
    if (input.rank() != 3 || input.dim(2) != channels) {
      throw new ShapeException(
          name
              + ": an image with "
              + channels
              + " channels needed"
              + (fold == 1 ? "" : ", " + fold + " × " + fold + " pixels of " + in + " in each")
              + ", got "
              + Sizes.of(input));
    }
    int h = input.dim(0) * fold + 2 * padding;
    int w = input.dim(1) * fold + 2 * padding;
    if (h < kernel || w < kernel) {
      throw new ShapeException(
          name
              + ": the kernel "
              + kernel
              + "×"
              + kernel
              + " is larger than its input "
              + Sizes.of(input)
              + (padding == 0 ? "" : " with padding " + padding)
              + "; take a larger image, a smaller kernel or more padding");
    }
    return Shape.of((h - kernel) / stride + 1, (w - kernel) / stride + 1, out);
  }

  /** The prefix of its parameters' names: {@code conv1}. */
  public String name() {
    return name;
  }

  /** [out, kernel/fold, kernel/fold, in·fold²]. */
  public Tensor weight() {
    return weight;
  }

  /** [out]. */
  public Tensor bias() {
    return bias;
  }

  public int in() {
    return in;
  }

  public int out() {
    return out;
  }

  public int kernel() {
    return kernel;
  }

  public int stride() {
    return stride;
  }

  public int padding() {
    return padding;
  }

  /** How many neighbours in each direction are one pixel of x; 1: it is no folded picture. */
  public int fold() {
    return fold;
  }

  /** {@code conv1 6→32 8×8 stride 4}. */
  @Override
  public String toString() {
    return name
        + " "
        + in
        + "→"
        + out
        + " "
        + kernel
        + "×"
        + kernel
        + " stride "
        + stride
        + (padding == 0 ? "" : " padding " + padding);
  }
}
