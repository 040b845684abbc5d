package bellman.rl.config;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * Reads a file in mlagents-learn's structure. Every key is a setting, a folder of settings or a
 * known key of mlagents-learn; anything else is an error.
 */
final class YamlReader {
  private static final String BEHAVIORS = "behaviors";
  private static final String DEFAULTS = "default_settings";
  private static final String PARAMETERS = "environment_parameters";
  private static final String GOALS = "behaviors.*.network_settings.goal_conditioning_type";

  private final String file;
  private final String wanted;
  private final Map<String, Settings.Row> rows = new LinkedHashMap<>();
  private final Map<Settings.Row, Layers.Given> given = new LinkedHashMap<>();
  private final List<String> warnings = new ArrayList<>();

  /**
   * @param file its name, for messages
   * @param wanted the behavior to read where the file has several; null if it has one
   */
  YamlReader(String file, String wanted) {
    this.file = file;
    this.wanted = wanted;
    for (Settings.Row row : Settings.all()) {
      row.yaml().forEach(path -> rows.put(path, row));
    }
  }

  List<String> warnings() {
    return warnings;
  }

  Map<Settings.Row, Layers.Given> read(String text) {
    Node root;
    try {
      root =
          new Compose(LoadSettings.builder().setLabel(file).build())
              .composeString(text)
              .orElse(null);
    } catch (MarkedYamlEngineException e) {
      String at = e.getProblemMark().map(m -> ":" + (m.getLine() + 1)).orElse("");
      throw new ConfigException("%s%s: no valid YAML: %s".formatted(file, at, e.getProblem()));
    } catch (YamlEngineException e) {
      throw new ConfigException("%s: no valid YAML: %s".formatted(file, e.getMessage()));
    }
    if (root == null || isNull(root)) {
      return given;
    }
    List<NodeTuple> top = mapping(root, "the file").getValue();
    Set<String> seen = new HashSet<>();
    for (NodeTuple entry : top) {
      if (key(entry).equals(DEFAULTS)) {
        visit(entry, "", "", new HashSet<>());
      }
    }
    // What the behavior itself says wins over default_settings, name by name.
    Set<Settings.Row> defaults = new HashSet<>(given.keySet());
    Map<Settings.Row, Layers.Given> below = new LinkedHashMap<>(given);
    given.clear();
    for (NodeTuple entry : top) {
      if (key(entry).equals(DEFAULTS)) {
        seen.add(DEFAULTS);
      } else {
        visit(entry, "", "", seen);
      }
    }
    defaults.removeAll(given.keySet());
    defaults.forEach(row -> given.put(row, below.get(row)));
    return given;
  }

  /**
   * @param path of the folder that holds the entry, as in {@link Setting#yaml}
   * @param shown the same as the file spells it
   */
  private void visit(NodeTuple entry, String path, String shown, Set<String> seen) {
    String key = key(entry);
    String here = shown + key;
    Node value = entry.getValueNode();
    if (!seen.add(key)) {
      throw error(entry.getKeyNode(), here, "stands here twice; remove one");
    }
    if (path.isEmpty() && key.equals(BEHAVIORS)) {
      behaviors(value);
    } else if (path.isEmpty() && key.equals(DEFAULTS)) {
      children(value, BEHAVIORS + ".*.", here + ".");
    } else if (path.isEmpty() && key.equals(PARAMETERS)) {
      parameters(value);
    } else {
      String at = path + key;
      Settings.Row row = rows.get(at);
      if (at.equals(GOALS) && value instanceof ScalarNode s && s.getValue().equals("hyper")) {
        warnings.add(
            message(
                value, here, "'hyper': has no effect: the goal gates what is seen, as in gate"));
      } else if (row != null) {
        set(row, value, here);
      } else if (MlagentsKey.at(at).isPresent()) {
        foreign(MlagentsKey.at(at).get(), value, here);
      } else if (known(path).contains(key)) {
        children(value, at + ".", here + ".");
      } else {
        throw error(entry.getKeyNode(), here, "unknown key" + hint(path, key));
      }
    }
  }

