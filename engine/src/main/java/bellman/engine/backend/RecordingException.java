package bellman.engine.backend;

/** Work that a backend cannot record, and why. None of it was done; it still runs directly. */
public final class RecordingException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * @param cause what the work threw when recording had failed; null: nothing
   */
  public RecordingException(String reason, Throwable cause) {
    super(reason, cause);
  }
}
