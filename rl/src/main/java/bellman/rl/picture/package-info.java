/**
 * Pictures of runs: {@link bellman.rl.picture.RunLog} reads what a run wrote, {@link
 * bellman.rl.picture.Curve} makes a line and a band of it, {@link
 * bellman.rl.picture.LearningCurves} draws them, and {@link bellman.rl.picture.FilmedWorld} and
 * {@link bellman.rl.picture.Film} show episodes as they are played. Nobody else sees AWT, XChart or
 * Batik. Depends on {@code bellman.rl} and {@code bellman.rl.env}. Read next: {@code
 * bellman.rl.run}.
 */
package bellman.rl.picture;
