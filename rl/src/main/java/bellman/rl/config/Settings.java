package bellman.rl.config;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** The table of all settings, read from the declarations in {@link RunConfig}. */
public final class Settings {
  /**
   * One setting.
   *
   * @param name of its component, as in {@code batchSize}
   * @param group name of the component of {@link RunConfig} that holds it
   * @param flag as in {@code --batch-size}
   * @param declared the declaration
   * @param type how its text reads
   */
  public record Row(
      String name,
      String group,
      String flag,
      Setting declared,
      ValueType type,
      RecordComponent component) {
    public String doc() {
      return declared.doc();
    }

    public String defaultText() {
      return type.isSwitch() && declared.byDefault().isEmpty() ? "off" : declared.byDefault();
    }

    /** Where it stands in a YAML file, the place that is written first; none for a flag only. */
    public List<String> yaml() {
      return List.of(declared.yaml());
    }

    /** A flag without a value. */
    public boolean isSwitch() {
      return type.isSwitch();
    }

    /** A flag whose value is the rest of the line. */
    public boolean isList() {
      return type.isList();
    }

    /** A flag that may be given several times, as NAME=X. */
    public boolean isMap() {
      return type.isMap();
    }

    /** Whether its value is one of a few words, which {@link #label} lists. */
    public boolean isChoice() {
      return !type.choices().isEmpty();
    }

    /** What the help calls its value. */
    public String label() {
      if (isChoice()) {
        String words = type.choices().replace(", ", "|");
        return type.optional() ? defaultText() + "|" + words : words;
      }
      return declared.label().isEmpty() ? type.label() : declared.label();
    }

    /** What is allowed, in words; empty where everything is. */
    public String range() {
      if (!declared.form().isEmpty()) {
        return declared.form();
      }
      boolean low = declared.min() != Double.NEGATIVE_INFINITY;
      boolean high = declared.max() != Double.POSITIVE_INFINITY;
      String min = ValueType.grouped(declared.min());
      String max = ValueType.grouped(declared.max());
      if (declared.above()) {
        return high ? "above " + min + ", at most " + max : "above " + min;
      }
      return low && high ? min + " to " + max : low ? min + " or more" : type.choices();
    }

    /** Its value in a configuration. */
    public Object in(RunConfig config) {
      return read(component, groupIn(config));
    }

    /** Its value in a configuration as a user would write it. */
    public String textIn(RunConfig config) {
      return type.text(in(config), defaultText());
    }

    private Record groupIn(RunConfig config) {
      for (RecordComponent c : RunConfig.class.getRecordComponents()) {
        if (c.getName().equals(group)) {
          return (Record) read(c, config);
        }
      }
      throw new IllegalStateException(group);
    }

    /**
     * Reads and checks a value.
     *
     * @param texts one, or for lists and maps any number
     * @param where who gave it, as in {@code --batch-size}
     */
    Object parse(List<String> texts, String where) {
      Object value;
      String text = String.join(" ", texts);
      try {
        value = type.parse(texts, defaultText());
      } catch (ConfigException e) {
        throw new ConfigException(label(where) + ": " + text + ": " + e.getMessage());
      } catch (ArithmeticException e) {
        throw new ConfigException("%s is %s; allowed: %s".formatted(label(where), text, range()));
      } catch (IllegalArgumentException e) {
        String allowed = isChoice() ? label().replace("|", ", ") : range();
        throw new ConfigException(
            "%s: '%s' is not %s%s"
                .formatted(
                    label(where),
                    text,
                    type.noun(),
                    allowed.isEmpty() ? "" : "; allowed: " + allowed));
      }
      check(value, label(where));
      return value;
    }

    private String label(String where) {
      return where.isEmpty() || where.equals(name) ? name : name + " (" + where + ")";
    }

    void check(Object value, String label) {
      double x = type.number(value);
      boolean within =
          Double.isNaN(x)
              ? !type.isNumber(value)
              : (declared.above() ? x > declared.min() : x >= declared.min())
                  && x <= declared.max();
      boolean formed =
          declared.matches().isEmpty()
              || type.content(value).map(text -> text.matches(declared.matches())).orElse(true);
      if (!within || !formed) {
        throw new ConfigException(
            "%s is %s; allowed: %s".formatted(label, type.text(value, defaultText()), range()));
      }
    }
  }

  private static final List<Row> ALL = read();

  private Settings() {}

  /** Every setting, in the order of its declaration. */
  public static List<Row> all() {
    return ALL;
  }

  /** The settings of one group, such as {@code learning}. */
  public static List<Row> group(String group) {
    return ALL.stream().filter(r -> r.group.equals(group)).toList();
  }

  /** Names of the groups, in order. */
  public static List<String> groups() {
    return ALL.stream().map(Row::group).distinct().toList();
  }

  /** The setting of this name. */
  public static Row named(String name) {
    return ALL.stream()
        .filter(r -> r.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigException(
                    "no setting is called '%s'%s"
                        .formatted(
                            name, Nearest.hint(name, ALL.stream().map(Row::name).toList()))));
  }

  private static List<Row> read() {
    List<Row> rows = new ArrayList<>();
    for (RecordComponent group : RunConfig.class.getRecordComponents()) {
      for (RecordComponent c : group.getType().getRecordComponents()) {
        rows.add(
            new Row(
                c.getName(),
                group.getName(),
                "--" + c.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT),
                c.getAnnotation(Setting.class),
                ValueType.of(c.getGenericType()),
                c));
      }
    }
    return List.copyOf(rows);
  }

  static void checkRanges(Record... groups) {
    for (Record group : groups) {
      for (Row row : ALL) {
        if (row.component.getDeclaringRecord() == group.getClass()) {
          row.check(read(row.component, group), row.name);
        }
      }
    }
  }

  static Map<String, String> texts(RunConfig config) {
    Map<String, String> texts = new LinkedHashMap<>();
    for (String group : groups()) {
      group(group).forEach(row -> texts.put(row.name(), row.textIn(config)));
    }
    return texts;
  }

  static RunConfig with(RunConfig config, String name, String text) {
    Row changed = named(name);
    return build(row -> row == changed ? row.parse(List.of(text), "") : row.in(config));
  }

  /** A configuration from the value of every row. */
  static RunConfig build(Function<Row, Object> value) {
    RecordComponent[] groups = RunConfig.class.getRecordComponents();
    Object[] records =
        Arrays.stream(groups)
            .map(g -> construct(g.getType(), group(g.getName()).stream().map(value).toArray()))
            .toArray();
    return construct(RunConfig.class, records);
  }

  private static <T> T construct(Class<T> type, Object[] values) {
    Class<?>[] types =
        Arrays.stream(type.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      Constructor<T> constructor = type.getDeclaredConstructor(types);
      return constructor.newInstance(values);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof ConfigException c) {
        throw c;
      }
      throw new IllegalStateException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object read(RecordComponent component, Record from) {
    try {
      return component.getAccessor().invoke(from);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
