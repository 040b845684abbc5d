package bellman.rl.observe;

import bellman.rl.Episode;
import bellman.rl.Phase;
import bellman.rl.Progress;
import bellman.rl.Summary;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What a run tells its observers, with figures that are easy to recognise. */
final class Samples {
  private Samples() {}

  static Summary learning() {
    return new Summary(
        Phase.TRAINING,
        6123,
        1230,
        10,
        0.5,
        0.25,
        4.5,
        45,
        0.0123,
        1.5,
        1.75,
        0.0625,
        0.95,
        2.5e-4,
        12.3456);
  }

  /** Before the first update. */
  static Summary early() {
    double none = Double.NaN;
    return new Summary(
        Phase.TRAINING,
        123,
        10,
        10,
        0.124,
        0.25,
        12.3,
        0,
        none,
        none,
        none,
        none,
        0.99755,
        2.5e-4,
        1);
  }

  static Summary testing() {
    double none = Double.NaN;
    return new Summary(
        Phase.TESTING,
        50_040,
        9000,
        10,
        0.975,
        0.1,
        3.5,
        0,
        none,
        none,
        none,
        none,
        0.1,
        2.5e-4,
        99);
  }

  static Episode episode(int number, Phase phase, long step) {
    return new Episode(number, 2, phase, 0, -1.25, 17, number % 2 == 0, step);
  }

  static Progress progress(Phase phase, long step) {
    return new Progress(phase, step, 1000, 0, 0, 0.75);
  }

  /** A terminal that keeps what is written. */
  static final class Screen {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    final Terminal terminal;

    Screen(boolean interactive, boolean unicode, int width) {
      PrintStream both = new PrintStream(bytes, false, StandardCharsets.UTF_8);
      terminal = new Terminal(both, both, interactive, unicode, width);
    }

    String written() {
      return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }

    /** What stands there in the end, as a terminal with endless lines would show it. */
    String shown() {
      StringBuilder all = new StringBuilder();
      StringBuilder last = new StringBuilder();
      String text = written().replace("\u001b[?7l", "").replace("\u001b[?7h", "");
      for (int i = 0; i < text.length(); i++) {
        if (text.startsWith("\r\u001b[2K", i)) {
          last.setLength(0);
          i += 4;
        } else if (text.charAt(i) == '\n') {
          all.append(last).append('\n');
          last.setLength(0);
        } else {
          last.append(text.charAt(i));
        }
      }
      return all.append(last).toString();
    }
  }
}
