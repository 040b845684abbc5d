/**
 * A run on disk: {@link bellman.rl.run.RunFolder}, which one run owns at a time, and {@link
 * bellman.rl.run.CheckpointFiles}, which never lose the last good one. What a checkpoint holds is
 * not known here. Depends on the JDK alone. Read next: {@code bellman.rl.config}.
 */
package bellman.rl.run;
