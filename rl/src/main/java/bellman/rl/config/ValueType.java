package bellman.rl.config;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * How the text of a setting becomes its value, and back.
 *
 * @param base the type of the value, or of what an optional holds
 * @param optional whether the value may be absent
 */
record ValueType(Class<?> base, boolean optional) {

  static ValueType of(Type type) {
    if (type instanceof ParameterizedType p) {
      return p.getRawType() == Optional.class
          ? new ValueType((Class<?>) p.getActualTypeArguments()[0], true)
          : new ValueType((Class<?>) p.getRawType(), false);
    }
    if (type == OptionalInt.class) {
      return new ValueType(int.class, true);
    }
    if (type == OptionalLong.class) {
      return new ValueType(long.class, true);
    }
    if (type == OptionalDouble.class) {
      return new ValueType(double.class, true);
    }
    return new ValueType((Class<?>) type, false);
  }

  boolean isSwitch() {
    return base == boolean.class;
  }

  boolean isList() {
    return base == List.class;
  }

  boolean isMap() {
    return base == Map.class;
  }

  String label() {
    return base == int.class || base == long.class
        ? "N"
        : base == double.class
            ? "X"
            : base == Path.class
                ? "PATH"
                : base == ByteSize.class ? "SIZE" : base.isEnum() ? "WORD" : "TEXT";
  }

  String noun() {
    return base == int.class || base == long.class
        ? "a whole number"
        : base == double.class
            ? "a number"
            : isSwitch()
                ? "true or false"
                : base.isEnum()
                    ? "known"
                    : isMap()
                        ? EnvironmentParameter.FORM
                        : base == ByteSize.class ? "a size" : "text";
  }

  /** The words of an enumeration, for people. */
  String choices() {
    return !base.isEnum()
        ? ""
        : Arrays.stream(base.getEnumConstants())
            .map(ValueType::word)
            .collect(Collectors.joining(", "));
  }

  /**
   * @throws IllegalArgumentException where the text is none of the type
   * @throws ArithmeticException where it is a number too large for it
   */
  Object parse(List<String> texts, String absent) {
    if (isList()) {
      return List.copyOf(texts);
    }
    if (isMap()) {
      return parseMap(texts);
    }
    String text = texts.get(texts.size() - 1).strip();
    if (!optional) {
      return parse(text);
    }
    Optional<Object> held = text.equals(absent) ? Optional.empty() : Optional.of(parse(text));
    if (base == int.class) {
      return held.map(x -> OptionalInt.of((int) x)).orElse(OptionalInt.empty());
    }
    if (base == long.class) {
      return held.map(x -> OptionalLong.of((long) x)).orElse(OptionalLong.empty());
    }
    if (base == double.class) {
      return held.map(x -> OptionalDouble.of((double) x)).orElse(OptionalDouble.empty());
    }
    return held;
  }

  private Object parse(String text) {
    if (base == int.class) {
      return integer(text).intValueExact();
    }
    if (base == long.class) {
      return integer(text).longValueExact();
    }
    if (base == double.class) {
      return new BigDecimal(text).doubleValue();
    }
    if (isSwitch()) {
      if (!text.equals("true") && !text.equals("false")) {
        throw new IllegalArgumentException(text);
      }
      return text.equals("true");
    }
    if (base.isEnum()) {
      return Arrays.stream(base.getEnumConstants())
          .filter(e -> word(e).equals(text.toLowerCase(Locale.ROOT)))
          .findFirst()
          .orElseThrow(IllegalArgumentException::new);
    }
    if (base == ByteSize.class) {
      return ByteSize.parse(text);
    }
    if (text.isEmpty()) {
      throw new IllegalArgumentException("empty");
    }
    return base == Path.class ? Path.of(text) : text;
  }