  private void children(Node node, String path, String shown) {
    if (isNull(node)) {
      return;
    }
    List<NodeTuple> entries = mapping(node, shown.substring(0, shown.length() - 1)).getValue();
    Set<String> seen = new HashSet<>();
    // A file for another trainer has many keys that do not fit; this one says why.
    for (NodeTuple entry : entries) {
      if (key(entry).equals("trainer_type")) {
        visit(entry, path, shown, new HashSet<>());
      }
    }
    for (NodeTuple entry : entries) {
      visit(entry, path, shown, seen);
    }
  }

  private void behaviors(Node node) {
    if (isNull(node)) {
      return;
    }
    List<NodeTuple> all = mapping(node, BEHAVIORS).getValue();
    List<String> names = all.stream().map(YamlReader::key).toList();
    if (names.size() > 1 && wanted == null) {
      throw error(
          node,
          BEHAVIORS,
          "holds %s; a run trains one: give --behavior NAME".formatted(String.join(", ", names)));
    }
    if (new HashSet<>(names).size() < names.size()) {
      throw error(node, BEHAVIORS, "one name stands here twice; remove one");
    }
    if (wanted != null && !names.isEmpty() && !names.contains(wanted)) {
      throw error(
          node,
          BEHAVIORS,
          "has no '%s', only %s; give --behavior one of them"
              .formatted(wanted, String.join(", ", names)));
    }
    for (NodeTuple entry : all) {
      String name = key(entry);
      if (wanted == null || name.equals(wanted)) {
        given.put(
            Settings.named("behavior"), new Layers.Given(List.of(name), where(entry.getKeyNode())));
        children(entry.getValueNode(), BEHAVIORS + ".*.", BEHAVIORS + "." + name + ".");
      }
    }
  }

  private void parameters(Node node) {
    if (isNull(node)) {
      return;
    }
    Set<String> seen = new HashSet<>();
    List<String> pairs = new ArrayList<>();
    for (NodeTuple entry : mapping(node, PARAMETERS).getValue()) {
      String name = key(entry);
      String here = PARAMETERS + "." + name;
      if (!seen.add(name)) {
        throw error(entry.getKeyNode(), here, "stands here twice; remove one");
      }
      String text = name + "=" + parameter(entry, here);
      rows.get(PARAMETERS + ".*").parse(List.of(text), where(entry.getValueNode()));
      pairs.add(text);
    }
    if (!pairs.isEmpty()) {
      given.put(rows.get(PARAMETERS + ".*"), new Layers.Given(pairs, where(node)));
    }
  }

  // ── samplers ──────────────────────────────────────────────────────────────────────────────────

  /** A number, a sampler, or the one lesson that mlagents-learn writes around either. */
  private String parameter(NodeTuple entry, String here) {
    Node node = entry.getValueNode();
    if (node instanceof ScalarNode number && !isNull(node)) {
      return number.getValue();
    }
    if (!(node instanceof MappingNode keys)) {
      throw error(entry.getKeyNode(), here, "has a number, as in 5.0, or a sampler");
    }
    Map<String, NodeTuple> given = entries(keys, here);
    if (given.containsKey("curriculum")) {
      only(given, here, "curriculum");
      return lesson(given.get("curriculum"), here + ".curriculum");
    }
    return sampler(keys, given, here);
  }

  private String lesson(NodeTuple curriculum, String here) {
    if (!(curriculum.getValueNode() instanceof SequenceNode lessons)
        || lessons.getValue().size() != 1
        || !(lessons.getValue().get(0) instanceof MappingNode lesson)) {
      throw error(
          curriculum.getKeyNode(),
          here,
          "lessons that follow each other are not supported; keep one, or write a number, as in 5.0");
    }
    Map<String, NodeTuple> keys = entries(lesson, here);
    only(keys, here, "name", "value", "completion_criteria");
    NodeTuple end = keys.get("completion_criteria");
    if (end != null && !isNull(end.getValueNode())) {
      warnings.add(
          message(
              end.getKeyNode(),
              here + ".completion_criteria",
              "has no effect: no lesson follows this one"));
    }
    if (!keys.containsKey("value")) {
      throw error(lesson, here, "its lesson has no value; write one, as in value: 5.0");
    }
    return parameter(keys.get("value"), here + ".value");
  }

