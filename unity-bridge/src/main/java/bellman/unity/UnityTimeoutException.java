package bellman.unity;

import java.time.Duration;

/** The player did not answer in time. */
public final class UnityTimeoutException extends UnityException {
  private static final long serialVersionUID = 1L;

  /** What was waited for. */
  public enum Stage {
    /** A player that calls. */
    CONNECT,
    /** The second message: the player's scene is loaded. */
    SCENE,
    /** The first agent that asks for a decision. */
    FIRST_DECISION,
    /** The answer to a step or a later reset. */
    STEP
  }

  private final Stage stage;
  private final Duration waited;

  UnityTimeoutException(String message, Stage stage, Duration waited) {
    super(message);
    this.stage = stage;
    this.waited = waited;
  }

  /** What was waited for. */
  public Stage stage() {
    return stage;
  }

  /** How long. */
  public Duration waited() {
    return waited;
  }
}
