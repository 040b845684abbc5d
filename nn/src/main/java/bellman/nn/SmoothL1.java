package bellman.nn;

import bellman.engine.Tensor;

/**
 * PyTorch's smooth_l1_loss: ℓ(d) = |d| &lt; β ? d²/(2β) : |d| − β/2 (Girshick, "Fast R-CNN", 2015).
 *
 * @param beta where the parabola meets the line, 0 or more; 0 is |d|
 */
public record SmoothL1(float beta) implements Loss {
  public SmoothL1 {
    if (!(beta >= 0)) {
      throw new IllegalArgumentException("smoothL1: beta is 0 or more, got " + beta);
    }
  }

  /** β = 1, PyTorch's default. */
  public SmoothL1() {
    this(1f);
  }

  @Override
  public Tensor each(Tensor prediction, Tensor target) {
    return prediction.sub(target).smoothL1(beta);
  }
}
