package bellman.rl.cli;

import bellman.rl.picture.LearningCurves;
import bellman.rl.picture.RunLog;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which runs make one curve: those that differ in their seeds alone. */
final class RunGroups {
  /** More settings in a label than this nobody reads. */
  private static final int TOLD = 3;

  /**
   * A run to be drawn.
   *
   * @param settings by name, those that change what is learned; empty where they are not known, and
   *     then it is alone
   */
  record Run(RunLog log, Map<String, String> settings) {}

  private RunGroups() {}

  /** Each run by itself. */
  static List<LearningCurves.Group> each(List<Run> runs) {
    return runs.stream()
        .map(run -> new LearningCurves.Group(run.log().name(), List.of(run.log())))
        .toList();
  }

  /**
   * Runs of equal settings together, in the order of their first. A group is called by what its
   * runs' names begin with; where that would be the same for two, or nothing, also by the settings
   * in which groups differ.
   */
  static List<LearningCurves.Group> bySettings(List<Run> runs) {
    Map<Object, List<Run>> groups = new LinkedHashMap<>();
    for (Run run : runs) {
      Object key = run.settings().isEmpty() ? run.log().name() : run.settings();
      groups.computeIfAbsent(key, k -> new ArrayList<>()).add(run);
    }
    List<List<Run>> lists = List.copyOf(groups.values());
    List<String> names = lists.stream().map(RunGroups::commonName).toList();
    Set<String> differing = differing(lists);
    List<LearningCurves.Group> result = new ArrayList<>();
    for (int i = 0; i < lists.size(); i++) {
      String name = names.get(i);
      boolean clear = names.indexOf(name) == names.lastIndexOf(name) && !name.isEmpty();
      String label = clear ? name : (name + " " + told(lists.get(i), differing)).strip();
      result.add(
          new LearningCurves.Group(
              label.isEmpty() ? lists.get(i).get(0).log().name() + ", …" : label,
              lists.get(i).stream().map(Run::log).toList()));
    }
    return result;
  }

  /** {@code base} of {@code base-1} and {@code base-2}; a run alone has its whole name. */
  private static String commonName(List<Run> runs) {
    String common = runs.get(0).log().name();
    if (runs.size() == 1) {
      return common;
    }
    for (Run run : runs) {
      int n = 0;
      String name = run.log().name();
      while (n < Math.min(common.length(), name.length()) && common.charAt(n) == name.charAt(n)) {
        n++;
      }
      common = common.substring(0, n);
    }
    return common.replaceFirst("([-_. ]?(seed)?[-_. =]?\\d*)+$", "");
  }

  private static Set<String> differing(List<List<Run>> groups) {
    Set<String> names = new LinkedHashSet<>();
    Map<String, String> first = groups.get(0).get(0).settings();
    for (List<Run> group : groups) {
      group
          .get(0)
          .settings()
          .forEach(
              (name, value) -> {
                if (!value.equals(first.get(name))) {
                  names.add(name);
                }
              });
    }
    return names;
  }

  private static String told(List<Run> group, Set<String> names) {
    Map<String, String> settings = group.get(0).settings();
    List<String> told = new ArrayList<>();
    for (String name : names) {
      if (settings.containsKey(name) && told.size() < TOLD) {
        told.add(name + " " + settings.get(name));
      }
    }
    return String.join(", ", told);
  }
}
