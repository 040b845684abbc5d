/**
 * Eleven lessons, one idea each, to be read and run in order: {@code bellman lesson} lists them and
 * {@code bellman lesson 3} runs the third. Each is one file that reads from top to bottom and uses
 * what a program of your own would use: the public side of {@code bellman.engine}, {@code
 * bellman.nn}, {@code bellman.rl} and {@code bellman.unity}. Only the command knows them.
 *
 * <p>What a lesson claims it checks while it runs; see {@link bellman.lessons.Page}. Read in the
 * order of {@link bellman.lessons.Lessons}.
 */
package bellman.lessons;
