package bellman.rl.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;

/** Writes a configuration in mlagents-learn's structure. */
final class YamlWriter {
  private YamlWriter() {}

  static String write(RunConfig config) {
    Map<String, Object> root = new LinkedHashMap<>();
    Optional<String> behavior = config.world().behavior();
    // Without a name the settings of the behavior hold for any, which is what default_settings say.
    List<String> home =
        behavior.map(name -> List.of("behaviors", name)).orElse(List.of("default_settings"));
    put(root, home, "trainer_type", "dqn");
    for (Settings.Row row : Settings.all()) {
      Object value = row.in(config);
      Optional<?> held = ValueType.held(value);
      if (row.yaml().isEmpty() || row.declared().once() || held.isEmpty()) {
        continue;
      }
      List<String> path = List.of(row.yaml().get(0).split("\\."));
      if (row.isMap()) {
        Map<?, ?> parameters = (Map<?, ?>) value;
        parameters.forEach((name, x) -> put(root, path.subList(0, 1), name.toString(), plain(x)));
        continue;
      }
      if (row.isList() && ((List<?>) value).isEmpty()) {
        continue;
      }
      List<String> folders =
          path.get(0).equals("behaviors")
              ? join(home, path.subList(2, path.size() - 1))
              : path.subList(0, path.size() - 1);
      put(root, folders, path.get(path.size() - 1), plain(held.get()));
    }
    DumpSettings settings =
        DumpSettings.builder().setDefaultFlowStyle(FlowStyle.BLOCK).setWidth(200).build();
    return new Dump(settings).dumpToString(root);
  }

  private static List<String> join(List<String> a, List<String> b) {
    return Stream.concat(a.stream(), b.stream()).toList();
  }

  @SuppressWarnings("unchecked") // every folder was made here
  private static void put(
      Map<String, Object> root, List<String> folders, String key, Object value) {
    Map<String, Object> at = root;
    for (String folder : folders) {
      at =
          (Map<String, Object>)
              at.computeIfAbsent(folder, f -> new LinkedHashMap<String, Object>());
    }
    at.put(key, value);
  }

  private static Object plain(Object value) {
    if (value instanceof EnvironmentParameter parameter) {
      return parameter.yaml();
    }
    if (value instanceof Number || value instanceof Boolean || value instanceof List) {
      return value;
    }
    return value instanceof Enum<?> e ? e.name().toLowerCase(Locale.ROOT) : value.toString();
  }
}
