package bellman.rl.onnx;

import bellman.engine.Shape;
import bellman.nn.Sequential;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Signature;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** A greedy policy out of a model: a network of Q-values, and what it sees and chooses. */
public final class OnnxPolicy {
  private final Signature signature;
  private final Shape picture;
  private final List<Consumer<Sequential.Builder>> encoder;
  private final int vector;
  private final List<Consumer<Sequential.Builder>> head;
  private final Map<String, Values> weights;

  /**
   * @param picture one sample [h, w, c], behind the gate; null: none
   * @param vector features joined behind the encoder's, behind the gate
   */
  OnnxPolicy(
      Signature signature,
      Shape picture,
      List<Consumer<Sequential.Builder>> encoder,
      int vector,
      List<Consumer<Sequential.Builder>> head,
      Map<String, Values> weights) {
    this.signature = signature;
    this.picture = picture;
    this.encoder = encoder;
    this.vector = vector;
    this.head = head;
    this.weights = weights;
  }

  public Signature signature() {
    return signature;
  }

  /** The weights of {@link #network}, by name, in PyTorch's order. */
  public Map<String, Values> weights() {
    return Collections.unmodifiableMap(weights);
  }

  /** The network, with new weights. */
  public QNetwork network(Weights weights) {
    if (picture == null) {
      Sequential.Builder on = Sequential.on(weights, Shape.of(vector));
      return new QNetwork(Optional.empty(), vector, built(on, head));
    }
    Sequential features = built(Sequential.on(weights, picture), encoder);
    Sequential.Builder behind = Sequential.behind(weights, features, vector);
    return new QNetwork(Optional.of(features), vector, built(behind, head));
  }

  private static Sequential built(
      Sequential.Builder builder, List<Consumer<Sequential.Builder>> layers) {
    layers.forEach(layer -> layer.accept(builder));
    return builder.build();
  }
}
