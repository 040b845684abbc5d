package bellman.rl.observe;

import java.io.Console;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;

/**
 * Standard output, shared by all who write there: finished lines, and below them, on a real
 * terminal, one line that is drawn over and over. Warnings go to standard error, without tearing
 * that line. May be used from any thread.
 */
public final class Terminal {
  private static final String ESCAPE = "\u001b[";
  private static final String ERASE = "\r" + ESCAPE + "2K";
  private static final String NO_WRAP = ESCAPE + "?7l";
  private static final String WRAP = ESCAPE + "?7h";
  private static final int DEFAULT_WIDTH = 80;

  private final PrintStream out;
  private final PrintStream err;
  private final boolean interactive;
  private final boolean unicode;
  private final int width;
  private String bar = "";

  /**
   * @param interactive whether a person sees what is written, so that a line can be drawn over
   * @param unicode whether it can show ε and block characters
   * @param width columns
   */
  public Terminal(
      PrintStream out, PrintStream err, boolean interactive, boolean unicode, int width) {
    this.out = out;
    this.err = err;
    this.interactive = interactive;
    this.unicode = unicode;
    this.width = width;
  }

  /** Standard output, after a look at what it is. */
  public static Terminal standard() {
    boolean interactive = isTerminal() && !"dumb".equals(System.getenv("TERM"));
    return new Terminal(
        System.out,
        System.err,
        interactive,
        outputCharset().newEncoder().canEncode('█'),
        interactive ? columns() : DEFAULT_WIDTH);
  }

  public boolean interactive() {
    return interactive;
  }

  public boolean unicode() {
    return unicode;
  }

  public int width() {
    return width;
  }

  /** Writes a finished line, above the bar if there is one. */
  public synchronized void line(String line) {
    if (bar.isEmpty()) {
      out.println(line);
    } else {
      out.print(ERASE + line + System.lineSeparator() + drawn());
    }
    out.flush();
  }

  /** Writes a warning to standard error. */
  public synchronized void warning(String text) {
    if (!bar.isEmpty()) {
      out.print(ERASE);
      out.flush();
    }
    err.println("warning: " + text);
    err.flush();
    if (!bar.isEmpty()) {
      out.print(drawn());
      out.flush();
    }
  }

  /** Draws the last line anew; the empty text removes it. Without a terminal nothing is drawn. */
  public synchronized void bar(String text) {
    if (!interactive || text.isEmpty() && bar.isEmpty()) {
      return;
    }
    bar = text;
    out.print(ERASE + drawn());
    out.flush();
  }

  /** Never wrapped: a wrapped line could not be erased after the window got narrower. */
  private String drawn() {
    return bar.isEmpty() ? "" : NO_WRAP + bar + WRAP;
  }

  private static boolean isTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      // Since Java 22 a console may exist without a terminal, and this method tells.
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }

  private static Charset outputCharset() {
    for (String key : new String[] {"stdout.encoding", "sun.stdout.encoding"}) {
      String name = System.getProperty(key);
      if (name != null && Charset.isSupported(name)) {
        return Charset.forName(name);
      }
    }
    return Charset.defaultCharset();
  }

  /** As {@code stty} says; it is everywhere but on Windows, and needs no native code of ours. */
  private static int columns() {
    try {
      Process process =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (Scanner scanner = new Scanner(process.getInputStream(), StandardCharsets.US_ASCII)) {
        if (process.waitFor(1, TimeUnit.SECONDS) && scanner.hasNextInt()) {
          scanner.nextInt(); // rows
          int columns = scanner.nextInt();
          return columns > 0 ? columns : DEFAULT_WIDTH; // 0: a terminal of no size
        }
      }
    } catch (IOException e) {
      return DEFAULT_WIDTH;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return DEFAULT_WIDTH;
  }
}
