package bellman.unity;

import java.util.ArrayList;
import java.util.List;

/**
 * What may be assumed of one dimension of an observation: a set of flags.
 *
 * @param flags the wire's bits: 1 none, 2 translational equivariance, 4 variable size; 0 is
 *     unspecified
 */
public record DimensionProperty(int flags) {
  /** Nothing was said. */
  public static final DimensionProperty UNSPECIFIED = new DimensionProperty(0);

  /** Nothing may be assumed: an ordinary axis of features, or the channels of an image. */
  public static final DimensionProperty NONE = new DimensionProperty(1);

  /** Neighbours are alike everywhere, as pixels are: convolve over it. */
  public static final DimensionProperty TRANSLATIONAL_EQUIVARIANCE = new DimensionProperty(2);

  /** A list whose unused rows are zero. */
  public static final DimensionProperty VARIABLE_SIZE = new DimensionProperty(4);

  /** Whether all flags of the other are set here. */
  public boolean has(DimensionProperty other) {
    return (flags & other.flags) == other.flags;
  }

  @Override
  public String toString() {
    List<String> names = new ArrayList<>();
    if ((flags & 1) != 0) {
      names.add("none");
    }
    if ((flags & 2) != 0) {
      names.add("translational equivariance");
    }
    if ((flags & 4) != 0) {
      names.add("variable size");
    }
    return names.isEmpty() ? "unspecified" : String.join(" + ", names);
  }
}
