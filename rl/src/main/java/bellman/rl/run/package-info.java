/**
 * A run on disk: {@link bellman.rl.run.RunFolder}, which one run owns at a time, {@link
 * bellman.rl.run.CheckpointFiles}, which never lose the last good one, and {@link
 * bellman.rl.run.Checkpoint}, which says what one holds and alone depends on {@code
 * bellman.rl.dqn}. Read next: {@code bellman.rl.config}.
 */
package bellman.rl.run;
