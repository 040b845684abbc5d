package bellman.rl.dqn;

import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Layer;
import bellman.nn.Sequential;
import bellman.nn.Weights;
import bellman.rl.env.Frame;
import bellman.rl.env.Spec;
import bellman.rl.replay.Seen;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Q(s, ·): what is seen → [actions], in at most two parts:
 *
 * <pre>
 *   picture [h, w, c·goals] → encoder → features [f] ─┐
 *                                 vector [n·goals] ───┴→ joined [f + n·goals] → head → [actions]
 * </pre>
 *
 * <p>The encoder ends in a Flatten. The head is fc1 … fcN, each with a ReLU behind it, and q.
 * Without a vector the features alone are the head's input, without a picture the vector is.
 *
 * @param encoder of the picture; absent where the world has none
 * @param vector floats joined behind the features, 0: none
 */
public record QNetwork(Optional<Sequential> encoder, int vector, Sequential head) {
  /**
   * How pictures are folded for the network, so that its first filters meet pixels of many
   * channels; 1 where they are not, or there is none.
   *
   * @throws IllegalArgumentException if the picture is too small for the encoder
   */
  public static int fold(Spec spec, NetworkSettings settings) {
    Frame f = spec.frame();
    return f.hasPicture() ? settings.encoder().fold(f.height(), f.width()) : 1;
  }

  /**
   * The network for what a world shows; with the default settings and GridWorld's picture it is the
   * tutorial's, with 1,002,148 parameters.
   *
   * @param fold how pictures come: folded as {@link #fold} says, or as they are, by 1
   */
  public static QNetwork of(Weights weights, Spec spec, NetworkSettings settings, int fold) {
    Frame f = spec.frame().folded(fold);
    int blocks = Math.max(1, spec.goals()); // the goal gate opens one
    int vector = f.vector() * blocks;
    Optional<Sequential> encoder = Optional.empty();
    Sequential.Builder head;
    if (f.hasPicture()) {
      Shape picture = Shape.of(f.height(), f.width(), f.channels() * blocks);
      Sequential features = settings.encoder().on(weights, picture, fold, blocks);
      encoder = Optional.of(features);
      head = Sequential.behind(weights, features, vector);
    } else {
      head = Sequential.on(weights, Shape.of(vector));
    }
    int units = settings.hiddenUnits().orElse(f.hasPicture() ? 512 : 128);
    int layers = settings.numLayers().orElse(f.hasPicture() ? 1 : 2);
    for (int i = 1; i <= layers; i++) {
      head.linear("fc" + i, units).relu();
    }
    return new QNetwork(encoder, vector, head.linear("q", spec.actions()).build());
  }

  /** Q(s, ·) [B, actions]. */
  public Tensor forward(Seen s) {
    if (encoder.isEmpty()) {
      return head.forward(s.vector());
    }
    Tensor features = encoder.get().forward(s.picture());
    return head.forward(vector == 0 ? features : features.concatChannels(s.vector()));
  }

  /** Encoder and head, one behind the other; where a vector is joined stands in the record. */
  public List<Layer> layers() {
    return Stream.concat(encoder.stream().flatMap(e -> e.layers().stream()), head.layers().stream())
        .toList();
  }

  /** {@code [conv1 6→32 8×8 stride 4, relu, …, flatten, with the vector [4], fc1 1796→512, …]}. */
  @Override
  public String toString() {
    if (encoder.isEmpty() || vector == 0) {
      return layers().toString();
    }
    String features = encoder.get().toString();
    return features.substring(0, features.length() - 1)
        + ", with the vector ["
        + vector
        + "], "
        + head.toString().substring(1);
  }
}
