package bellman.nn;

import bellman.engine.Shape;

/** The tutorial's network. */
final class Tutorial {
  private Tutorial() {}

  /** Image [h, w, c] → Q of 4 actions. */
  static Sequential network(Weights weights, Shape image) {
    return Sequential.on(weights, image)
        .conv2d("conv1", 32, 8, 4)
        .relu()
        .conv2d("conv2", 64, 4, 2)
        .relu()
        .conv2d("conv3", 64, 3, 1)
        .relu()
        .flatten()
        .linear("fc1", 512)
        .relu()
        .linear("q", 4)
        .build();
  }
}
