package bellman.rl.config;

import java.util.ArrayList;
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
      if (row != null) {
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
      if (!(entry.getValueNode() instanceof ScalarNode value) || isNull(value)) {
        throw error(
            entry.getKeyNode(),
            here,
            "samplers and curricula are not supported; write one number, as in 5.0");
      }
      pairs.add(name + "=" + value.getValue());
      rows.get(PARAMETERS + ".*").parse(List.of(name + "=" + value.getValue()), where(value));
    }
    if (!pairs.isEmpty()) {
      given.put(rows.get(PARAMETERS + ".*"), new Layers.Given(pairs, where(node)));
    }
  }

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
