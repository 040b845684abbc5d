package bellman.nn;

import bellman.engine.Tensor;

/** PyTorch's mse_loss: ℓ(d) = d². */
public record Mse() implements Loss {
  @Override
  public Tensor each(Tensor prediction, Tensor target) {
    return prediction.sub(target).square();
  }
}
