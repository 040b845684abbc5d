package bellman.lessons;

/** A lesson claimed something that is not so on this machine. */
public final class RefutedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  RefutedException(String claim) {
    super("the lesson claims, and here it does not hold: " + claim);
  }
}
