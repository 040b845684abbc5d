package bellman.rl.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** Defaults, then a YAML file, then flags: what stands higher wins. */
public final class Layers {
  /**
   * What somebody wrote for a setting.
   *
   * @param texts one; for lists and maps any number
   * @param where for messages: {@code gridworld.yaml:7} or the flag
   */
  record Given(List<String> texts, String where) {}

  private record Source(String name, String text) {}

  private final List<Source> files = new ArrayList<>();
  private final Map<Settings.Row, Given> flags = new LinkedHashMap<>();

  /** Lays a file on top of the defaults. */
  public Layers yaml(Path file) {
    try {
      String text = Files.readString(file);
      return yaml(file.getFileName().toString(), text); // which "/" has not, but it is no file
    } catch (NoSuchFileException e) {
      throw new ConfigException(
          "there is no file '%s'; give the path of a YAML configuration, or none for the defaults"
              .formatted(file));
    } catch (CharacterCodingException e) {
      throw new ConfigException(
          ("'%s' is not in UTF-8; save it as UTF-8. Windows PowerShell's > writes UTF-16; there"
                  + " write '| Out-File -Encoding utf8 FILE' instead of '> FILE'")
              .formatted(file));
    } catch (IOException e) {
      throw new ConfigException("'%s' cannot be read: %s".formatted(file, e));
    }
  }

  /** The same with a file's text. */
  public Layers yaml(String name, String text) {
    files.add(new Source(name, text));
    return this;
  }

  /**
   * Lays a flag on top of everything.
   *
   * @param name of the setting, as in {@code batchSize}
   * @param texts as on the command line; {@code true} or {@code false} for a switch
   */
  public Layers flag(String name, List<String> texts) {
    Settings.Row row = Settings.named(name);
    flags.put(row, new Given(List.copyOf(texts), row.flag()));
    return this;
  }

  /** The configuration that results, or a {@link ConfigException} that names what is wrong. */
  public Resolved resolve() {
    Map<Settings.Row, List<Given>> given = new LinkedHashMap<>();
    List<String> warnings = new ArrayList<>();
    Given behavior = flags.get(Settings.named("behavior"));
    for (Source file : files) {
      YamlReader reader =
          new YamlReader(file.name, behavior == null ? null : behavior.texts.get(0));
      reader
          .read(file.text)
          .forEach((row, g) -> given.computeIfAbsent(row, r -> new ArrayList<>()).add(g));
      warnings.addAll(reader.warnings());
    }
    flags.forEach((row, g) -> given.computeIfAbsent(row, r -> new ArrayList<>()).add(g));
    settle(given, "resume", "initializeFrom");
    settle(given, "resume", "force");
    settle(given, "inference", "force");

    Map<String, String> origins = new LinkedHashMap<>();
    RunConfig config =
        Settings.build(
            row -> {
              List<Given> layers = given.getOrDefault(row, List.of());
              if (layers.isEmpty()) {
                return byDefault(row, origins);
              }
              Given top = layers.get(layers.size() - 1);
              origins.put(row.name(), top.where);
              // Parameters of an environment add up over the layers, name by name.
              List<String> texts =
                  row.isMap() ? layers.stream().flatMap(g -> g.texts.stream()).toList() : top.texts;
              return row.parse(List.of(computed(row, texts)), top.where);
            });
    return new Resolved(config, origins, warnings);
  }

  /**
   * Of two settings that exclude each other the typed one wins, and the first where both stand in a
   * file, as in mlagents-learn. Where both were typed the configuration says so.
   */
  private void settle(Map<Settings.Row, List<Given>> given, String first, String second) {
    Settings.Row a = Settings.named(first);
    Settings.Row b = Settings.named(second);
    boolean both = given.containsKey(a) && given.containsKey(b) && !top(given, a).equals("false");
    if (both && !(flags.containsKey(a) && flags.containsKey(b))) {
      given.remove(flags.containsKey(b) && !top(given, b).equals("false") ? a : b);
    }
  }

  private static String top(Map<Settings.Row, List<Given>> given, Settings.Row row) {
    List<Given> layers = given.get(row);
    return layers.get(layers.size() - 1).texts.get(0);
  }

  private static Object byDefault(Settings.Row row, Map<String, String> origins) {
    String text = row.defaultText();
    if (row.isSwitch()) {
      return text.equals("on");
    }
    if (text.isEmpty()) {
      return row.parse(List.of(), "");
    }
    String[] computed = computed(row, List.of(text));
    if (!computed[0].equals(text)) {
      origins.put(row.name(), text);
    }
    return row.parse(List.of(computed), "");
  }

  /** Two settings have a default that this machine and moment decide. */
  private static String[] computed(Settings.Row row, List<String> texts) {
    if (texts.size() == 1) {
      String text = texts.get(0);
      if (row.name().equals("threads") && text.equals(row.defaultText())) {
        return new String[] {Integer.toString(Runtime.getRuntime().availableProcessors())};
      }
      if (row.name().equals("seed") && (text.equals(row.defaultText()) || text.equals("-1"))) {
        return new String[] {
          Integer.toString(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE))
        };
      }
    }
    return texts.toArray(String[]::new);
  }
}
