package bellman.rl.torch;

import bellman.engine.Shape;
import bellman.nn.Adam;
import bellman.nn.Values;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a training in PyTorch saves of itself: {@code torch.save({"network": model.state_dict(),
 * "optimizer": adam.state_dict()}, FILE)}. A file that holds a state_dict alone is read as the
 * network. Reading runs no code of the file.
 *
 * @param network the weights under their names, in PyTorch's shapes and order
 * @param optimizer empty where the file has none
 */
public record TorchCheckpoint(Map<String, Values> network, Optional<Optimizer> optimizer) {
  /**
   * Adam: its state by the names of the weights, and its settings, which have no limit of norms.
   */
  public record Optimizer(Adam.State state, Adam.Settings settings) {}

  public TorchCheckpoint {
    Set<String> names = network.keySet();
    optimizer.ifPresent(
        o -> {
          if (!o.state.m().keySet().equals(names) || !o.state.v().keySet().equals(names)) {
            throw new IllegalArgumentException(
                "Adam has averages of %s and %s, the network has %s"
                    .formatted(o.state.m().keySet(), o.state.v().keySet(), names));
          }
        });
  }

  private static final String NETWORK = "network";
  private static final String OPTIMIZER = "optimizer";
  private static final String STATE = "state";
  private static final String GROUPS = "param_groups";
  private static final String PARAMS = "params";
  private static final String STEP = "step";
  private static final String M = "exp_avg";
  private static final String V = "exp_avg_sq";

  /** Variants of Adam that are another algorithm. */
  private static final List<String> VARIANTS =
      List.of("amsgrad", "maximize", "decoupled_weight_decay");

  private static final byte[] ZIP = {'P', 'K', 3, 4};

