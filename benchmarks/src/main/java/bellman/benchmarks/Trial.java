package bellman.benchmarks;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.openjdk.jmh.annotations.Param;

/**
 * One measurement: a benchmark with a value for each of its parameters.
 *
 * @param benchmark {@code GemmBenchmark.gemm}
 * @param work of one call
 */
record Trial(String benchmark, Map<String, String> parameters, Work work) {
  /** The report sets other rates against these two, of the largest sizes. */
  static final String PRODUCT = "GemmBenchmark.gemm";

  static final String COPY = "MemoryBenchmark.move";

  /** The one that a quick look takes on a CPU beside a GPU. */
  private static final String UPDATE = "UpdateBenchmark.update";

  /**
   * What of each benchmark is measured.
   *
   * @param devices names of opened devices
   * @param parameters values that replace those of the benchmark
   * @param quick few values
   */
  record Choice(
      List<String> devices,
      List<String> threads,
      Map<String, List<String>> parameters,
      boolean quick) {
    Choice {
      devices = List.copyOf(devices);
      threads = List.copyOf(threads);
    }

    private boolean leavesOut(String benchmark, String device) {
      return quick
          && !device.isEmpty()
          && !gpu(device)
          && devices.stream().anyMatch(Trial::gpu)
          && !benchmark.equals(UPDATE);
    }
  }

  /** Its parameters in the order of their names. */
  static Map<String, Field> parameters(String benchmark) {
    Map<String, Field> fields = new TreeMap<>();
    for (Field field : type(benchmark).getFields()) {
      if (field.isAnnotationPresent(Param.class)) {
        fields.put(field.getName(), field);
      }
    }
    return fields;
  }

  private static Class<?> type(String benchmark) {
    try {
      return Class.forName(Benchmarks.PACKAGE + benchmark.substring(0, benchmark.indexOf('.')));
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Every combination of a benchmark's values, but for those that it leaves out.
   *
   * @param leftOut is told why, once for each combination
   * @throws IllegalArgumentException if a value is none of the parameter's
   */
  static List<Trial> of(String benchmark, Choice choice, Consumer<String> leftOut) {
    Map<String, Field> fields = parameters(benchmark);
    List<Trial> trials = new ArrayList<>();
    List<String> devices = fields.containsKey("device") ? choice.devices() : List.of("");
    for (String device : devices) {
      List<Map<String, String>> combinations = List.of(Map.of());
      for (Map.Entry<String, Field> field : fields.entrySet()) {
        List<String> values =
            switch (field.getKey()) {
              case "device" -> List.of(device);
              case "threads" -> choice.threads();
              default ->
                  choice
                      .parameters()
                      .getOrDefault(
                          field.getKey(), values(field.getValue(), gpu(device), choice.quick()));
            };
        combinations = times(combinations, field.getKey(), values);
      }
      for (Map<String, String> combination : combinations) {
        add(trials, benchmark, combination, choice, leftOut);
      }
    }
    return trials;
  }

  private static List<Map<String, String>> times(
      List<Map<String, String>> combinations, String name, List<String> values) {
    List<Map<String, String>> all = new ArrayList<>();
    for (Map<String, String> combination : combinations) {
      for (String value : values) {
        Map<String, String> one = new TreeMap<>(combination);
        one.put(name, value);
        all.add(one);
      }
    }
    return all;
  }

  private static boolean gpu(String device) {
    return device.startsWith("cuda");
  }

  private static void add(
      List<Trial> trials,
      String benchmark,
      Map<String, String> parameters,
      Choice choice,
      Consumer<String> why) {
    Measured measured = instance(benchmark, parameters);
    String device = parameters.getOrDefault("device", "");
    Optional<String> reason = measured.leftOut();
    if (!gpu(device) && !parameters.getOrDefault("precision", "fp32").equals("fp32")) {
      reason = Optional.of("a CPU computes in FP32");
    } else if (choice.leavesOut(benchmark, device)) {
      reason =
          Optional.of(
              "beside a GPU --quick measures a CPU in Update alone; --device cpu takes the rest");
    }
    if (reason.isPresent()) {
      why.accept(reason.get());
    } else {
      String method = benchmark.substring(benchmark.indexOf('.') + 1);
      trials.add(new Trial(benchmark, parameters, measured.work(method)));
    }
  }

  /** The benchmark's class with its fields set. */
  static Measured instance(String benchmark, Map<String, String> parameters) {
    try {
      Object instance = type(benchmark).getConstructor().newInstance();
      for (Map.Entry<String, Field> field : parameters(benchmark).entrySet()) {
        String value = parameters.get(field.getKey());
        boolean number = field.getValue().getType() == int.class;
        field.getValue().set(instance, number ? (Object) number(field.getKey(), value) : value);
      }
      return (Measured) instance;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  static int number(String name, String value) {
    try {
      int number = Integer.parseInt(value);
      if (number >= 1) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Then it is as wrong as 0 is.
    }
    throw new IllegalArgumentException(name + ": '" + value + "' is not a number of 1 or more");
  }

  private static List<String> values(Field field, boolean gpu, boolean quick) {
    List<String> values = List.of(field.getAnnotation(Param.class).value());
    Values other = field.getAnnotation(Values.class);
    if (other == null) {
      return values;
    }
    List<String[]> finest = new ArrayList<>();
    if (quick && gpu) {
      finest.add(other.quickGpu());
    }
    if (quick && !(gpu && other.gpu().length > 0)) {
      finest.add(other.quick());
    }
    if (gpu) {
      finest.add(other.gpu());
    }
    return finest.stream().filter(v -> v.length > 0).findFirst().map(List::of).orElse(values);
  }

  /** What measures the peaks of the devices and precisions of some trials. */
  static Set<Trial> peaks(List<Trial> trials, Choice choice) {
    Set<Trial> peaks = new LinkedHashSet<>();
    for (Trial trial : trials) {
      String device = trial.parameters().get("device");
      if (device == null || device.equals(Workload.ORACLE)) {
        continue;
      }
      boolean gpu = gpu(device);
      Map<String, List<String>> values = new LinkedHashMap<>(choice.parameters());
      values.put("product", List.of(gpu ? "8192x8192x8192" : "1024x1024x1024"));
      values.put("shape", List.of(gpu ? "262144x256" : "65536x256"));
      values.replaceAll((name, given) -> List.of(given.get(0)));
      values.put("precision", List.of(trial.parameters().getOrDefault("precision", "fp32")));
      values.put("rung", List.of("engine"));
      Choice one =
          new Choice(
              List.of(device), List.of(trial.parameters().get("threads")), values, choice.quick());
      peaks.addAll(of(PRODUCT, one, reason -> {}));
      values.put("kernel", List.of("copy"));
      peaks.addAll(of(COPY, one, reason -> {}));
    }
    return peaks;
  }
}
