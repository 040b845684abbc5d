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

  /** Multiplications and additions of one of the three passes, each counted as one. */
  public long flops() {
    return 2L * n * oh() * ow() * k * r * s * c;
  }
}
