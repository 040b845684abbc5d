package bellman.unity;

/**
 * The player ended the exchange by itself: its window was closed, the Editor stopped playing, it
 * was told to stop (Ctrl-C reaches it, too), or the connection broke. Its process, if this trainer
 * started one, did not fail.
 */
public final class PlayerLeftException extends UnityException {
  private static final long serialVersionUID = 1L;

  private final boolean intended;

  PlayerLeftException(String message, boolean intended) {
    super(message);
    this.intended = intended;
  }

  /** Whether somebody told the player to end; false where its connection broke without a word. */
  public boolean intended() {
    return intended;
  }
}
