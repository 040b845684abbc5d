package bellman.rl.replay;

import bellman.engine.Tensor;

/**
 * B transitions (s, a, r, discount, s′) on the device.
 *
 * @param s [B, h, w, c·max(goals, 1)] float32: pixels as 0…1, in the channels of the goal, 0
 *     elsewhere
 * @param a [B] int32
 * @param r [B] float32
 * @param discount [B] float32: γ, or 0 where s′ is terminal
 * @param sNext as s
 * @param forbiddenNext [B, actions] uint8, not 0 where an action is not allowed in s′
 */
public record Batch(
    Tensor s, Tensor a, Tensor r, Tensor discount, Tensor sNext, Tensor forbiddenNext) {}
