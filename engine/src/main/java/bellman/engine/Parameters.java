package bellman.engine;

import bellman.engine.backend.Buffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The learned tensors of a network, in order, as slices of one flat buffer; their gradients lie in
 * a second one with the same places, so that an optimizer is one kernel and a target sync one copy.
 *
 * <p>Parameters are added while the network is built; the first use of any of them lays out the
 * memory and ends the building. That memory belongs to the scope in which the Parameters were made,
 * wherever the first use happens, also inside a captured step. Places are multiples of 16 floats
 * (64 bytes); the gaps stay 0.
 */
public final class Parameters {
  private static final int ALIGN = 16;

  private final Device device;
  private final Scope home;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final List<float[]> initial = new ArrayList<>();
  private Tensor values;
  private Tensor gradients;
  private Buffer[] gradientSlices;
  private long epoch;

  public Parameters(Device device) {
    this.device = device;
    this.home = device.innermost();
  }

  /** Adds a parameter with its first values, row-major in the engine's layout. */
  public Tensor add(String name, Shape shape, float[] initial) {
    if (values != null) {
      throw new IllegalStateException(
          "parameter " + name + ": the network is in use; parameters are added while it is built");
    }
    if (initial.length != shape.size()) {
      throw new ShapeException(
          "parameter " + name + ": " + initial.length + " values for shape " + shape);
    }
    Tensor parameter = Tensor.parameter(device, this, tensors.size(), shape, name);
    if (tensors.putIfAbsent(name, parameter) != null) {
      throw new IllegalStateException(
          "parameter " + name + ": the name is taken; names are unique");
    }
    this.initial.add(initial.clone());
    return parameter;
  }

  /** Name to tensor, in the order of adding. */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  public Device device() {
    return device;
  }

  /** All values, flat. */
  public Tensor values() {
    layOut();
    return values;
  }

  /** The gradients of the last backward, flat, in the places of {@link #values}. */
  public Tensor gradients() {
    layOut();
    return gradients;
  }

  /** A zeroed state with the places of {@link #values}: an optimizer's memory. */
  public Tensor likeValues(String name) {
    return device.state(name, new float[(int) values().shape().size()], values().shape());
  }

  /** Where a parameter begins in the flat tensors. */
  public long place(String name) {
    long at = 0;
    for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
      if (e.getKey().equals(name)) {
        return at;
      }
      at += aligned(e.getValue().shape().size());
    }
    throw new IllegalArgumentException("no parameter " + name + "; there are " + tensors.keySet());
  }

  /**
   * Where parameters lie in the flat tensors.
   *
   * @param at the first element
   * @param count of elements
   */
  public record Range(long at, long count) {}

  /** Where these lie, neighbours as one range. */
  public List<Range> ranges(List<Tensor> parameters) {
    List<Range> ranges = new ArrayList<>();
    long at = 0;
    for (Tensor t : tensors.values()) {
      long count = aligned(t.shape().size());
      if (parameters.contains(t)) {
        Range last = ranges.isEmpty() ? new Range(-1, 0) : ranges.get(ranges.size() - 1);
        if (last.at + last.count == at) {
          ranges.set(ranges.size() - 1, new Range(last.at, last.count + count));
        } else {
          ranges.add(new Range(at, count));
        }
      }
      at += count;
    }
    return ranges;
  }

  /** Overwrites all values with those of a network of the same structure. */
  public void copyFrom(Parameters other) {
    if (!shapes().equals(other.shapes())) {
      throw new ShapeException(
          "copyFrom: the networks differ: " + shapes() + " here, " + other.shapes() + " there");
    }
    values().set(other.values());
  }

  private Map<String, Shape> shapes() {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return shapes;
  }

  void layOut() {
    if (values != null) {
      return;
    }
    if (!home.isOpen()) {
      throw new IllegalStateException(
          "parameters "
              + tensors.keySet()
              + " were used after their scope '"
              + home.name()
              + "' closed");
    }
    long total = 0;
    for (Tensor t : tensors.values()) {
      total += aligned(t.shape().size());
    }
    float[] flat = new float[Math.toIntExact(total)];
    long at = 0;
    int i = 0;
    for (Tensor t : tensors.values()) {
      float[] first = initial.get(i++);
      System.arraycopy(first, 0, flat, (int) at, first.length);
      at += aligned(t.shape().size());
    }
    initial.clear();
    values = flat("parameters", flat);
    gradients = flat("gradients", new float[flat.length]);
    gradientSlices = new Buffer[tensors.size()];
    at = 0;
    i = 0;
    for (Tensor t : tensors.values()) {
      t.bind(values, values.buffer().slice(at, t.shape().size()));
      gradientSlices[i++] = gradients.buffer().slice(at, t.shape().size());
      at += aligned(t.shape().size());
    }
  }

  private Tensor flat(String name, float[] contents) {
    Buffer buffer = device.take(DType.FLOAT32, contents.length);
    device.backend().write(buffer, 0, contents, 0, contents.length);
    return new Tensor(device, Shape.of(contents.length), DType.FLOAT32, buffer, home)
        .mutable()
        .named(name);
  }

  private static long aligned(long count) {
    return (count + ALIGN - 1) / ALIGN * ALIGN;
  }

  Buffer gradientSlice(int index) {
    layOut();
    return gradientSlices[index];
  }

  /** A new backward is about to overwrite the gradients. */
  long nextEpoch() {
    gradients().buffer().written();
    return ++epoch;
  }

  long epoch() {
    return epoch;
  }
}
