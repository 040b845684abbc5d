package bellman.unity;

/**
 * The player ended the exchange by itself: its window was closed, the Editor stopped playing, or
 * the connection broke. Its process, if this trainer started one, did not fail.
 */
public final class PlayerLeftException extends UnityException {
  private static final long serialVersionUID = 1L;

  PlayerLeftException(String message, Throwable cause) {
    super(message, cause);
  }
}
