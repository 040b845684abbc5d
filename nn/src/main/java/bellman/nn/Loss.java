package bellman.nn;

import bellman.engine.Tensor;

/** How far predictions are from their targets. Shapes are equal; gradients flow to both sides. */
@FunctionalInterface
public interface Loss {
  /** ℓ(prediction − target), element by element, unreduced: for weighted samples. */
  Tensor each(Tensor prediction, Tensor target);

  /** The mean over all elements: → []. */
  default Tensor of(Tensor prediction, Tensor target) {
    return each(prediction, target).mean();
  }
}
