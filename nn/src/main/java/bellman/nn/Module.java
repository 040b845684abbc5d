package bellman.nn;

import bellman.engine.Tensor;

/** A function of tensors with parameters of its own. */
@FunctionalInterface
public interface Module {
  /** y = f(x). The first dimension of x and y counts samples. */
  Tensor forward(Tensor x);
}
