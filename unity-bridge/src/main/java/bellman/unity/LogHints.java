package bellman.unity;

import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What some lines of a player's log mean for the trainer. */
final class LogHints {
  private static final Map<Pattern, String> HINTS =
      Map.of(
          Pattern.compile("(?i)couldn't connect to trainer"),
          "it found no trainer on its port and plays on alone. It must be given the port named above"
              + " (--mlagents-port), and its build must not be older than package 1.0.",
          Pattern.compile("(?i)error while loading shared libraries: (?<it>\\S+?):"),
          "the library ${it} is missing on this system; install it.",
          Pattern.compile(
              "(?i)(cannot|can't|could not|unable to|failed to) open (the )?(x )?display"),
          "there is no display. Start it without graphics (-nographics) if it has no camera sensor,"
              + " else under xvfb-run.",
          Pattern.compile("(?i)NullReferenceException|MissingReferenceException"),
          "a script of the scene threw an exception; its agent may never ask for a decision then.");

  private LogHints() {}

  /** A line for each hint, or "". */
  static String of(String log) {
    return HINTS.entrySet().stream()
        .map(
            hint -> {
              var match = hint.getKey().matcher(log);
              return match.find()
                  ? hint.getValue()
                      .replace("${it}", hint.getValue().contains("${it}") ? match.group("it") : "")
                  : "";
            })
        .filter(text -> !text.isEmpty())
        .sorted()
        .map(text -> "\nIts log says: " + text)
        .collect(Collectors.joining());
  }
}
