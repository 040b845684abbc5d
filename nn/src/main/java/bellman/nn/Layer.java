package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;

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
}
