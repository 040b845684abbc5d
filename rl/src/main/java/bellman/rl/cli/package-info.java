/**
 * The command line: {@link bellman.rl.cli.Main} and one class per command. Flags and their help
 * come from {@code bellman.rl.config}; what the commands set going stands behind {@link
 * bellman.rl.cli.Services}.
 */
package bellman.rl.cli;
