package bellman.engine.backend;

/**
 * Sizes of a two-dimensional convolution. Activations are NHWC: x is [n, h, w, c], y is [n, oh, ow,
 * k]; the filter is [k, r, s, c].
 */
public record ConvGeometry(
    int n, int h, int w, int c, int k, int r, int s, int strideH, int strideW, int padH, int padW) {
  /** Output height: ⌊(h + 2·padH − r) / strideH⌋ + 1. */
  public int oh() {
    return (h + 2 * padH - r) / strideH + 1;
  }

  /** Output width: ⌊(w + 2·padW − s) / strideW⌋ + 1. */
  public int ow() {
    return (w + 2 * padW - s) / strideW + 1;
  }

  /**
   * The same convolution over wider pixels, in the same memory: where the stride divides the
   * picture's and the filter's width, strideW neighbours of c channels are one pixel of strideW · c
   * and the stride is 1. A picture of 6 channels under a stride of 4 then has 24, which fill vector
   * and matrix units. This geometry itself where nothing folds.
   */
  public ConvGeometry folded() {
    boolean folds = strideW > 1 && padW == 0 && w % strideW == 0 && s % strideW == 0;
    return folds
        ? new ConvGeometry(
            n, h, w / strideW, c * strideW, k, r, s / strideW, strideH, 1, padH, padW)
        : this;
  }

  /** Multiplications and additions of one of the three passes, each counted as one. */
  public long flops() {
    return 2L * n * oh() * ow() * k * r * s * c;
  }
}
