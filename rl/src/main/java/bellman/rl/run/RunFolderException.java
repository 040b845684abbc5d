package bellman.rl.run;

/** Something about a run's folder that cannot be; the message names the path and what to do. */
public final class RunFolderException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public RunFolderException(String message) {
    super(message);
  }

  public RunFolderException(String message, Throwable cause) {
    super(message, cause);
  }
}
