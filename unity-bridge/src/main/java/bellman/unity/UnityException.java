package bellman.unity;

/**
 * Something between trainer and player went wrong. The message holds the values and the remedy; the
 * subclasses tell apart what a caller may treat differently, such as starting the player again.
 */
public class UnityException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With a message for people. */
  public UnityException(String message) {
    super(message);
  }

  /** With a message for people and what caused it. */
  public UnityException(String message, Throwable cause) {
    super(message, cause);
  }
}
