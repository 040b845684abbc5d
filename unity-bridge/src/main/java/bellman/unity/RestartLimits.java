package bellman.unity;

import java.time.Duration;

/**
 * How often a player that failed may be started again; −1 for any number.
 *
 * @param lifetime restarts in all
 * @param rate restarts within any one period
 * @param period how long a restart counts for the rate
 */
public record RestartLimits(int lifetime, int rate, Duration period) {
  /** mlagents-learn's: 10 restarts in all, one a minute. */
  public static final RestartLimits DEFAULT = new RestartLimits(10, 1, Duration.ofSeconds(60));

  /** A player that fails is not started again. */
  public static final RestartLimits NONE = new RestartLimits(0, 0, Duration.ofSeconds(60));

  /**
   * @throws IllegalArgumentException when a number is below −1 or the period is not positive
   */
  public RestartLimits {
    if (lifetime < -1 || rate < -1 || period.isNegative() || period.isZero()) {
      throw new IllegalArgumentException(
          "restarts: lifetime "
              + lifetime
              + " and rate "
              + rate
              + " must be -1 (no limit) or more, the period "
              + period
              + " positive");
    }
  }
}
