package bellman.rl.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A configuration and where it comes from.
 *
 * @param origins by setting, for those that are not at their default: {@code gridworld.yaml:7},
 *     {@code --batch-size}, or the word of a default that was drawn or counted
 * @param warnings keys of mlagents-learn that were read and have no meaning here
 */
public record Resolved(RunConfig config, Map<String, String> origins, List<String> warnings) {
  private static final int WIDTH = 100;

  public Resolved {
    origins = Map.copyOf(origins);
    warnings = List.copyOf(warnings);
  }

  /** All settings, a paragraph per group, the origin behind each that is not at its default. */
  public String describe() {
    StringBuilder text = new StringBuilder();
    for (String group : Settings.groups()) {
      List<String> items = new ArrayList<>();
      for (Settings.Row row : Settings.group(group)) {
        String value = row.textIn(config);
        String origin = origins.get(row.name());
        boolean idle = row.isList() || row.isMap() || row.isSwitch();
        if (origin != null) {
          items.add(row.name() + " " + value + " (" + origin + ")");
        } else if (!idle) {
          items.add(row.name() + " " + value);
        }
      }
      text.append(paragraph(group, items));
    }
    return text.toString();
  }

  private static String paragraph(String group, List<String> items) {
    StringBuilder text = new StringBuilder();
    String line = "%-12s".formatted(group);
    String indent = " ".repeat(12);
    boolean first = true;
    for (String item : items) {
      if (!first && line.length() + 2 + item.length() > WIDTH) {
        text.append(line).append('\n');
        line = indent + item;
      } else {
        line += (first ? "" : ", ") + item;
      }
      first = false;
    }
    return text.append(line.stripTrailing()).append('\n').toString();
  }
}
