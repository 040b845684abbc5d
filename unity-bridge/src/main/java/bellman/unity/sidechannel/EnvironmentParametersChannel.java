package bellman.unity.sidechannel;

import java.util.List;
import java.util.UUID;

/**
 * Named numbers that the scene reads, such as {@code gridSize}. A sampler draws anew at every read
 * in Unity, from a generator with the seed given.
 */
public final class EnvironmentParametersChannel extends SideChannel {
  /** The id that every ML-Agents player knows. */
  public static final UUID ID = UUID.fromString("534c891e-810f-11ea-a9d0-822485860400");

  /** One range of a multi-range sampler. */
  public record Interval(float min, float max) {
    /**
     * @throws IllegalArgumentException unless min ≤ max
     */
    public Interval {
      if (!(min <= max)) {
        throw new IllegalArgumentException("interval: min " + min + " must be ≤ max " + max);
      }
    }
  }

  private static final int FLOAT = 0;
  private static final int SAMPLER = 1;
  private static final int UNIFORM = 0;
  private static final int GAUSSIAN = 1;
  private static final int MULTI_RANGE = 2;

  /** A channel with nothing queued. */
  public EnvironmentParametersChannel() {
    super(ID);
  }

  /** A fixed number. */
  public void set(String key, float value) {
    send(new MessageWriter().string(key).int32(FLOAT).float32(value));
  }

  /** Uniform between min and max. */
  public void setUniform(String key, float min, float max, int seed) {
    send(sampler(key, seed, UNIFORM).float32(min).float32(max));
  }

  /** Normal with this mean and standard deviation. */
  public void setGaussian(String key, float mean, float standardDeviation, int seed) {
    send(sampler(key, seed, GAUSSIAN).float32(mean).float32(standardDeviation));
  }

  /**
   * Uniform over several intervals, each as likely as it is long.
   *
   * @throws IllegalArgumentException when there is no interval
   */
  public void setMultiRange(String key, List<Interval> intervals, int seed) {
    if (intervals.isEmpty()) {
      throw new IllegalArgumentException(
          "environment parameter " + key + ": a multi-range sampler needs at least one interval");
    }
    float[] ends = new float[2 * intervals.size()];
    for (int i = 0; i < intervals.size(); i++) {
      ends[2 * i] = intervals.get(i).min();
      ends[2 * i + 1] = intervals.get(i).max();
    }
    send(sampler(key, seed, MULTI_RANGE).float32List(ends));
  }

  private static MessageWriter sampler(String key, int seed, int kind) {
    return new MessageWriter().string(key).int32(SAMPLER).int32(seed).int32(kind);
  }

  @Override
  protected void receive(MessageReader message) {
    throw new IllegalArgumentException(
        "environment parameters: the player sent a message on a channel that only the trainer"
            + " uses");
  }
}