  /** Whether a file is an archive as {@code torch.save} writes; judged by its first bytes. */
  public static boolean looksLikeOne(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(ZIP.length), ZIP);
    }
  }

  /**
   * Reads a file.
   *
   * @throws TorchException if {@code torch.save} did not write it, or it holds something else
   * @throws IOException if it cannot be read
   */
  public static TorchCheckpoint read(Path path) throws IOException {
    try (TorchFile file = TorchFile.open(path)) {
      Map<?, ?> content = content(file);
      Map<String, Values> network = network(file, content);
      return new TorchCheckpoint(
          network,
          content.get(NETWORK) instanceof Map && content.get(OPTIMIZER) != null
              ? Optional.of(new Reading(file, network).optimizer(content.get(OPTIMIZER)))
              : Optional.empty());
    }
  }

  /** Reads the network alone; whatever else the file holds need not be understood. */
  public static Map<String, Values> readNetwork(Path path) throws IOException {
    try (TorchFile file = TorchFile.open(path)) {
      return network(file, content(file));
    }
  }

  private static Map<?, ?> content(TorchFile file) throws IOException {
    if (!(file.content() instanceof Map<?, ?> content)) {
      throw file.wrong("it holds no dict; " + remedy());
    }
    return content;
  }

  private static String remedy() {
    return "save a state_dict(), or {\"%s\": model.state_dict(), \"%s\": adam.state_dict()}"
        .formatted(NETWORK, OPTIMIZER);
  }

  private static Map<String, Values> network(TorchFile file, Map<?, ?> content) throws IOException {
    Map<?, ?> dict = content.get(NETWORK) instanceof Map<?, ?> m ? m : content;
    Map<String, Values> network = new LinkedHashMap<>();
    for (Map.Entry<?, ?> e : dict.entrySet()) {
      if (!(e.getKey() instanceof String name && e.getValue() instanceof TorchTensor tensor)) {
        throw file.wrong(
            dict == content
                ? "its dict holds neither '%s' nor tensors alone, but %s; %s"
                    .formatted(NETWORK, TorchFile.shown(content.keySet()), remedy())
                : "'%s' in its %s is no tensor"
                    .formatted(TorchFile.shown(String.valueOf(e.getKey())), NETWORK));
      }
      if (!name.matches("[\\x20-\\x7e]{1,200}")) { // messages show it
        throw file.wrong(
            "'%s' in its %s is no name of a weight".formatted(TorchFile.shown(name), NETWORK));
      }
      if (!tensor.floating()) {
        throw file.wrong(
            "%s is %s; weights are floating-point numbers"
                .formatted(TorchFile.shown(name), tensor));
      }
      network.put(name, finite(file, name, tensor));
    }
    if (network.isEmpty()) {
      throw file.wrong("its network is empty; " + remedy());
    }
    return network;
  }

  private static Values finite(TorchFile file, String name, TorchTensor tensor) throws IOException {
    Values values = tensor.values();
    for (float x : values.floats()) {
      if (!Float.isFinite(x)) {
        throw file.wrong(name + " holds " + x + ": that training had diverged");
      }
    }
    return values;
  }

  /**
   * Writes a file that {@code torch.load} reads, also with {@code weights_only=True}, and whose
   * parts {@code load_state_dict} takes.
   *
   * @throws IOException if it cannot be written; an old file of that name is then as it was
   */
  public void write(Path path) throws IOException {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put(NETWORK, new TorchWriter.StateDict(network));
    optimizer.ifPresent(o -> content.put(OPTIMIZER, pickled(o)));
    TorchWriter.write(path, content);
  }

  /** Parameters are numbered in the order of the network. */
  private Map<String, Object> pickled(Optimizer optimizer) {
    Adam.State adam = optimizer.state;
    Map<Integer, Object> state = new LinkedHashMap<>();
    for (String name : network.keySet()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put(STEP, new Values(Shape.scalar(), new float[] {adam.t()}));
      one.put(M, adam.m().get(name));
      one.put(V, adam.v().get(name));
      state.put(state.size(), one);
    }
    List<Integer> params = List.copyOf(state.keySet());
    if (adam.t() == 0) {
      state.clear(); // as before the first step
    }
    Adam.Settings s = optimizer.settings;
    Map<String, Object> group = new LinkedHashMap<>();
    group.put("lr", s.learningRate());
    group.put("betas", new Unpickler.Tuple(List.of(s.beta1(), s.beta2())));
    group.put("eps", s.epsilon());
    group.put("weight_decay", s.weightDecay());
    VARIANTS.forEach(variant -> group.put(variant, false));
    group.put("foreach", null);
    group.put("capturable", false);
    group.put("differentiable", false);
    group.put("fused", null);
    group.put(PARAMS, params);
    Map<String, Object> dict = new LinkedHashMap<>();
    dict.put(STATE, state);
    dict.put(GROUPS, List.of(group));
    return dict;
  }

  /** The way from an optimizer's state_dict to Adam's state. */
  private record Reading(TorchFile file, Map<String, Values> network) {
    Optimizer optimizer(Object dict) throws IOException {
      if (!(dict instanceof Map<?, ?> optimizer
          && optimizer.get(STATE) instanceof Map<?, ?> state
          && optimizer.get(GROUPS) instanceof List<?> groups
          && !groups.isEmpty()
          && groups.get(0) instanceof Map<?, ?> group)) {
        throw wrong("is no state_dict() of an optimizer");
      }
      if (groups.size() != 1) {
        throw wrong("has %d groups of parameters; 1 is read".formatted(groups.size()));
      }
      return new Optimizer(state(state, names(group)), settings(group));
    }

    private Adam.Settings settings(Map<?, ?> group) throws IOException {
      if (!(group.get("betas") instanceof Unpickler.Tuple betas && betas.items().size() == 2)) {
        throw wrong("is not Adam: its settings are " + TorchFile.shown(group.keySet()));
      }
      for (String variant : VARIANTS) {
        if (Boolean.TRUE.equals(group.get(variant))) {
          throw wrong("is Adam with " + variant + ", which is another algorithm");
        }
      }
      try {
        return new Adam.Settings(
            number("lr", group.get("lr")),
            0,
            number("betas", betas.items().get(0)),
            number("betas", betas.items().get(1)),
            number("eps", group.get("eps")),
            number("weight_decay", group.get("weight_decay")),
            Double.POSITIVE_INFINITY);
      } catch (IllegalArgumentException e) {
        throw wrong("has impossible settings: " + e.getMessage());
      }
    }

    /** The name of each parameter by its number: the optimizer counts them in their order. */
    private Map<Object, String> names(Map<?, ?> group) throws IOException {
      if (!(group.get(PARAMS) instanceof List<?> numbers)) {
        throw wrong("does not say which parameters it has");
      }
      if (numbers.size() != network.size()) {
        throw wrong(
            "has %d parameters, the network %d: %s"
                .formatted(numbers.size(), network.size(), TorchFile.shown(network.keySet())));
      }
      Map<Object, String> names = new LinkedHashMap<>();
      List<String> order = new ArrayList<>(network.keySet());
      for (Object number : numbers) {
        if (!(number instanceof Long) || names.put(number, order.get(names.size())) != null) {
          throw wrong("does not number its parameters one by one");
        }
      }
      return names;
    }

    private Adam.State state(Map<?, ?> state, Map<Object, String> names) throws IOException {
      Map<String, Values> m = new LinkedHashMap<>();
      Map<String, Values> v = new LinkedHashMap<>();
      if (state.isEmpty()) { // saved before the first step
        network.forEach(
            (name, w) -> {
              m.put(name, new Values(w.shape(), new float[w.floats().length]));
              v.put(name, new Values(w.shape(), new float[w.floats().length]));
            });
        return new Adam.State(0, m, v);
      }
      TreeSet<Double> steps = new TreeSet<>();
      for (Map.Entry<Object, String> e : names.entrySet()) {
        String name = e.getValue();
        if (!(state.get(e.getKey()) instanceof Map<?, ?> one
            && one.get(M) instanceof TorchTensor mean
            && one.get(V) instanceof TorchTensor square)) {
          throw wrong(
              "has no %s, %s and %s of parameter %s, %s"
                  .formatted(STEP, M, V, e.getKey(), TorchFile.shown(name)));
        }
        steps.add(number(STEP, one.get(STEP)));
        m.put(name, finite(file, M + " of " + name, mean));
        v.put(name, finite(file, V + " of " + name, square));
      }
      double t = steps.first();
      if (steps.size() > 1 || t < 0 || t > Integer.MAX_VALUE || t != Math.rint(t)) {
        throw wrong("must have made one whole number of steps, it has " + steps);
      }
      return new Adam.State((int) t, m, v);
    }

    /** A Python number, or a tensor of one element. */
    private double number(String name, Object value) throws IOException {
      if (value instanceof Number n) {
        return n.doubleValue();
      }
      if (value instanceof TorchTensor tensor && tensor.shape().size() == 1) {
        return tensor.values().floats()[0];
      }
      throw wrong("has no number '" + name + "'");
    }

    private TorchException wrong(String problem) {
      return file.wrong("its optimizer " + problem);
    }
  }
}
