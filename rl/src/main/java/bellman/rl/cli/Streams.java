package bellman.rl.cli;

import java.io.PrintWriter;

/** Where a command's words go: results to {@code out}, everything about them to {@code err}. */
public record Streams(PrintWriter out, PrintWriter err) {
  /** The process's own. */
  public static Streams system() {
    return new Streams(new PrintWriter(System.out, true), new PrintWriter(System.err, true));
  }

  void flush() {
    out.flush();
    err.flush();
  }
}
