/**
 * The replay memory, on the device. Depends on engine and on what worlds show. Read next: {@code
 * bellman.rl.dqn}.
 */
package bellman.rl.replay;
