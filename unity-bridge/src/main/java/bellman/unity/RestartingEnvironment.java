package bellman.unity;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A player that is started again when it fails, as often as {@link RestartLimits} allow.
 *
 * <pre>{@code
 * try (var players = new RestartingEnvironment(() -> settings().open(), RestartLimits.DEFAULT)) {
 *   while (learning) {
 *     try {
 *       play(players.environment());   // reset and steps
 *     } catch (UnityException e) {
 *       players.restart(e);            // throws when it is no use
 *       forgetUnfinishedEpisodes();
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>A player that died, hung or broke its connection is started again. One that was told to end
 * (its window was closed, Ctrl-C) is not, nor one that cannot work: a missing file, another
 * protocol, a message without sense. Not thread-safe.
 */
public final class RestartingEnvironment implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RestartingEnvironment.class);

  private final Supplier<UnityEnvironment> opener;
  private final RestartLimits limits;
  private final LongSupplier nanoTime;
  private final Deque<Long> recent = new ArrayDeque<>();
  private int restarts;
  private UnityEnvironment environment;

  /**
   * Opens the first player.
   *
   * @param opener makes a new environment with side channels of its own each time it is called:
   *     what was sent to the player before, a new one does not know
   * @throws UnityException when it cannot be opened; a first start is not tried again
   */
  public RestartingEnvironment(Supplier<UnityEnvironment> opener, RestartLimits limits) {
    this(opener, limits, System::nanoTime);
  }

  RestartingEnvironment(
      Supplier<UnityEnvironment> opener, RestartLimits limits, LongSupplier nanoTime) {
    this.opener = opener;
    this.limits = limits;
    this.nanoTime = nanoTime;
    this.environment = opener.get();
  }

  /** The player there is now. After a restart it is another object and needs a reset. */
  public UnityEnvironment environment() {
    return environment;
  }

  /** Goes on with another player, which needs a reset; the one before is closed. */
  public void replace(UnityEnvironment other) {
    environment.close();
    environment = other;
  }

  /** How often it was started again. */
  public int restarts() {
    return restarts;
  }

  /**
   * Closes the player that failed and starts it again, once more if that fails too.
   *
   * @param failure what its reset or step threw
   * @return the new player
   * @throws UnityException the failure itself where a restart is no use or never allowed, or, where
   *     the limits are used up, one that says so and has it as its cause
   */
  public UnityEnvironment restart(UnityException failure) {
    environment.close();
    UnityException why = failure;
    while (true) {
      if (!worthARestart(why) || limits.lifetime() == 0 || limits.rate() == 0) {
        throw why;
      }
      admit(why);
      LOG.warn(
          "The player failed and is started again (restart {}{}): {}",
          restarts,
          limits.lifetime() < 0 ? "" : " of at most " + limits.lifetime(),
          why.getMessage());
      try {
        environment = opener.get();
        return environment;
      } catch (UnityException e) {
        why = e;
      }
    }
  }

  private static boolean worthARestart(UnityException e) {
    return e instanceof PlayerDiedException
        || e instanceof UnityTimeoutException
        || e instanceof PlayerLeftException left && !left.intended();
  }

  private void admit(UnityException why) {
    long now = nanoTime.getAsLong();
    Duration period = limits.period();
    recent.removeIf(then -> now - then >= period.toNanos());
    if (limits.lifetime() >= 0 && restarts >= limits.lifetime()) {
      throw usedUp(times(restarts) + " in all", "lifetime (--max-lifetime-restarts)", why);
    }
    if (limits.rate() >= 0 && recent.size() >= limits.rate()) {
      throw usedUp(
          times(recent.size()) + " within " + UnityEnvironment.seconds(period),
          "rate (--restarts-rate-limit-n)",
          why);
    }
    recent.add(now);
    restarts++;
  }

  private static String times(int n) {
    return n == 1 ? "once" : n + " times";
  }

  private static UnityException usedUp(String often, String limit, UnityException why) {
    return new UnityException(
        "the player failed again after it was started again "
            + often
            + ", which is the limit. Remedy: mend it, or raise the limit's "
            + limit
            + ". "
            + why.getMessage(),
        why);
  }

  @Override
  public void close() {
    environment.close();
  }
}
