package bellman.benchmarks;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.format.OutputFormat;

/**
 * What a run of JMH says on the way: one line for each benchmark with a dot for each iteration. The
 * rest, its forks' output included, is kept in case that something fails.
 */
final class Progress implements OutputFormat {
  private final PrintStream err;
  private final StringBuilder log = new StringBuilder();

  Progress(PrintStream err) {
    this.err = err;
  }

  /** All that JMH and its forks said. */
  String log() {
    return log.toString();
  }

  @Override
  public void startBenchmark(BenchmarkParams p) {
    StringBuilder text = new StringBuilder(p.getBenchmark().substring(Benchmarks.PACKAGE.length()));
    p.getParamsKeys()
        .forEach(key -> text.append(' ').append(key).append('=').append(p.getParam(key)));
    err.print(text.append(' '));
    err.flush();
  }

  @Override
  public void iterationResult(
      BenchmarkParams p, IterationParams iteration, int number, IterationResult result) {
    err.print('.');
    err.flush();
  }

  @Override
  public void endBenchmark(BenchmarkResult result) {
    err.println();
  }

  @Override
  public void print(String s) {
    log.append(s);
  }

  @Override
  public void println(String s) {
    log.append(s).append('\n');
  }

  @Override
  public void write(int b) {
    log.append((char) b);
  }

  @Override
  public void write(byte[] b) {
    log.append(new String(b, StandardCharsets.UTF_8));
  }

  @Override
  public void iteration(BenchmarkParams p, IterationParams iteration, int number) {}

  @Override
  public void startRun() {}

  @Override
  public void endRun(Collection<RunResult> results) {}

  @Override
  public void flush() {}

  @Override
  public void close() {}

  @Override
  public void verbosePrintln(String s) {}
}
