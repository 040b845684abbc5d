package bellman.engine;

/** Operands that do not fit: the message names the op, both shapes, the rule and the remedy. */
public final class ShapeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public ShapeException(String message) {
    super(message);
  }
}
