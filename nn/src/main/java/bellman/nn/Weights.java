package bellman.nn;

import bellman.engine.Device;
import bellman.engine.Parameters;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import bellman.engine.backend.Philox;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/**
 * Where a network's parameters come from: the device they live on, the seed of their first values,
 * and their dotted names, which are PyTorch's and the keys in files. One network has one Weights;
 * {@link #in} gives views that only prefix names.
 *
 * <p>Loading and saving speak PyTorch's order (see {@link Layout}), for the values and for every
 * other flat tensor with the same places, such as Adam's m and v.
 */
public final class Weights {
  private final Parameters parameters;
  private final Map<String, Layout> layouts; // shared by all views
  private final long seed;
  private final String name;

  /** Weights of a new network. First values depend on the seed and each parameter's name alone. */
  public Weights(Device device, long seed) {
    this(new Parameters(device), new LinkedHashMap<>(), seed, "");
  }

  private Weights(Parameters parameters, Map<String, Layout> layouts, long seed, String name) {
    this.parameters = parameters;
    this.layouts = layouts;
    this.seed = seed;
    this.name = name;
  }

  /** The same weights; names given to the view get {@code part} and a dot in front. */
  public Weights in(String part) {
    if (part.isEmpty()) {
      throw new IllegalArgumentException("in: the name of a part of a network cannot be empty");
    }
    return new Weights(parameters, layouts, seed, full(part));
  }

  /** What this view puts in front of names, without the dot: {@code conv1}; "" for the whole. */
  public String name() {
    return name;
  }

  private String full(String part) {
    return name.isEmpty() ? part : name + "." + part;
  }

  /**
   * A new parameter of shape {@code layout.memory()}, part of every forward's gradient.
   *
   * @throws IllegalArgumentException if it does not fit in Java's memory
   */
  public Tensor parameter(String name, Layout layout, Initializer initializer) {
    String full = full(name);
    Philox.Key key = Philox.Key.of(seed, full);
    long count = layout.file().size();
    try {
      float[] first = initializer.draw(key, Math.toIntExact(count));
      Tensor parameter = parameters.add(full, layout.memory(), layout.toMemory(first));
      layouts.put(full, layout);
      return parameter;
    } catch (ArithmeticException | OutOfMemoryError e) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s %s: %,d weights are too many for a heap of up to %,d MB; lower --hidden-units,"
                  + " take a --vis-encode-type with fewer features, or set"
                  + " BELLMAN_JAVA_OPTS=-Xmx8g",
              full,
              layout.file(),
              count,
              Runtime.getRuntime().maxMemory() >> 20),
          e);
    }
  }

  public Device device() {
    return parameters.device();
  }

  /** The tensors themselves: flat values and gradients, in the engine's order. */
  public Parameters parameters() {
    return parameters;
  }

  /** Every parameter's layout by its full name, in the order of adding. */
  public Map<String, Layout> layouts() {
    return Collections.unmodifiableMap(layouts);
  }

  /** How many numbers are learned. */
  public long count() {
    return layouts.values().stream().mapToLong(l -> l.file().size()).sum();
  }

  // ── in and out ────────────────────────────────────────────────────────────────────────────────

  /** All values, by full name. */
  public Map<String, Values> save() {
    return save(parameters.values());
  }

  /** The slices of a flat tensor with the places of the values: gradients, Adam's m and v. */
  public Map<String, Values> save(Tensor flat) {
    requireFlat("save", flat);
    float[] all = flat.toFloats();
    Map<String, Values> result = new LinkedHashMap<>();
    layouts.forEach(
        (name, layout) -> {
          float[] slice = new float[(int) layout.file().size()];
          System.arraycopy(all, (int) parameters.place(name), slice, 0, slice.length);
          result.put(name, new Values(layout.file(), layout.toFile(slice)));
        });
    return result;
  }

  /**
   * Overwrites all values in place.
   *
   * @param values exactly one entry per parameter, in PyTorch's shapes
   * @throws IllegalArgumentException listing every missing and unexpected name and every other
   *     shape; nothing is written then
   */
  public void load(Map<String, Values> values) {
    load(parameters.values(), values);
  }

  /** The same for a flat tensor with the places of the values. */
  public void load(Tensor flat, Map<String, Values> values) {
    requireFlat("load", flat);
    requireSame("load", values);
    float[] all = new float[(int) flat.shape().size()]; // the gaps between places stay 0
    layouts.forEach(
        (name, layout) -> {
          float[] slice = layout.toMemory(values.get(name).floats());
          System.arraycopy(slice, 0, all, (int) parameters.place(name), slice.length);
        });
    flat.set(all);
  }

  /**
   * Overwrites all values with those of a network of the same structure, on the device: θ⁻ ← θ.
   *
   * @throws IllegalArgumentException listing what differs
   */
  public void copyFrom(Weights other) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    other.layouts.forEach((name, layout) -> shapes.put(name, layout.file()));
    requireShapes("copyFrom", shapes);
    if (!new ArrayList<>(layouts.keySet()).equals(new ArrayList<>(other.layouts.keySet()))) {
      throw new IllegalArgumentException(
          "copyFrom: the parameters come in another order: "
              + layouts.keySet()
              + " ← "
              + other.layouts.keySet()
              + "; build both networks with the same code");
    }
    parameters.copyFrom(other.parameters);
  }

  private void requireFlat(String op, Tensor flat) {
    if (!flat.shape().equals(parameters.values().shape())) {
      throw new ShapeException(
          op
              + ": a flat tensor like the values "
              + parameters.values().shape()
              + " needed, got "
              + flat.described()
              + "; Parameters.likeValues makes one");
    }
  }

  void requireSame(String op, Map<String, Values> given) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    given.forEach((name, v) -> shapes.put(name, v.shape()));
    requireShapes(op, shapes);
  }

  private void requireShapes(String op, Map<String, Shape> given) {
    Set<String> missing = new LinkedHashSet<>(layouts.keySet());
    missing.removeAll(given.keySet());
    Set<String> unexpected = new LinkedHashSet<>(given.keySet());
    unexpected.removeAll(layouts.keySet());
    List<String> shapes = new ArrayList<>();
    layouts.forEach(
        (name, layout) -> {
          Shape shape = given.get(name);
          if (shape != null && !shape.equals(layout.file())) {
            shapes.add(name + " is " + layout.file() + " here, " + shape + " given");
          }
        });
    StringJoiner problems = new StringJoiner("; ");
    if (!missing.isEmpty()) {
      problems.add("missing: " + String.join(", ", missing));
    }
    if (!unexpected.isEmpty()) {
      problems.add("unexpected: " + String.join(", ", unexpected));
    }
    if (!shapes.isEmpty()) {
      problems.add("other shapes (in PyTorch's order): " + String.join(", ", shapes));
    }
    if (problems.length() > 0) {
      throw new IllegalArgumentException(
          op + ": these are not this network's parameters: " + problems);
    }
  }
}
