package bellman.unity.sidechannel;

import java.util.UUID;

/** Sets window size, quality and time of the player; one message per setting. */
public final class EngineConfigurationChannel extends SideChannel {
  /** The id that every ML-Agents player knows. */
  public static final UUID ID = UUID.fromString("e951342c-4f7e-11ea-b238-784f4387d1f7");

  private static final int RESOLUTION = 0;
  private static final int QUALITY_LEVEL = 1;
  private static final int TIME_SCALE = 2;
  private static final int TARGET_FRAME_RATE = 3;
  private static final int CAPTURE_FRAME_RATE = 4;

  /** A channel with nothing queued. */
  public EngineConfigurationChannel() {
    super(ID);
  }

  /** Queues all five settings. */
  public void set(EngineConfiguration c) {
    setResolution(c.width(), c.height());
    setQualityLevel(c.qualityLevel());
    setTimeScale(c.timeScale());
    setTargetFrameRate(c.targetFrameRate());
    setCaptureFrameRate(c.captureFrameRate());
  }

  /** Window size in pixels. */
  public void setResolution(int width, int height) {
    send(new MessageWriter().int32(RESOLUTION).int32(width).int32(height));
  }

  /** Unity's quality level, 0 (fastest) to 5. */
  public void setQualityLevel(int level) {
    send(new MessageWriter().int32(QUALITY_LEVEL).int32(level));
  }

  /** Game seconds per second; the player clamps it to at least 1. */
  public void setTimeScale(float scale) {
    send(new MessageWriter().int32(TIME_SCALE).float32(scale));
  }

  /** Frames per second, −1 for as fast as it can. */
  public void setTargetFrameRate(int framesPerSecond) {
    send(new MessageWriter().int32(TARGET_FRAME_RATE).int32(framesPerSecond));
  }

  /** Frames per game second, 0 for none. */
  public void setCaptureFrameRate(int framesPerSecond) {
    send(new MessageWriter().int32(CAPTURE_FRAME_RATE).int32(framesPerSecond));
  }

  @Override
  protected void receive(MessageReader message) {
    throw new IllegalArgumentException(
        "engine configuration: the player sent a message on a channel that only the trainer uses");
  }
}
