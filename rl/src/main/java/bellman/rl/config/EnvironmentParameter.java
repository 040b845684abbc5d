package bellman.rl.config;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A number of the scene: constant, or drawn anew by the player whenever it reads it.
 *
 * @param numbers CONSTANT: the value. UNIFORM: the smallest and the largest. GAUSSIAN: mean and
 *     standard deviation. MULTIRANGEUNIFORM: smallest and largest of each interval
 * @param seed of the player's generator; empty: derived from the run's
 */
public record EnvironmentParameter(Sampler sampler, List<Double> numbers, OptionalInt seed) {
  /** mlagents-learn's {@code sampler_type}. */
  public enum Sampler {
    CONSTANT,
    UNIFORM,
    GAUSSIAN,
    MULTIRANGEUNIFORM;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static final String FORM =
      "NAME=X, or for X uniform[MIN,MAX], gaussian[MEAN,DEVIATION] or"
          + " multirangeuniform[MIN,MAX,MIN,MAX], each with @SEED if need be";

  /** {@code uniform[3,7]@42}. */
  private static final Pattern TEXT =
      Pattern.compile("([a-z]+)\\[([^\\[\\]]*)](?:@(-?[0-9]{1,10}))?");

  /**
   * @throws ConfigException if the numbers are not what the sampler needs
   */
  public EnvironmentParameter {
    numbers = List.copyOf(numbers);
    boolean enough =
        switch (sampler) {
          case CONSTANT -> numbers.size() == 1;
          case UNIFORM, GAUSSIAN -> numbers.size() == 2;
          case MULTIRANGEUNIFORM -> !numbers.isEmpty() && numbers.size() % 2 == 0;
        };
    String all = numbers.stream().map(ValueType::print).collect(Collectors.joining(", "));
    if (numbers.stream().anyMatch(x -> !(Math.abs(x) <= Float.MAX_VALUE))) {
      throw new ConfigException(
          "%s of %s: a player's numbers are floats, up to 3.4e38".formatted(sampler.word(), all));
    }
    if (!enough) {
      throw new ConfigException(
          "%s cannot be made of the numbers %s; constant takes 1, uniform and gaussian 2, multirangeuniform pairs"
              .formatted(sampler.word(), all.isEmpty() ? "(none)" : all));
    }
    for (int i = 0; i + 1 < numbers.size() && sampler != Sampler.GAUSSIAN; i += 2) {
      if (numbers.get(i) > numbers.get(i + 1)) {
        throw new ConfigException(
            "%s of %s: its smallest number %s is above its largest %s"
                .formatted(
                    sampler.word(),
                    all,
                    ValueType.print(numbers.get(i)),
                    ValueType.print(numbers.get(i + 1))));
      }
    }
    if (sampler == Sampler.GAUSSIAN && numbers.get(1) < 0) {
      throw new ConfigException("gaussian of %s: its standard deviation is below 0".formatted(all));
    }
  }

  /** One number. */
  public static EnvironmentParameter constant(double value) {
    return new EnvironmentParameter(Sampler.CONSTANT, List.of(value), OptionalInt.empty());
  }

  /**
   * @throws IllegalArgumentException if it is neither a number nor a sampler
   */
  static EnvironmentParameter parse(String text) {
    Matcher sampler = TEXT.matcher(text);
    if (!sampler.matches()) {
      return constant(new BigDecimal(text).doubleValue());
    }
    List<Double> numbers = new ArrayList<>();
    for (String number : sampler.group(2).split(",")) {
      numbers.add(new BigDecimal(number.strip()).doubleValue());
    }
    Sampler type =
        Arrays.stream(Sampler.values())
            .filter(s -> s.word().equals(sampler.group(1)))
            .findFirst()
            .orElseThrow(IllegalArgumentException::new);
    return new EnvironmentParameter(
        type,
        numbers,
        sampler.group(3) == null
            ? OptionalInt.empty()
            : OptionalInt.of(Integer.parseInt(sampler.group(3))));
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    if (sampler == Sampler.CONSTANT && seed.isEmpty()) {
      return ValueType.print(numbers.get(0));
    }
    return sampler.word()
        + numbers.stream().map(ValueType::print).collect(Collectors.joining(",", "[", "]"))
        + (seed.isPresent() ? "@" + seed.getAsInt() : "");
  }

  /** As mlagents-learn's files have it: a number, or keys. */
  Object yaml() {
    if (sampler == Sampler.CONSTANT && seed.isEmpty()) {
      return numbers.get(0);
    }
    Map<String, Object> parameters = new LinkedHashMap<>();
    switch (sampler) {
      case CONSTANT -> parameters.put("value", numbers.get(0));
      case UNIFORM -> {
        parameters.put("min_value", numbers.get(0));
        parameters.put("max_value", numbers.get(1));
      }
      case GAUSSIAN -> {
        parameters.put("mean", numbers.get(0));
        parameters.put("st_dev", numbers.get(1));
      }
      case MULTIRANGEUNIFORM -> {
        List<List<Double>> intervals = new ArrayList<>();
        for (int i = 0; i < numbers.size(); i += 2) {
          intervals.add(numbers.subList(i, i + 2));
        }
        parameters.put("intervals", intervals);
      }
    }
    seed.ifPresent(s -> parameters.put("seed", s));
    Map<String, Object> keys = new LinkedHashMap<>();
    keys.put("sampler_type", sampler.word());
    keys.put("sampler_parameters", parameters);
    return keys;
  }
}
