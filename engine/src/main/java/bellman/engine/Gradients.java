package bellman.engine;

import bellman.engine.backend.Pointwise;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * ∂L/∂x for every tensor x that L was computed from and that asked for it: the value of {@link
 * Tensor#backward}. Gradients of parameters lie in their {@link Parameters#gradients}, valid until
 * the next backward; the others live as long as the scope in which backward ran.
 */
public final class Gradients {
  private final Map<Tensor, Tensor> leaves = new IdentityHashMap<>();
  private final Map<Parameters, Long> epochs = new IdentityHashMap<>();

  /** Parameters whose gradients are complete and whose values the pass reads no more. */
  @FunctionalInterface
  public interface Arrival {
    /**
     * What is done here runs beside the rest of the pass; the last call comes behind everything.
     *
     * @param parameters none, perhaps, in the last call
     */
    void arrived(List<Tensor> parameters, boolean last);
  }

  private final Arrival arrival; // null: nobody asks
  private final Map<Tensor, Integer> awaited = new IdentityHashMap<>(); // contributions, by leaf
  private List<Tensor> left = List.of(); // arrived with the pass's last op

  private Gradients(Arrival arrival) {
    this.arrival = arrival;
  }

  /** Walks the graph from {@code loss} [] back to its leaves, newest op first. */
  static Gradients behind(Tensor loss, Arrival arrival) {
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
    Gradients result = new Gradients(arrival);
    if (arrival != null) {
      result.count(loss);
    }
    Tensor.withoutGradient(
        () -> {
          loss.device().joining(() -> result.walk(loss));
          if (arrival != null) {
            arrival.arrived(result.left, true);
          }
          return null;
        });
    return result;
  }

  /** How often each parameter was used. */
  private void count(Tensor loss) {
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Tensor> open = new ArrayDeque<>(List.of(loss));
    while (!open.isEmpty()) {
      Tensor next = open.pop();
      if (!seen.add(next)) {
        continue;
      }
      for (Tensor.Edge edge : next.edges()) {
        if (edge.input().parameters() != null) {
          awaited.merge(edge.input(), 1, Integer::sum);
        }
        open.push(edge.input());
      }
    }
  }

  /** After an op's gradients have been sent. */
  private void tell(Device device, Tensor y, boolean lastOp) {
    List<Tensor> complete = new ArrayList<>();
    for (Tensor.Edge edge : y.edges()) {
      Integer open = awaited.computeIfPresent(edge.input(), (leaf, n) -> n - 1);
      if (open != null && open == 0) {
        complete.add(edge.input());
      }
    }
    if (lastOp) {
      left = complete;
    } else if (!complete.isEmpty()) {
      device.trailing(() -> arrival.arrived(complete, false));
    }
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
      if (arrival != null) {
        tell(device, y, open.isEmpty());
      }
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
    boolean single = takesNew(toLeaves); // else parts of one would meet on two sides
    int last = Math.max(0, y.edges().size() - 2); // w's and its bias's
    boolean together =
        y.together() != null && single && toLeaves.equals(y.edges().subList(last, last + 2));
    List<Runnable> beside = new ArrayList<>();
    if (together) {
      beside.add(() -> y.together().write(dy, take(toLeaves.get(0)), take(toLeaves.get(1))));
    } else {
      toLeaves.forEach(edge -> beside.add(() -> flowToLeaf(y, dy, edge)));
    }
    Runnable first = () -> onward.forEach(edge -> flowOn(y, dy, edge, upstream, open));
    if (onward.isEmpty() && open.isEmpty() && !beside.isEmpty() && single) {
      first = beside.remove(0);
    }
    if (!beside.isEmpty()) {
      device.beside(() -> beside.forEach(Runnable::run));
    }
    first.run();
  }

  /** Whether the edges lead to different leaves, none of which has had a gradient. */
  private boolean takesNew(List<Tensor.Edge> edges) {
    Set<Tensor> inputs = Collections.newSetFromMap(new IdentityHashMap<>());
    return edges.stream()
        .allMatch(edge -> inputs.add(edge.input()) && !leaves.containsKey(edge.input()));
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

  /** Where a leaf's first gradient goes. */
  private Tensor take(Tensor.Edge edge) {
    Tensor x = edge.input();
    boolean parameter = x.parameters() != null;
    Tensor dx = parameter ? place(x) : x.device().empty(x.shape(), DType.FLOAT32);
    leaves.put(x, dx);
    return dx;
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