  private String sampler(MappingNode node, Map<String, NodeTuple> keys, String here) {
    only(keys, here, "sampler_type", "sampler_parameters", "curriculum");
    if (!keys.containsKey("sampler_type")) {
      throw error(node, here, "has no sampler_type; write one of " + String.join(", ", TYPES));
    }
    String type = scalar(keys.get("sampler_type").getValueNode(), here + ".sampler_type");
    if (!TYPES.contains(type)) {
      throw error(
          keys.get("sampler_type").getValueNode(),
          here + ".sampler_type",
          "'" + type + "' is none of " + String.join(", ", TYPES) + Nearest.hint(type, TYPES));
    }
    String inner = here + ".sampler_parameters";
    NodeTuple given = keys.get("sampler_parameters");
    Map<String, NodeTuple> numbers =
        given == null || isNull(given.getValueNode())
            ? Map.of()
            : entries(mapping(given.getValueNode(), inner), inner);
    String list =
        switch (type) {
          case "constant" -> numbers(numbers, inner, "value", "0");
          case "uniform" -> numbers(numbers, inner, "min_value", "0", "max_value", "1");
          case "gaussian" -> numbers(numbers, inner, "mean", "1", "st_dev", "1");
          default -> intervals(numbers, inner);
        };
    NodeTuple seed = numbers.get("seed");
    String text = seed == null ? "-1" : scalar(seed.getValueNode(), inner + ".seed");
    return type + "[" + list + "]" + (text.equals("-1") ? "" : "@" + text); // -1: the run's
  }

  /** Samplers, as {@link EnvironmentParameter} spells them too. */
  private static final List<String> TYPES =
      Arrays.stream(EnvironmentParameter.Sampler.values())
          .map(EnvironmentParameter.Sampler::word)
          .toList();

  /** The numbers of these keys, each followed by mlagents-learn's default. */
  private String numbers(Map<String, NodeTuple> given, String here, String... keysAndDefaults) {
    List<String> known = new ArrayList<>(List.of("seed"));
    List<String> values = new ArrayList<>();
    for (int i = 0; i < keysAndDefaults.length; i += 2) {
      String key = keysAndDefaults[i];
      NodeTuple entry = given.get(key);
      known.add(key);
      values.add(
          entry == null ? keysAndDefaults[i + 1] : scalar(entry.getValueNode(), here + "." + key));
    }
    only(given, here, known.toArray(String[]::new));
    return String.join(",", values);
  }

  private String intervals(Map<String, NodeTuple> given, String here) {
    only(given, here, "intervals", "seed");
    NodeTuple entry = given.get("intervals");
    if (entry == null) {
      return "0,1";
    }
    List<String> values = new ArrayList<>();
    if (entry.getValueNode() instanceof SequenceNode all) {
      for (Node interval : all.getValue()) {
        if (interval instanceof SequenceNode pair && pair.getValue().size() == 2) {
          values.add(scalar(pair.getValue().get(0), here));
          values.add(scalar(pair.getValue().get(1), here));
        } else {
          values.clear();
          break;
        }
      }
    }
    if (values.isEmpty()) {
      throw error(
          entry.getKeyNode(), here + ".intervals", "holds pairs, as in [[7.0, 8.0], [15.0, 20.0]]");
    }
    return String.join(",", values);
  }

  private Map<String, NodeTuple> entries(MappingNode node, String here) {
    Map<String, NodeTuple> entries = new LinkedHashMap<>();
    for (NodeTuple entry : node.getValue()) {
      if (entries.put(key(entry), entry) != null) {
        throw error(entry.getKeyNode(), here + "." + key(entry), "stands here twice; remove one");
      }
    }
    return entries;
  }

