/**
 * What a run is told: {@link bellman.rl.config.RunConfig} declares every setting once, {@link
 * bellman.rl.config.Settings} reads those declarations as a table, {@link bellman.rl.config.Layers}
 * puts defaults, a YAML file and flags on top of each other and {@link bellman.rl.config.Resolved}
 * is what came out. Depends on the engine's {@code Precision} alone. Read next: {@code
 * bellman.rl.cli}.
 */
package bellman.rl.config;
