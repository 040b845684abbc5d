package bellman.unity;

/** The player's file is missing, is not executable, or cannot be started. */
public final class PlayerNotFoundException extends UnityException {
  private static final long serialVersionUID = 1L;

  PlayerNotFoundException(String message, Throwable cause) {
    super(message, cause);
  }
}
