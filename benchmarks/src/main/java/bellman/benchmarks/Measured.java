package bellman.benchmarks;

import java.util.Optional;

/** What a benchmark knows about itself by its parameters alone, before anything is opened. */
interface Measured {
  /** How much one call of the benchmark's method does, counted from its operands. */
  Work work(String method);

  /** Why these parameters are not measured, if they are not. */
  default Optional<String> leftOut() {
    return Optional.empty();
  }
}