  /** Names keep the place at which they stood first, as in mlagents-learn. */
  private static Map<String, EnvironmentParameter> parseMap(List<String> texts) {
    Map<String, EnvironmentParameter> map = new LinkedHashMap<>();
    for (String text : texts) {
      for (String pair : text.split(",(?![^\\[]*])")) { // commas outside brackets
        String[] sides = pair.split("=", 2);
        if (sides.length != 2 || sides[0].isBlank()) {
          throw new IllegalArgumentException(pair);
        }
        map.put(sides[0].strip(), EnvironmentParameter.parse(sides[1].strip()));
      }
    }
    return map;
  }

  /** Also 5e5 and 50_000, as files of mlagents-learn write them. */
  private static BigDecimal integer(String text) {
    BigDecimal x = new BigDecimal(text.replaceAll("(?<=[0-9])_(?=[0-9])", ""));
    // Before anything is spelt out: 1e999999999 has a billion digits.
    if (x.precision() - (long) x.scale() > 19) {
      throw new ArithmeticException(text);
    }
    if (x.stripTrailingZeros().scale() > 0) {
      throw new NumberFormatException(text);
    }
    return x;
  }

  /** The value for a range check; NaN where there is none. */
  double number(Object value) {
    if (value instanceof OptionalInt i) {
      return i.isPresent() ? i.getAsInt() : Double.NaN;
    }
    if (value instanceof OptionalLong l) {
      return l.isPresent() ? l.getAsLong() : Double.NaN;
    }
    if (value instanceof OptionalDouble d) {
      return d.isPresent() ? d.getAsDouble() : Double.NaN;
    }
    return value instanceof Number n ? n.doubleValue() : Double.NaN;
  }

  /** Whether there is a number, be it NaN. */
  boolean isNumber(Object value) {
    return value instanceof Number || value instanceof OptionalDouble d && d.isPresent();
  }

  /** The text inside a value; absent where an optional is. */
  Optional<String> content(Object value) {
    return value instanceof Optional<?> o ? o.map(ValueType::word) : Optional.of(word(value));
  }

  /** As a user would write it. */
  String text(Object value, String absent) {
    if (value instanceof Boolean on) {
      return on ? "on" : "off";
    }
    if (value instanceof List<?> list) {
      return list.isEmpty()
          ? "none"
          : list.stream().map(ValueType::word).collect(Collectors.joining(" "));
    }
    if (value instanceof Map<?, ?> map) {
      return map.isEmpty()
          ? "none"
          : map.entrySet().stream()
              .map(e -> e.getKey() + "=" + word(e.getValue()))
              .collect(Collectors.joining(","));
    }
    Optional<?> held = held(value);
    return held.isPresent() ? word(held.get()) : absent;
  }

  /** What an optional holds, or the value itself. */
  static Optional<?> held(Object value) {
    if (value instanceof Optional<?> o) {
      return o;
    }
    if (value instanceof OptionalInt i) {
      return i.isPresent() ? Optional.of(i.getAsInt()) : Optional.empty();
    }
    if (value instanceof OptionalLong l) {
      return l.isPresent() ? Optional.of(l.getAsLong()) : Optional.empty();
    }
    if (value instanceof OptionalDouble d) {
      return d.isPresent() ? Optional.of(d.getAsDouble()) : Optional.empty();
    }
    return Optional.of(value);
  }

  private static String word(Object value) {
    return value instanceof Double x
        ? print(x)
        : value instanceof Enum<?> e ? e.name().toLowerCase(Locale.ROOT) : value.toString();
  }

  /** The same with whole numbers as 5,000,000. */
  static String grouped(double x) {
    return x == Math.rint(x) && Math.abs(x) < 1e15
        ? String.format(Locale.ROOT, "%,d", (long) x)
        : print(x);
  }

  /** 5000000, 0.05, 2.5e-4. */
  static String print(double x) {
    if (x == Math.rint(x) && Math.abs(x) < 1e15) {
      return Long.toString((long) x);
    }
    String text = Double.toString(x).replace("E", "e");
    return text.replace(".0e", "e");
  }
}
