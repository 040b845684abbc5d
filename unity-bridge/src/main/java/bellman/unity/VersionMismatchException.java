package bellman.unity;

/** Player and trainer speak communicator versions that do not fit. */
public final class VersionMismatchException extends UnityException {
  private static final long serialVersionUID = 1L;

  VersionMismatchException(String message, Throwable cause) {
    super(message, cause);
  }
}
