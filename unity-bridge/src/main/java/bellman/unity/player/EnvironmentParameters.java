package bellman.unity.player;

import bellman.unity.player.EnvironmentParameters.Parameter.Kind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the trainer may set while a player runs: named numbers, or samplers that draw anew at every
 * read. A sampler draws from its own seed, but not the same numbers as Unity's, whose generator is
 * .NET's. Not thread-safe.
 */
public final class EnvironmentParameters {
  /**
   * One parameter as plain data.
   *
   * @param numbers {@code VALUE}: [value]. {@code UNIFORM}: [min, max]. {@code GAUSSIAN}: [mean,
   *     standard deviation]. {@code MULTI_RANGE}: [min, max, min, max …]
   * @param seed what the sampler was sent with
   * @param random the state of the sampler's generator
   */
  public record Parameter(String name, Kind kind, List<Float> numbers, int seed, long random) {
    /** Where the number comes from. */
    public enum Kind {
      VALUE,
      UNIFORM,
      GAUSSIAN,
      MULTI_RANGE
    }

    /**
     * Copies the numbers and checks how many there are.
     *
     * @throws IllegalArgumentException when a sampler lacks numbers
     */
    public Parameter {
      numbers = List.copyOf(numbers);
      boolean enough =
          switch (kind) {
            case VALUE -> numbers.size() == 1;
            case UNIFORM, GAUSSIAN -> numbers.size() == 2;
            case MULTI_RANGE -> !numbers.isEmpty() && numbers.size() % 2 == 0;
          };
      if (!enough) {
        throw new IllegalArgumentException(
            "environment parameter '%s': %s cannot be made of the numbers %s; a value takes 1, uniform and gaussian 2, multi-range pairs"
                .formatted(name, kind, numbers));
      }
    }

    /** A parameter as it arrives: a sampler starts at its seed. */
    public static Parameter of(String name, Kind kind, int seed, List<Float> numbers) {
      return new Parameter(name, kind, numbers, seed, SplitMix.of(seed, 0).state());
    }

    /** Whether {@code other} was sent with the same words, wherever its generator stands. */
    boolean sameAs(Parameter other) {
      return other != null
          && name.equals(other.name)
          && kind == other.kind
          && seed == other.seed
          && numbers.equals(other.numbers);
    }

    private double draw(SplitMix generator) {
      return switch (kind) {
        case VALUE -> numbers.get(0);
        case UNIFORM -> between(numbers.get(0), numbers.get(1), generator);
        // Box–Muller; 1 − u lies in (0, 1], so that the logarithm is finite
        case GAUSSIAN ->
            numbers.get(0)
                + numbers.get(1)
                    * Math.sqrt(-2 * Math.log(1 - generator.nextDouble()))
                    * Math.cos(2 * Math.PI * generator.nextDouble());
        case MULTI_RANGE -> {
          int i = interval(generator);
          yield between(numbers.get(i), numbers.get(i + 1), generator);
        }
      };
    }

    /** The index of an interval's lower end, drawn in proportion to the intervals' lengths. */
    private int interval(SplitMix generator) {
      double length = 0;
      for (int i = 0; i < numbers.size(); i += 2) {
        length += numbers.get(i + 1) - numbers.get(i);
      }
      double left = generator.nextDouble() * length;
      int last = numbers.size() - 2;
      for (int i = 0; i < last; i += 2) {
        left -= numbers.get(i + 1) - numbers.get(i);
        if (left < 0) {
          return i;
        }
      }
      return last;
    }

    private static double between(double min, double max, SplitMix generator) {
      return min + (max - min) * generator.nextDouble();
    }
  }

  private final Map<String, Parameter> parameters = new LinkedHashMap<>();

  /** Sets or replaces one parameter. */
  public void set(Parameter parameter) {
    parameters.put(parameter.name(), parameter);
  }

  /** Sets a parameter to one number. */
  public void set(String name, float value) {
    set(Parameter.of(name, Kind.VALUE, 0, List.of(value)));
  }

  /** The parameter's number; a sampler draws anew. {@code otherwise} when nobody has set it. */
  public float read(String name, float otherwise) {
    Parameter p = parameters.get(name);
    if (p == null) {
      return otherwise;
    }
    SplitMix generator = new SplitMix(p.random());
    float number = (float) p.draw(generator);
    set(new Parameter(name, p.kind(), p.numbers(), p.seed(), generator.state()));
    return number;
  }

  /** The parameter as plain data, or null. */
  Parameter held(String name) {
    return parameters.get(name);
  }

  /** All parameters, in the order in which they first came. */
  public List<Parameter> all() {
    return List.copyOf(parameters.values());
  }
}
