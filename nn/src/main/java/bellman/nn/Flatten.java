package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.Tensor;

/**
 * [n, h, w, c] → [n, h·w·c]. The features are in H,W,C order, PyTorch's are in C,H,W: the {@link
 * Linear} behind it reorders its columns in files, so that both compute the same function.
 */
public record Flatten() implements Layer {
  @Override
  public Tensor forward(Tensor x) {
    return x.flatten();
  }

  @Override
  public Shape output(Shape input) {
    return Shape.of(Math.toIntExact(input.size()));
  }

  @Override
  public String toString() {
    return "flatten";
  }
}
