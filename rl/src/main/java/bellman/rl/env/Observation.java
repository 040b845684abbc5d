package bellman.rl.env;

/**
 * One frame and the goal that holds while it is seen.
 *
 * @param pixels the picture's bytes, H,W,C; null where there is none
 * @param vector the floats; null where there are none
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
