package bellman.rl.replay;

import bellman.engine.Tensor;

/**
 * What B agents saw, as a network's input: each in the block of its goal, 0 in the others.
 *
 * @param picture [B, h, w, c·max(goals, 1)] float32: pixels as 0…1; null where the world has none
 * @param vector [B, n·max(goals, 1)] float32; null likewise
 */
public record Seen(Tensor picture, Tensor vector) {
  /** Names both for messages. */
  Seen named(String name) {
    if (picture != null) {
      picture.named(name);
    }
    if (vector != null) {
      vector.named(picture == null ? name : name + ", its vector");
    }
    return this;
  }
}
