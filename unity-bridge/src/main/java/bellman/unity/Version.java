package bellman.unity;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A version a.b.c; what follows, such as {@code -exp.1}, counts for nothing. */
record Version(int major, int minor, int patch) {
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,6})\\.(\\d{1,6})(?:\\.(\\d{1,6}))?.*");

  static Optional<Version> parse(String text) {
    Matcher m = FORM.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    int patch = m.group(3) == null ? 0 : Integer.parseInt(m.group(3));
    return Optional.of(
        new Version(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2)), patch));
  }

  /** Majors must be equal; before 1.0 minors too. */
  boolean compatible(Version other) {
    return major == other.major && (major != 0 || minor == other.minor);
  }
}
