package bellman.unity;

import java.util.List;
import java.util.Objects;

/**
 * One observation of a behavior, the same for all its agents.
 *
 * @param name the sensor's
 * @param shape as the player declares it, without a batch axis: {@code [6]}, {@code [3, 64, 84]}
 * @param dimensions one property per axis
 * @param type what it is for
 * @param layout which axis of an image is which; {@link Layout#PLAIN} for anything else
 */
public record ObservationSpec(
    String name,
    List<Integer> shape,
    List<DimensionProperty> dimensions,
    ObservationType type,
    Layout layout) {

  /** The order of an image's axes. */
  public enum Layout {
    /** Not an image. */
    PLAIN,
    /** Channels, height, width: Unity packages from 3.0.0-exp.1. */
    CHW,
    /** Height, width, channels: Unity packages up to 2.3.0. */
    HWC
  }

  /**
   * @throws IllegalArgumentException when the axes and their properties differ in number, a size is
   *     not positive, or the layout does not fit the rank
   */
  public ObservationSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    shape = List.copyOf(shape);
    dimensions = List.copyOf(dimensions);
    if (shape.size() != dimensions.size()) {
      throw new IllegalArgumentException(
          "observation \""
              + name
              + "\": shape "
              + shape
              + " needs as many dimension properties, not "
              + dimensions);
    }
    long numbers = 1;
    for (int size : shape) {
      if (size > 0 && (numbers *= size) > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "observation \"" + name + "\": shape " + shape + " holds more than 2^31 - 1 numbers");
      }
      if (size <= 0) {
        throw new IllegalArgumentException(
            "observation \"" + name + "\": shape " + shape + " has a size that is not positive");
      }
    }
    if ((layout != Layout.PLAIN) != (shape.size() == 3)) {
      throw new IllegalArgumentException(
          "observation \""
              + name
              + "\": shape "
              + shape
              + " cannot have the layout "
              + layout
              + "; exactly the shapes with three axes are images");
    }
  }

  /** How many numbers one agent's observation holds. */
  public int size() {
    int size = 1;
    for (int n : shape) {
      size *= n;
    }
    return size;
  }

  /**
   * Whether it is an image: three axes, with {@link #height}, {@link #width}, {@link #channels}.
   */
  public boolean isVisual() {
    return layout != Layout.PLAIN;
  }

  /**
   * Rows of the image.
   *
   * @throws IllegalStateException when it is none
   */
  public int height() {
    return imageAxis(1, 0);
  }

  /**
   * Columns of the image.
   *
   * @throws IllegalStateException when it is none
   */
  public int width() {
    return imageAxis(2, 1);
  }

  /**
   * Channels of the image: 3 for colour, 1 for gray, more for a stack.
   *
   * @throws IllegalStateException when it is none
   */
  public int channels() {
    return imageAxis(0, 2);
  }

  private int imageAxis(int inChw, int inHwc) {
    if (!isVisual()) {
      throw new IllegalStateException(
          "observation \""
              + name
              + "\" of shape "
              + shape
              + " is not an image; ask isVisual() first");
    }
    return shape.get(layout == Layout.CHW ? inChw : inHwc);
  }
}
