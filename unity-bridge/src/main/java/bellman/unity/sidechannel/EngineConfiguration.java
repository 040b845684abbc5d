package bellman.unity.sidechannel;

/**
 * How the player renders and keeps time.
 *
 * @param width of the window, pixels
 * @param height of the window, pixels
 * @param qualityLevel Unity's quality level, 0 (fastest) to 5
 * @param timeScale game seconds per second; the player clamps it to at least 1
 * @param targetFrameRate frames per second, −1 for as fast as it can
 * @param captureFrameRate frames per game second, 0 for none; a fixed rate makes physics repeatable
 */
public record EngineConfiguration(
    int width,
    int height,
    int qualityLevel,
    float timeScale,
    int targetFrameRate,
    int captureFrameRate) {
  /**
   * What Python's package takes for granted: 80×80, quality 1, time ×20, no limit, capture at 60.
   */
  public static final EngineConfiguration DEFAULT = new EngineConfiguration(80, 80, 1, 20f, -1, 60);

  /** What mlagents-learn sends: 84×84, quality 5, time ×20, no frame limit, capture at 60. */
  public static final EngineConfiguration TRAINING =
      new EngineConfiguration(84, 84, 5, 20f, -1, 60);
}
