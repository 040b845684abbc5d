package bellman.rl.env;

/**
 * One frame and the goal that holds while it is seen.
 *
 * @param pixels the frame's bytes, H,W,C; null for a vector
 * @param vector the frame's floats; null for a picture
 * @param goal 0 … goals − 1; 0 where there is none
 */
public record Observation(byte[] pixels, float[] vector, int goal) {
  public static Observation picture(byte[] pixels, int goal) {
    return new Observation(pixels, null, goal);
  }

  public static Observation vector(float... vector) {
    return new Observation(null, vector, 0);
  }
}
