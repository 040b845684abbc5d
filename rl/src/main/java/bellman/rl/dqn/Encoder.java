package bellman.rl.dqn;

import bellman.engine.Shape;
import bellman.nn.Sequential;
import bellman.nn.Weights;
import java.util.Arrays;
import java.util.Locale;

/**
 * What makes features of a picture. The names, the sizes of the filters and the smallest picture
 * are those of ML-Agents' {@code vis_encode_type}; every layer ends in a ReLU, as in the paper
 * below.
 */
public enum Encoder {
  /**
   * The three convolutions of Mnih et al. 2015, which the tutorial has. 36 pixels → conv1 8 → conv2
   * 3 → conv3 1.
   */
  NATURE_CNN(36, 4) {
    @Override
    void layers(Sequential.Builder on, int fold, int blocks) {
      first(on, 32, fold, blocks).relu();
      on.conv2d("conv2", 64, 4, 2).relu();
      on.conv2d("conv3", 64, 3, 1).relu();
    }
  },
  /** Two convolutions: 20 pixels → conv1 4 → conv2 1. */
  SIMPLE(20, 4) {
    @Override
    void layers(Sequential.Builder on, int fold, int blocks) {
      first(on, 16, fold, blocks).relu();
      on.conv2d("conv2", 32, 4, 2).relu();
    }
  },
  /** Two convolutions that see every pixel, for boards and other tiny pictures: 5 → 3 → 1. */
  MATCH3(5, 1) {
    @Override
    void layers(Sequential.Builder on, int fold, int blocks) {
      on.conv2d("conv1", 35, 3, 1).relu();
      on.conv2d("conv2", 144, 3, 1).relu();
    }
  },
  /** None: the pixels are the features. */
  FULLY_CONNECTED(1, 1) {
    @Override
    void layers(Sequential.Builder on, int fold, int blocks) {}
  };

  private final int smallest;
  private final int fold;

  /**
   * @param smallest height and width that its filters need
   * @param fold how pictures are best folded for it: by its first filters' stride, so that these
   *     meet pixels of many channels; 1: not at all
   */
  Encoder(int smallest, int fold) {
    this.smallest = smallest;
    this.fold = fold;
  }

  /** 8 × 8 filters with stride 4. */
  private static Sequential.Builder first(Sequential.Builder on, int out, int fold, int blocks) {
    return fold == 1
        ? on.conv2d("conv1", out, 8, 4)
        : on.foldedConv2d("conv1", out, 8, fold, blocks);
  }

  abstract void layers(Sequential.Builder on, int fold, int blocks);

  /**
   * The layers up to and with the Flatten.
   *
   * @param picture one sample [h, w, c], folded
   * @param fold by how much: {@link #fold}, or 1
   * @param blocks of its channels, each folded by itself: the goal gate's
   */
  Sequential on(Weights weights, Shape picture, int fold, int blocks) {
    Sequential.Builder on = Sequential.on(weights, picture);
    layers(on, fold, blocks);
    return on.flatten().build();
  }

  /**
   * How pictures of this size are folded for its first filters.
   *
   * @throws IllegalArgumentException if they are smaller than the filters need
   */
  int fold(int height, int width) {
    if (!fits(height, width)) {
      Encoder other =
          Arrays.stream(values()).filter(e -> e.fits(height, width)).findFirst().orElseThrow();
      throw new IllegalArgumentException(
          "the picture has %d × %d pixels and %s needs %d × %d or more; enlarge the camera sensor's picture, or take --vis-encode-type %s"
              .formatted(height, width, this, smallest, smallest, other));
    }
    return fold;
  }

  private boolean fits(int height, int width) {
    return Math.min(height, width) >= smallest;
  }

  /** {@code nature_cnn}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
