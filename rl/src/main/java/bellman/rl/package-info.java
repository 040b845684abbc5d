/**
 * The run: {@link bellman.rl.TrainLoop} steps an environment and an {@link bellman.rl.Agent} and
 * tells {@link bellman.rl.Observer}s. Read in this order: {@code bellman.rl.env}, {@code
 * bellman.rl.replay}, {@code bellman.rl.dqn}, {@code bellman.rl.onnx}, this package, {@code
 * bellman.rl.observe}, {@code bellman.rl.torch}, {@code bellman.rl.picture}, {@code
 * bellman.rl.run}, {@code bellman.rl.config}, {@code bellman.rl.cli}.
 */
package bellman.rl;
