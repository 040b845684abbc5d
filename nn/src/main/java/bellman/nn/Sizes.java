package bellman.nn;

import bellman.engine.Shape;

/** A sample's shape for people, in PyTorch's order. */
final class Sizes {
  private Sizes() {}

  /** [h, w, c] as {@code 6×64×84 (C×H×W)}; other shapes as they are. */
  static String of(Shape sample) {
    return sample.rank() == 3 ? plain(sample) + " (C×H×W)" : plain(sample);
  }

  static String plain(Shape sample) {
    return sample.rank() == 3
        ? sample.dim(2) + "×" + sample.dim(0) + "×" + sample.dim(1)
        : sample.toString();
  }
}
