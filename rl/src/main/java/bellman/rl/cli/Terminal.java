package bellman.rl.cli;

import java.io.PrintWriter;

/** Where a command's words go: results to {@code out}, everything about them to {@code err}. */
public record Terminal(PrintWriter out, PrintWriter err) {
  /** The process's own. */
  public static Terminal system() {
    return new Terminal(new PrintWriter(System.out, true), new PrintWriter(System.err, true));
  }

  void flush() {
    out.flush();
    err.flush();
  }
}
