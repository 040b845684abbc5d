package bellman.unity;

/** The port is taken: another training, or a player that still runs. */
public final class PortInUseException extends UnityException {
  private static final long serialVersionUID = 1L;

  PortInUseException(String message, Throwable cause) {
    super(message, cause);
  }
}
