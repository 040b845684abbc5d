package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers one behind the other, for samples of one shape. Every size is checked while it is built.
 *
 * <pre>{@code
 * Sequential q =
 *     Sequential.on(weights, Shape.of(64, 84, 6)) // one sample: H, W, C
 *         .conv2d("conv1", 32, 8, 4).relu()
 *         .flatten()
 *         .linear("fc1", 512).relu()
 *         .linear("q", 4)
 *         .build();
 * }</pre>
 */
public final class Sequential implements Layer {
  private final List<Layer> layers;
  private final Shape input;
  private final Shape output;
  private final Shape flattened; // the image whose features the output is; null: none

  private Sequential(List<Layer> layers, Shape input, Shape output, Shape flattened) {
    this.layers = List.copyOf(layers);
    this.input = input;
    this.output = output;
    this.flattened = flattened;
  }

  /**
   * Begins a network.
   *
   * @param input one sample: [h, w, c] or [features]
   */
  public static Builder on(Weights weights, Shape input) {
    return new Builder(weights, input, null);
  }

  /**
   * Begins a network whose sample is the features of another, with others joined behind them.
   *
   * @param first ends in features [n]; behind its Flatten the columns of files are in its order
   * @param more features joined, 0 or more
   */
  public static Builder behind(Weights weights, Sequential first, int more) {
    if (first.output.rank() != 1 || more < 0) {
      throw new ShapeException(
          "behind: features and 0 or more others needed, got "
              + Sizes.of(first.output)
              + " and "
              + more
              + "; end the first network with a Flatten");
    }
    return new Builder(weights, Shape.of(first.output.dim(0) + more), first.flattened);
  }

  @Override
  public Tensor forward(Tensor x) {
    Tensor y = x;
    for (int i = 0; i < layers.size(); i++) {
      boolean relu = i + 1 < layers.size() && layers.get(i + 1) instanceof Relu;
      y = relu ? layers.get(i++).forwardRelu(y) : layers.get(i).forward(y);
    }
    return y;
  }

  @Override
  public Shape output(Shape input) {
    if (!input.equals(this.input)) {
      throw new ShapeException(
          "sequential: built for " + Sizes.of(this.input) + ", got " + Sizes.of(input));
    }
    return output;
  }

  /** In the order of computing. */
  public List<Layer> layers() {
    return layers;
  }

  /** One sample's shape: [h, w, c] or [features]. */
  public Shape input() {
    return input;
  }

  /** One sample's result. */
  public Shape output() {
    return output;
  }

  @Override
  public String toString() {
    return layers.toString();
  }

  /** Adds layers, following one sample's shape through them. */
  public static final class Builder {
    private final Weights weights;
    private final Shape input;
    private final List<Layer> layers = new ArrayList<>();
    private final StringBuilder sizes; // 6×64×84 → conv1 32×15×20 → …
    private Shape shape; // behind the last layer
    private Shape flattened; // the image that a Flatten made features of; null: none

    private Builder(Weights weights, Shape input, Shape flattened) {
      if (input.rank() != 1 && input.rank() != 3) {
        throw new ShapeException(
            "sequential: one sample is [h, w, c] or [features], got "
                + input
                + "; leave the batch out");
      }
      this.weights = weights;
      this.input = input;
      this.shape = input;
      this.flattened = flattened;
      this.sizes = new StringBuilder(Sizes.plain(input));
    }

    /** {@link Conv2d} without padding. */
    public Builder conv2d(String name, int out, int kernel, int stride) {
      return conv2d(name, out, kernel, stride, 0);
    }

    public Builder conv2d(String name, int out, int kernel, int stride, int padding) {
      if (shape.rank() != 3) {
        throw new ShapeException(
            name + ": an image needed, got features " + shape + "; sizes so far: " + sizes);
      }
      return add(new Conv2d(weights.in(name), shape.dim(2), out, kernel, stride, padding), name);
    }

    /**
     * {@link Conv2d#folded}.
     *
     * @param blocks parts of the sample's channels that were folded each by itself
     */
    public Builder foldedConv2d(String name, int out, int kernel, int stride, int blocks) {
      if (shape.rank() != 3 || shape.dim(2) % (stride * stride * blocks) != 0) {
        throw new ShapeException(
            "%s: an image folded by %d in %d blocks needed, got %s; sizes so far: %s"
                .formatted(name, stride, blocks, shape, sizes));
      }
      int in = shape.dim(2) / (stride * stride);
      return add(Conv2d.folded(weights.in(name), in, out, kernel, stride, blocks), name);
    }

    public Builder relu() {
      return add(new Relu());
    }

    public Builder flatten() {
      if (shape.rank() == 3) {
        flattened = shape;
      }
      return add(new Flatten());
    }

    /** {@link Linear}; its inputs are the features of the layer before. */
    public Builder linear(String name, int out) {
      if (shape.rank() != 1) {
        throw new ShapeException(
            name + ": features needed, got an image; put a Flatten before; sizes so far: " + sizes);
      }
      Weights part = weights.in(name);
      Linear layer =
          flattened == null
              ? new Linear(part, shape.dim(0), out)
              : new Linear(part, flattened, shape.dim(0) - (int) flattened.size(), out);
      return add(layer, name);
    }

    /**
     * A layer of any other kind. Flattening belongs to {@link #flatten}: only then does the Linear
     * behind it know in which order files hold its columns.
     */
    public Builder add(Layer layer) {
      return add(layer, layer.toString());
    }

    private Builder add(Layer layer, String name) {
      try {
        Shape next = layer.output(shape);
        if (layer instanceof Linear) {
          flattened = null; // its results are no pixels
        }
        if (!next.equals(shape)) {
          sizes.append(" → ").append(name).append(' ').append(Sizes.plain(next));
        }
        shape = next;
      } catch (ShapeException e) {
        throw new ShapeException(e.getMessage() + "; sizes so far: " + sizes);
      }
      layers.add(layer);
      return this;
    }

    public Sequential build() {
      return new Sequential(layers, input, shape, flattened);
    }
  }
}
