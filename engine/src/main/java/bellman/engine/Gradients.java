package bellman.engine;

import bellman.engine.backend.Pointwise;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * ∂L/∂x for every tensor x that L was computed from and that asked for it: the value of {@link
 * Tensor#backward}. Gradients of parameters lie in their {@link Parameters#gradients}, valid until
 * the next backward; the others live as long as the scope in which backward ran.
 */
public final class Gradients {
  private final Map<Tensor, Tensor> leaves = new IdentityHashMap<>();
  private final Map<Parameters, Long> epochs = new IdentityHashMap<>();

  private Gradients() {}

  /** Walks the graph from {@code loss} [] back to its leaves, newest op first. */
  static Gradients behind(Tensor loss) {
    if (loss.shape().rank() != 0) {
      throw new ShapeException(
          "backward: the loss must be a scalar [], got "
              + loss.described()
              + "; reduce it with mean() or sum()");
    }
    if (!loss.hasGradient()) {
      throw new IllegalStateException(
          "backward: " + loss.described() + " depends on no parameter; nothing to differentiate");
    }
    Gradients result = new Gradients();
    Tensor.withoutGradient(
        () -> {
          loss.device().joining(() -> result.walk(loss));
          return null;
        });
    return result;
  }

  private void walk(Tensor loss) {
    Device device = loss.device();
    Map<Tensor, Tensor> upstream = new IdentityHashMap<>();
    PriorityQueue<Tensor> open =
        new PriorityQueue<>((p, q) -> Long.compare(q.sequence(), p.sequence()));
    boolean known = !loss.isLeaf() && loss.edges().stream().allMatch(Tensor.Edge::isKnown);
    upstream.put(loss, known ? null : device.full(Shape.scalar(), 1f)); // ∂L/∂L
    open.add(loss);
    while (!open.isEmpty()) {
      Tensor y = open.remove();
      Tensor dy = upstream.remove(y);
      if (y.isLeaf()) {
        arrive(y, dy); // the result of an op that asked for its gradient, or the loss
      }
      flow(device, y, dy, upstream, open);
    }
  }

  /**
   * Sends dy to y's inputs. What goes to leaves, as a filter's gradient, nobody waits for: it runs
   * beside what flows on. Behind the last op nothing flows on, and the first leaf takes that place.
   */
  private void flow(
      Device device,
      Tensor y,
      Tensor dy,
      Map<Tensor, Tensor> upstream,
      PriorityQueue<Tensor> open) {
    List<Tensor.Edge> toLeaves = new ArrayList<>();
    List<Tensor.Edge> onward = new ArrayList<>();
    for (Tensor.Edge edge : y.edges()) {
      boolean leaf = edge.input().isLeaf() && edge.input().edges().isEmpty();
      (leaf ? toLeaves : onward).add(edge);
    }
    Runnable first = () -> onward.forEach(edge -> flowOn(y, dy, edge, upstream, open));
    if (onward.isEmpty() && open.isEmpty() && toLeaves.size() > 1) {
      Tensor.Edge one = toLeaves.get(0);
      boolean only =
          !leaves.containsKey(one.input())
              && toLeaves.stream().skip(1).noneMatch(edge -> edge.input() == one.input());
      if (only) { // else its parts would meet on two sides
        toLeaves.remove(0);
        first = () -> flowToLeaf(y, dy, one);
      }
    }
    if (!toLeaves.isEmpty()) {
      device.beside(() -> toLeaves.forEach(edge -> flowToLeaf(y, dy, edge)));
    }
    first.run();
  }

  private static void flowOn(
      Tensor y,
      Tensor dy,
      Tensor.Edge edge,
      Map<Tensor, Tensor> upstream,
      PriorityQueue<Tensor> open) {
    Tensor x = edge.input();
    Tensor dx = edge.gradient(dy, null);
    checkShape(y, x, dx);
    Tensor sum = upstream.get(x);
    if (sum == null) {
      open.add(x);
      upstream.put(x, dx);
    } else {
      upstream.put(x, sum.add(dx));
    }
  }

  /** A parameter's first contribution is written straight into its place in the flat gradients. */
  private void flowToLeaf(Tensor y, Tensor dy, Tensor.Edge edge) {
    Tensor x = edge.input();
    Tensor sum = leaves.get(x);
    Parameters parameters = x.parameters();
    if (parameters == null || sum != null) {
      Tensor dx = edge.gradient(dy, null);
      checkShape(y, x, dx);
      if (sum == null) {
        leaves.put(x, dx);
      } else if (parameters == null) {
        leaves.put(x, sum.add(dx));
      } else {
        sum.device().backend().map(Pointwise.ADD, 0, 0, sum.buffer(), sum.buffer(), dx.buffer());
      }
      return;
    }
    Tensor place = place(x);
    Tensor dx = edge.gradient(dy, place);
    checkShape(y, x, dx);
    if (dx != place) {
      x.device().backend().copy(dx.buffer(), place.buffer());
    }
    leaves.put(x, place);
  }

  private void arrive(Tensor x, Tensor dx) {
    if (x.parameters() == null) {
      leaves.put(x, dx);
      return;
    }
    Tensor place = place(x);
    x.device().backend().copy(dx.buffer(), place.buffer());
    leaves.put(x, place);
  }

  private Tensor place(Tensor parameter) {
    epochs.computeIfAbsent(parameter.parameters(), Parameters::nextEpoch);
    return parameter.gradientPlace();
  }

  private static void checkShape(Tensor y, Tensor x, Tensor dx) {
    if (!dx.shape().equals(x.shape())) {
      throw new ShapeException(
          "backward of "
              + y.described()
              + ": the gradient for "
              + x.described()
              + " has shape "
              + dx.shape());
    }
  }

  /** ∂L/∂x. */
  public Tensor of(Tensor leaf) {
    Tensor dx = leaves.get(leaf);
    if (dx == null) {
      throw new IllegalStateException(
          "no gradient: "
              + leaf.described()
              + " took no part in this loss, or did not ask for a gradient");
    }
    Parameters parameters = leaf.parameters();
    if (parameters != null) {
      checkCurrent(parameters);
    }
    return dx;
  }

  /** The flat gradients of all parameters; one that took no part is an error that names it. */
  public Tensor of(Parameters parameters) {
    List<String> missing = new ArrayList<>();
    parameters
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (!leaves.containsKey(tensor)) {
                missing.add(name);
              }
            });
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "parameters without a gradient: "
              + missing
              + "; they took no part in the loss. Use them in forward, or build the network without"
              + " them");
    }
    checkCurrent(parameters);
    return parameters.gradients();
  }

  private void checkCurrent(Parameters parameters) {
    Long epoch = epochs.get(parameters);
    if (epoch == null || epoch != parameters.epoch()) {
      throw new IllegalStateException(
          "these gradients were overwritten by a later backward of the same parameters");
    }
  }
}
