/**
 * Layers, weights, losses and the optimizer. Depends on the engine's tensors, its backend contract
 * and its files; knows no implementation of a backend, no reinforcement learning and no Unity.
 *
 * <p>Read in this order: {@link bellman.nn.Module} and {@link bellman.nn.Layer}, {@link
 * bellman.nn.Weights} (where parameters come from) with {@link bellman.nn.Layout} (how files order
 * them) and {@link bellman.nn.Initializer}; {@link bellman.nn.Conv2d}, {@link bellman.nn.Linear},
 * {@link bellman.nn.Sequential}; {@link bellman.nn.Loss}; {@link bellman.nn.Adam}. Read next:
 * {@code bellman.rl}, which learns with them.
 */
package bellman.nn;