  private void only(Map<String, NodeTuple> given, String here, String... known) {
    given.forEach(
        (key, entry) -> {
          if (!List.of(known).contains(key)) {
            String hint = Nearest.hint(key, List.of(known));
            throw error(
                entry.getKeyNode(),
                here + "." + key,
                "unknown key"
                    + (hint.isEmpty() ? "; known here: " + String.join(", ", known) : hint));
          }
        });
  }

  // ── settings ──────────────────────────────────────────────────────────────────────────────────

  private void set(Settings.Row row, Node value, String here) {
    if (isNull(value)) {
      return;
    }
    List<String> texts = new ArrayList<>();
    if (row.isList()) {
      if (value instanceof SequenceNode sequence) {
        for (Node item : sequence.getValue()) {
          texts.add(scalar(item, here));
        }
      } else {
        texts.addAll(List.of(scalar(value, here).strip().split("\\s+")));
      }
    } else {
      texts.add(scalar(value, here));
    }
    Layers.Given now = new Layers.Given(texts, where(value));
    Layers.Given before = given.put(row, now);
    if (before != null && !before.texts().equals(now.texts())) {
      throw error(
          value,
          here,
          "%s was already %s in line %s; remove one"
              .formatted(
                  row.name(),
                  String.join(" ", before.texts()),
                  before.where().substring(before.where().lastIndexOf(':') + 1)));
    }
  }

  private void foreign(MlagentsKey key, Node value, String here) {
    if (isNull(value)) {
      return;
    }
    String text = value instanceof ScalarNode scalar ? scalar.getValue() : "";
    if (key.harmless().contains(text)) {
      return;
    }
    String said = text.isEmpty() ? "" : "'" + text + "': ";
    if (key.error()) {
      throw error(value, here, said + key.why());
    }
    warnings.add(message(value, here, said + "has no effect: " + key.why()));
  }

  // ── names ─────────────────────────────────────────────────────────────────────────────────────

  /** Keys that may stand in a folder. */
  private Set<String> known(String path) {
    Set<String> keys = new LinkedHashSet<>();
    for (String full : paths()) {
      if (full.startsWith(path)) {
        keys.add(full.substring(path.length()).split("\\.")[0]);
      }
    }
    if (path.isEmpty()) {
      keys.add(DEFAULTS);
    }
    return keys;
  }

  private List<String> paths() {
    List<String> paths = new ArrayList<>(rows.keySet());
    MlagentsKey.ALL.forEach(k -> paths.add(k.path()));
    return paths;
  }

  private String hint(String path, String key) {
    var sibling = Nearest.to(key, known(path));
    if (sibling.isPresent()) {
      return "; did you mean " + sibling.get() + "?";
    }
    // Right name, wrong folder.
    return rows.keySet().stream()
        .filter(full -> Nearest.to(key, List.of(last(full))).isPresent())
        .findFirst()
        .map(full -> "; did you mean " + full.replace("*", "<Behavior>") + "?")
        .orElse("; known here: " + String.join(", ", known(path)));
  }

  private static String last(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  // ── nodes ─────────────────────────────────────────────────────────────────────────────────────

  private static String key(NodeTuple entry) {
    return entry.getKeyNode() instanceof ScalarNode s ? s.getValue() : "?";
  }

  private static boolean isNull(Node node) {
    return node instanceof ScalarNode s && s.getTag().equals(Tag.NULL);
  }

  private MappingNode mapping(Node node, String here) {
    if (node instanceof MappingNode m) {
      return m;
    }
    throw error(node, here, "holds keys; write 'key: value' lines below it");
  }

  private String scalar(Node node, String here) {
    if (node instanceof ScalarNode s) {
      return s.getValue();
    }
    throw error(node, here, "has one value; write it on the same line");
  }

  private String where(Node node) {
    return file + node.getStartMark().map(m -> ":" + (m.getLine() + 1)).orElse("");
  }

  private String message(Node node, String here, String problem) {
    return "%s: %s: %s".formatted(where(node), here, problem);
  }

  private ConfigException error(Node node, String here, String problem) {
    return new ConfigException(message(node, here, problem));
  }
}
