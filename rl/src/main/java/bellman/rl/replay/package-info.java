/** The replay memory, on the device. Depends on engine alone. Read next: {@code bellman.rl.dqn}. */
package bellman.rl.replay;
