package bellman.rl.dqn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.nn.Sequential;
import bellman.nn.Weights;
import bellman.rl.env.Frame;
import bellman.rl.env.Spec;

/** Networks Q(s, ·): observation → [actions]. */
public final class QNetworks {
  /** 36 → conv1 8 → conv2 3 → conv3 1. */
  private static final int SMALLEST = 36;

  private QNetworks() {}

  /**
   * How pictures are folded for the network, so that its first filters meet pixels of many
   * channels: by the stride of those filters; 1 for vectors.
   */
  public static int fold(Spec spec) {
    return spec.frame().pixels() ? 4 : 1;
  }

  /**
   * The network for a kind of observation: {@link #natureCnn} for pictures, else {@link #mlp}.
   *
   * @param fold how pictures come: folded by 4, or as they are, by 1
   */
  public static Sequential of(Weights weights, Spec spec, int fold) {
    return spec.frame().pixels() ? natureCnn(weights, spec, fold) : mlp(weights, spec);
  }

  /**
   * The convolutional network of Mnih et al. 2015, as the tutorial has it; 1,002,148 parameters for
   * GridWorld.
   *
   * @throws ShapeException if the picture is too small for its filters (36 × 36)
   */
  public static Sequential natureCnn(Weights weights, Spec spec, int fold) {
    Frame f = spec.frame();
    if (f.height() < SMALLEST || f.width() < SMALLEST) {
      throw new ShapeException(
          "the picture has %d × %d pixels; the network's filters need %d × %d or more: enlarge the camera sensor's picture"
              .formatted(f.height(), f.width(), SMALLEST, SMALLEST));
    }
    Sequential.Builder network = Sequential.on(weights, input(spec, fold));
    return (fold == 1
            ? network.conv2d("conv1", 32, 8, 4)
            : network.foldedConv2d("conv1", 32, 8, fold, Math.max(1, spec.goals())))
        .relu()
        .conv2d("conv2", 64, 4, 2)
        .relu()
        .conv2d("conv3", 64, 3, 1)
        .relu()
        .flatten()
        .linear("fc1", 512)
        .relu()
        .linear("q", spec.actions())
        .build();
  }

  /** Two hidden layers of 128, for vectors. */
  public static Sequential mlp(Weights weights, Spec spec) {
    return Sequential.on(weights, input(spec, 1))
        .flatten()
        .linear("fc1", 128)
        .relu()
        .linear("fc2", 128)
        .relu()
        .linear("q", spec.actions())
        .build();
  }

  /** One sample behind the goal gate: [h, w, c·max(goals, 1)] of the folded picture. */
  private static Shape input(Spec spec, int fold) {
    Frame f = spec.frame().folded(fold);
    return Shape.of(f.height(), f.width(), f.channels() * Math.max(1, spec.goals()));
  }
}
