package bellman.rl.replay;

import bellman.engine.Tensor;

/**
 * B transitions (s, a, r, discount, s′) on the device.
 *
 * @param s what the agents saw
 * @param a [B] int32
 * @param r [B] float32
 * @param discount [B] float32: γ, or 0 where s′ is terminal
 * @param sNext as s
 * @param forbiddenNext [B, actions] uint8, not 0 where an action is not allowed in s′
 */
public record Batch(
    Seen s, Tensor a, Tensor r, Tensor discount, Seen sNext, Tensor forbiddenNext) {}
