package bellman.rl.cli;

/**
 * The benchmarks, as {@code bellman bench} finds them: a module that has some names its class in
 * {@code META-INF/services/bellman.rl.cli.Bench}.
 */
public interface Bench {
  /**
   * Runs what the arguments name.
   *
   * @return the exit code
   */
  int run(String[] args) throws Exception;
}
