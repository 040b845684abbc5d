package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.Tensor;

/** max(x, 0), element by element. */
public record Relu() implements Layer {
  @Override
  public Tensor forward(Tensor x) {
    return x.relu();
  }

  @Override
  public Shape output(Shape input) {
    return input;
  }

  @Override
  public String toString() {
    return "relu";
  }
}
