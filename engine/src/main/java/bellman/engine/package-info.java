/**
 * Tensors and autograd. Depends on nothing of Bellman outside this module.
 *
 * <p>Read in this order: {@link bellman.engine.Shape}, {@link bellman.engine.Tensor} (every op with
 * its gradient), {@link bellman.engine.Gradients} (the walk back), {@link bellman.engine.Scope} and
 * {@link bellman.engine.Device} (lifetimes), {@link bellman.engine.Parameters}, {@link
 * bellman.engine.CapturedStep}; then {@code bellman.engine.backend}, the contract below them.
 */
package bellman.engine;
