/**
 * What is measured: {@link bellman.benchmarks.UpdateBenchmark} one update of DQN, {@link
 * bellman.benchmarks.ActBenchmark} one action, {@link bellman.benchmarks.ReplayBenchmark} the
 * replay memory, {@link bellman.benchmarks.PeakBenchmark} the device itself. {@link
 * bellman.benchmarks.Workload} is the task they share, {@link bellman.benchmarks.Benchmarks} the
 * command that runs them. Depends on everything; nothing depends on it. Read next: {@code
 * UpdateBenchmark}.
 */
package bellman.benchmarks;
