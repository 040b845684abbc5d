/**
 * Who watches a run: {@link bellman.rl.observe.ConsoleObserver}, {@link
 * bellman.rl.observe.ProgressObserver}, {@link bellman.rl.observe.TensorBoardObserver}, {@link
 * bellman.rl.observe.CsvObserver}, {@link bellman.rl.observe.Tally}, {@link
 * bellman.rl.observe.MlagentsLine} and {@link bellman.rl.observe.CheckpointObserver}. Each is a
 * {@link bellman.rl.Observer} that knows none of the others; a quiet run has fewer of them. Depends
 * on the types of {@code bellman.rl} alone. Read next: {@code bellman.rl.picture}.
 */
package bellman.rl.observe;
