package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;

/**
 * A module whose result's shape follows from its input's: what a network is a list of, and what an
 * exporter walks. It is complete when its constructor returns.
 */
public interface Layer extends Module {
  /**
   * The shape of one sample's result, without the batch: [h, w, c] or [features].
   *
   * @param input the shape of one sample
   * @throws ShapeException if such samples do not fit; the message names this layer
   */
  Shape output(Shape input);

  /** max(f(x), 0); layers that end in a bias need no pass of its own for it. */
  default Tensor forwardRelu(Tensor x) {
    return forward(x).relu();
  }
}
