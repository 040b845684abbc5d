package bellman.rl.picture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a run wrote about its windows of episodes.
 *
 * @param name of the run
 * @param windows in the order of their steps
 */
public record RunLog(String name, List<Window> windows) {
  /** The file in a run's folder of logs. */
  public static final String FILE = "summary.csv";

  private static final List<String> COLUMNS =
      List.of("step", "phase", "mean_return", "loss", "mean_q", "epsilon");

  /**
   * A window of episodes; a figure that it has not is NaN.
   *
   * @param from agent steps at its beginning
   * @param to agent steps at its end, more than {@code from}
   */
  public record Window(
      boolean testing,
      double from,
      double to,
      double meanReturn,
      double loss,
      double meanQ,
      double epsilon) {}

  public RunLog {
    windows = List.copyOf(windows);
  }

  /**
   * Reads {@code summary.csv}. A last line that a crash cut off is left out.
   *
   * @param logs the run's folder of logs
   * @throws IOException if there is none, or it is another table
   */
  public static RunLog read(String name, Path logs) throws IOException {
    Path file = logs.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new IOException("there is no " + file + "; a run writes it after its first episodes");
    }
    List<String> lines = Files.readAllLines(file);
    List<String> header = lines.isEmpty() ? List.of() : Arrays.asList(lines.get(0).split(","));
    for (String column : COLUMNS) {
      if (!header.contains(column)) {
        throw new IOException(
            file
                + " has no column "
                + column
                + ", only "
                + header
                + "; no run of Bellman wrote it");
      }
    }
    List<Window> windows = new ArrayList<>();
    double before = 0;
    for (int i = 1; i < lines.size(); i++) {
      String[] cells = lines.get(i).split(",", -1);
      boolean last = i == lines.size() - 1;
      if (cells.length < header.size() && last) {
        break;
      }
      Map<String, String> row = new HashMap<>();
      for (int c = 0; c < Math.min(cells.length, header.size()); c++) {
        row.put(header.get(c), cells[c]);
      }
      try {
        double step = number(row, "step");
        // Several windows may end at one step, where there are many agents.
        double from = Math.min(before, step - 1);
        windows.add(
            new Window(
                Objects.equals(row.get("phase"), "testing"),
                from,
                step,
                number(row, "mean_return"),
                number(row, "loss"),
                number(row, "mean_q"),
                number(row, "epsilon")));
        before = step;
      } catch (NumberFormatException e) {
        throw new IOException(
            "%s:%d: cannot be read (%s): %s".formatted(file, i + 1, e.getMessage(), lines.get(i)),
            e);
      }
    }
    return new RunLog(name, windows);
  }

  private static double number(Map<String, String> row, String column) {
    String cell = row.get(column);
    if (cell == null) {
      throw new NumberFormatException("no " + column);
    }
    return cell.isEmpty() ? Double.NaN : Double.parseDouble(cell);
  }

  /** Agent steps at its end; 0 where there is no window. */
  double steps() {
    return windows.isEmpty() ? 0 : windows.get(windows.size() - 1).to();
  }
}
