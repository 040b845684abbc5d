package bellman.unity;

/** The player's process (or, embedded, its thread) ended although nobody asked it to. */
public final class PlayerDiedException extends UnityException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  PlayerDiedException(String message, int exitCode, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** Its exit code; on Unix 128 + n after signal n. 1 for an embedded player that threw. */
  public int exitCode() {
    return exitCode;
  }
}
