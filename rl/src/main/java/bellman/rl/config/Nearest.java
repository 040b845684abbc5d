package bellman.rl.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds what a misspelt name was meant to be. */
public final class Nearest {
  private Nearest() {}

  /**
   * The known name with the fewest letters to change, by Levenshtein's count; case, dashes and
   * underscores are free. Failing that, the first that contains the whole name. Absent where all
   * are too far to be meant.
   */
  public static Optional<String> to(String name, Collection<String> known) {
    String plain = plain(name);
    return known.stream()
        .min(Comparator.comparingInt(k -> distance(plain, plain(k))))
        .filter(k -> distance(plain, plain(k)) <= Math.max(2, plain.length() / 3))
        .or(
            () ->
                known.stream()
                    .filter(k -> plain.length() >= 4 && plain(k).contains(plain))
                    .findFirst());
  }

  /** {@code "; did you mean X?"}, or nothing. */
  public static String hint(String name, Collection<String> known) {
    return to(name, known).map(k -> "; did you mean " + k + "?").orElse("");
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[-_]", "");
  }

  /** Insertions, deletions and replacements of one letter that turn a into b. */
  static int distance(String a, String b) {
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length()];
  }
}
