package bellman.rl;

/** The loss is no longer a number: nothing that follows would be worth keeping. */
public final class DivergedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DivergedException(String message) {
    super(message);
  }
}
