package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;

/**
 * y = x Wᵀ + b: x [n, in] → [n, out].
 *
 * <p>Parameters {@code weight} [out, in] and {@code bias} [out]; first values U(±1/√in). Behind a
 * {@link Flatten} the columns of the weight are in H,W,C order in memory and in C,H,W order in
 * files.
 */
public final class Linear implements Layer {
  private final String name;
  private final Tensor weight; // [out, in]
  private final Tensor bias; // [out]
  private final int in;
  private final int out;

  /**
   * @param weights named as this layer: {@code weights.in("q")}
   * @param in features of x, 1 or more; likewise out
   */
  public Linear(Weights weights, int in, int out) {
    this(weights, in, out, Layout.same(out, in));
  }

  /**
   * Behind a Flatten.
   *
   * @param image the shape [h, w, c] that was flattened
   * @param more features that were joined behind it, 0 or more
   */
  public Linear(Weights weights, Shape image, int more, int out) {
    this(weights, Math.toIntExact(image.size() + more), out, Layout.columns(out, image, more));
  }

  private Linear(Weights weights, int in, int out, Layout layout) {
    if (in < 1 || out < 1) {
      throw new IllegalArgumentException(
          "linear " + weights.name() + ": in and out are 1 or more, got " + in + " and " + out);
    }
    Initializer initializer = Initializer.fanIn(in);
    this.name = weights.name();
    this.weight = weights.parameter("weight", layout, initializer);
    this.bias = weights.parameter("bias", Layout.same(out), initializer);
    this.in = in;
    this.out = out;
  }

  @Override
  public Tensor forward(Tensor x) {
    return x.linear(weight, bias);
  }

  @Override
  public Tensor forwardRelu(Tensor x) {
    return x.linearRelu(weight, bias);
  }

  @Override
  public Shape output(Shape input) {
    if (input.rank() == 3) {
      throw new ShapeException(
          name + ": features needed, got the image " + Sizes.of(input) + "; put a Flatten before");
    }
    if (input.rank() != 1 || input.dim(0) != in) {
      throw new ShapeException(name + ": " + in + " features needed, got " + Sizes.of(input));
    }
    return Shape.of(out);
  }

  /** The prefix of its parameters' names: {@code fc1}. */
  public String name() {
    return name;
  }

  /** [out, in]. */
  public Tensor weight() {
    return weight;
  }

  /** [out]. */
  public Tensor bias() {
    return bias;
  }

  public int in() {
    return in;
  }

  public int out() {
    return out;
  }

  /** {@code fc1 1792→512}. */
  @Override
  public String toString() {
    return name + " " + in + "→" + out;
  }
}
