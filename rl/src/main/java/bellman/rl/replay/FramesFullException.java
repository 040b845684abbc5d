package bellman.rl.replay;

/** So many agents stand in a frame that there is none for the next. */
public final class FramesFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  FramesFullException(String message) {
    super(message);
  }
}
