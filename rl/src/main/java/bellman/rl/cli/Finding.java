package bellman.rl.cli;

import java.util.Locale;

/**
 * One line of {@code bellman doctor}.
 *
 * @param subject what was looked at
 * @param text what was seen and, where it is not well, the remedy
 */
public record Finding(Level level, String subject, String text) {
  /** How well it is; only FAIL keeps Bellman from working. */
  public enum Level {
    OK,
    WARN,
    FAIL
  }

  public static Finding ok(String subject, String text) {
    return new Finding(Level.OK, subject, text);
  }

  public static Finding warn(String subject, String text) {
    return new Finding(Level.WARN, subject, text);
  }

  public static Finding fail(String subject, String text) {
    return new Finding(Level.FAIL, subject, text);
  }

  @Override
  public String toString() {
    return "%-4s  %-17s %s".formatted(level.name().toLowerCase(Locale.ROOT), subject, text);
  }
}
