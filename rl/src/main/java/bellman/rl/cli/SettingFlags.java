package bellman.rl.cli;

import bellman.rl.config.Layers;
import bellman.rl.config.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import java.util.function.Predicate;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** Turns settings into a command's flags, its help, and, once parsed, the top layer. */
final class SettingFlags {
  private static final int WIDTH = 100;
  private static final int COLUMN = 34;

  private static final Map<String, String> HEADINGS =
      Map.of(
          "learning", "Learning",
          "network", "Network",
          "exploration", "Exploration",
          "evaluation", "Testing after training, without learning",
          "world", "World (the embedded GridWorld, unless --env, --editor or --listen is given)",
          "compute", "Computing",
          "folder", "Run folder",
          "reporting", "Reporting");

  private final List<Settings.Row> rows;

  private SettingFlags(List<Settings.Row> rows) {
    this.rows = rows;
  }

  /** Gives a command the flags of the settings that it takes. */
  static SettingFlags onto(CommandLine command, Predicate<Settings.Row> taken) {
    SettingFlags flags = new SettingFlags(Settings.all().stream().filter(taken).toList());
    CommandSpec spec = command.getCommandSpec();
    flags.rows.forEach(row -> spec.addOption(option(row)));
    command
        .getHelpSectionMap()
        .put(CommandLine.Model.UsageMessageSpec.SECTION_KEY_OPTION_LIST, help -> flags.help(spec));
    return flags;
  }

  private static OptionSpec option(Settings.Row row) {
    OptionSpec.Builder option = OptionSpec.builder(row.flag()).description(row.doc());
    if (row.isSwitch()) {
      // A file may have switched it on.
      return option.type(boolean.class).arity("0").negatable(!row.yaml().isEmpty()).build();
    }
    option.paramLabel(row.label());
    if (row.isList()) {
      return option
          .type(List.class)
          .auxiliaryTypes(String.class)
          .arity("1..*")
          .parameterConsumer(SettingFlags::restOfLine)
          .build();
    }
    return row.isMap()
        ? option.type(List.class).auxiliaryTypes(String.class).arity("1").build()
        : option.type(String.class).arity("1").build();
  }

  private static void restOfLine(
      Stack<String> args, CommandLine.Model.ArgSpec option, CommandSpec command) {
    List<String> rest = new ArrayList<>();
    while (!args.isEmpty()) {
      rest.add(args.pop());
    }
    option.setValue(rest);
  }

  /** Lays what was given on top. */
  Layers layOnto(Layers layers, ParseResult parsed) {
    for (Settings.Row row : rows) {
      Object value = parsed.commandSpec().findOption(row.flag()).getValue();
      // picocli does not count an option as matched whose parameters we consume ourselves.
      if (parsed.hasMatchedOption(row.flag()) || row.isList() && value != null) {
        List<String> texts =
            value instanceof List<?> list
                ? list.stream().map(Object::toString).toList()
                : List.of(value.toString());
        layers.flag(row.name(), texts);
      }
    }
    return layers;
  }

  private String help(CommandSpec spec) {
    StringBuilder text = new StringBuilder();
    String group = "";
    for (Settings.Row row : rows) {
      if (!row.group().equals(group)) {
        group = row.group();
        text.append('\n').append(HEADINGS.get(group)).append('\n');
      }
      String flag = row.flag();
      if (row.isSwitch()) {
        flag = row.yaml().isEmpty() ? flag : negatable(flag);
      } else {
        flag += " " + row.label() + (row.isList() ? "..." : "");
      }
      text.append(entry(flag, row.doc() + facts(row)));
    }
    text.append("\nOther\n");
    List<String> settings = rows.stream().map(Settings.Row::flag).toList();
    for (OptionSpec option : spec.options()) {
      if (!settings.contains(option.longestName())) {
        text.append(
            entry(String.join(", ", option.names()), String.join(" ", option.description())));
      }
    }
    return text.toString();
  }

  private static String negatable(String flag) {
    return flag.startsWith("--no-") ? flag : "--[no-]" + flag.substring(2);
  }

  private static String facts(Settings.Row row) {
    List<String> facts = new ArrayList<>();
    boolean ordinary =
        row.isSwitch() ? row.defaultText().equals("off") : row.defaultText().isEmpty();
    if (!ordinary) {
      facts.add("default " + row.defaultText());
    }
    if (!row.range().isEmpty() && !row.isChoice()) {
      facts.add(row.range());
    }
    return facts.isEmpty() ? "" : " [" + String.join("; ", facts) + "]";
  }

  static String entry(String flag, String doc) {
    StringBuilder text = new StringBuilder();
    String line = "  " + flag + " ".repeat(Math.max(1, COLUMN - 2 - flag.length()));
    String separator = "";
    for (String word : doc.split(" ")) {
      if (line.length() + separator.length() + word.length() > WIDTH) {
        text.append(line).append('\n');
        line = " ".repeat(COLUMN);
        separator = "";
      }
      line += separator + word;
      separator = " ";
    }
    return text.append(line).append('\n').toString();
  }
}
