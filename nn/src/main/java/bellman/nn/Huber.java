package bellman.nn;

import bellman.engine.Tensor;

/**
 * PyTorch's huber_loss: ℓ(d) = |d| ≤ δ ? d²/2 : δ(|d| − δ/2) (Huber 1964). It is δ times {@link
 * SmoothL1}, the same at 1.
 *
 * @param delta where the parabola meets the line, above 0
 */
public record Huber(float delta) implements Loss {
  public Huber {
    if (!(delta > 0)) {
      throw new IllegalArgumentException("huber: delta is above 0, got " + delta);
    }
  }

  /** δ = 1, PyTorch's default. */
  public Huber() {
    this(1f);
  }

  @Override
  public Tensor each(Tensor prediction, Tensor target) {
    return prediction.sub(target).huber(delta);
  }
}
