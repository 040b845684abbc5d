/**
 * Worlds: the contract {@link bellman.rl.env.Environment}, toy worlds whose answer is known, and
 * the Unity world. Depends on unity-bridge alone. Read next: {@code bellman.rl.replay}.
 */
package bellman.rl.env;
