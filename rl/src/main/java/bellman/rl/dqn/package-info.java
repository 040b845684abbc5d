/**
 * DQN (Mnih et al. 2015): {@link bellman.rl.dqn.TdTarget} is the equation, {@link
 * bellman.rl.dqn.QNetwork} what it is about, {@link bellman.rl.dqn.DqnLearner} the update, {@link
 * bellman.rl.dqn.DqnAgent} the acting and the schedule. Depends on nn, engine and the replay. Read
 * next: {@code bellman.rl.onnx}.
 */
package bellman.rl.dqn;
