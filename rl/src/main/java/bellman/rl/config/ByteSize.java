package bellman.rl.config;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes as people write it: 4GB, 1.5GiB, 512MB, 1000. */
public record ByteSize(long bytes) {
  private static final Pattern FORM = Pattern.compile("([0-9]+(?:\\.[0-9]+)?) ?([KMGT]I?)?B?");
  private static final Map<String, Long> UNITS =
      Map.of(
          "K",
          1_000L,
          "M",
          1_000_000L,
          "G",
          1_000_000_000L,
          "T",
          1_000_000_000_000L,
          "KI",
          1L << 10,
          "MI",
          1L << 20,
          "GI",
          1L << 30,
          "TI",
          1L << 40);

  /**
   * @throws IllegalArgumentException where the text is none, or not of whole bytes
   * @throws ArithmeticException where it is 0, or too large for a long
   */
  static ByteSize parse(String text) {
    Matcher m = FORM.matcher(text.toUpperCase(Locale.ROOT));
    if (!m.matches()) {
      throw new IllegalArgumentException(text);
    }
    long unit = m.group(2) == null ? 1 : UNITS.get(m.group(2));
    BigDecimal bytes = new BigDecimal(m.group(1)).multiply(BigDecimal.valueOf(unit));
    if (bytes.stripTrailingZeros().scale() > 0) {
      throw new IllegalArgumentException(text);
    }
    if (bytes.signum() == 0) {
      throw new ArithmeticException(text);
    }
    return new ByteSize(bytes.longValueExact());
  }

  /** In the largest unit that makes it a whole number: 4GB, 6GiB, 1500MB. */
  @Override
  public String toString() {
    for (String unit : new String[] {"T", "TI", "G", "GI", "M", "MI", "K", "KI"}) {
      if (bytes % UNITS.get(unit) == 0) {
        return bytes / UNITS.get(unit) + unit.replace('I', 'i') + "B";
      }
    }
    return Long.toString(bytes);
  }
}
