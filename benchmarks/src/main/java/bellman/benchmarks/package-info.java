/**
 * What is measured. A {@link bellman.benchmarks.KernelBenchmark} is one kernel or layer of the
 * engine on one device: {@link bellman.benchmarks.GemmBenchmark} the ladder of matrix products,
 * {@link bellman.benchmarks.ConvolutionBenchmark}, {@link bellman.benchmarks.MemoryBenchmark} all
 * that memory limits, {@link bellman.benchmarks.AdamBenchmark}, {@link
 * bellman.benchmarks.LayerBenchmark}. {@link bellman.benchmarks.UpdateBenchmark} is one update of
 * DQN, {@link bellman.benchmarks.ActBenchmark} one action, {@link
 * bellman.benchmarks.ReplayBenchmark} the replay memory, {@link bellman.benchmarks.BridgeBenchmark}
 * the way to Unity. Each proves its results before it is timed ({@link bellman.benchmarks.Proof}).
 *
 * <p>{@link bellman.benchmarks.Benchmarks} is the command: it chooses {@link
 * bellman.benchmarks.Trial}s, runs them, and hands their {@link bellman.benchmarks.Results} to
 * {@link bellman.benchmarks.Report}, {@link bellman.benchmarks.Comparison} and {@link
 * bellman.benchmarks.Roofline}. Depends on everything; nothing depends on it. Read next: {@code
 * KernelBenchmark}.
 */
package bellman.benchmarks;
