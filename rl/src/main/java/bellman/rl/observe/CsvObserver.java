package bellman.rl.observe;

import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.Phase;
import bellman.rl.Summary;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes {@code summary.csv}, a line per window of episodes, and {@code episodes.csv}, a line per
 * episode. What has no value is left empty. A resumed run appends; lines after the step it resumes
 * from belong to a future that was lost, and are removed first. If a file cannot be written, the
 * run goes on without both after one warning.
 */
public final class CsvObserver implements Observer {
  static final List<String> SUMMARY =
      List.of(
          "step",
          "phase",
          "episode",
          "episodes",
          "mean_return",
          "std_return",
          "mean_length",
          "updates",
          "loss",
          "mean_q",
          "mean_target",
          "largest_gradient",
          "epsilon",
          "learning_rate",
          "seconds");
  static final List<String> EPISODES =
      List.of("step", "phase", "episode", "agent", "return", "length", "interrupted");

  private final Path folder;
  private final Consumer<String> warnings;
  private final Writing writing;
  private BufferedWriter summary;
  private BufferedWriter episodes;

  /**
   * @param folder gets the files, when the run begins
   */
  public CsvObserver(Path folder, Consumer<String> warnings) {
    this.folder = folder;
    this.warnings = warnings;
    this.writing = new Writing("CSV: files in " + folder, warnings);
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    if (summary != null) {
      return;
    }
    writing.attempt(
        () -> {
          Files.createDirectories(folder);
          summary = opened("summary.csv", SUMMARY, step);
          episodes = opened("episodes.csv", EPISODES, step);
        });
  }

  @Override
  public void episodeEnded(Episode e) {
    writing.attempt(
        () -> {
          row(
              episodes,
              e.step(),
              e.phase(),
              e.number(),
              e.agent(),
              e.agentReturn(),
              e.length(),
              e.interrupted());
          episodes.flush(); // a checkpoint of any step may be all that is left of a process
        });
  }

  @Override
  public void summarized(Summary s) {
    writing.attempt(
        () -> {
          row(
              summary,
              s.step(),
              s.phase(),
              s.episode(),
              s.episodes(),
              s.meanReturn(),
              s.stdReturn(),
              s.meanLength(),
              s.updates(),
              s.loss(),
              s.meanQ(),
              s.meanTarget(),
              s.largestGradient(),
              s.epsilon(),
              s.learningRate(),
              s.seconds());
          summary.flush();
        });
  }

  @Override
  public void close() {
    writing.close(summary);
    writing.close(episodes);
  }

  private BufferedWriter opened(String name, List<String> columns, long step) throws IOException {
    Path file = folder.resolve(name);
    String header = String.join(",", columns);
    List<String> kept = new ArrayList<>(List.of(header));
    if (Files.exists(file)) {
      List<String> lines = Files.readAllLines(file);
      if (!lines.isEmpty() && !lines.get(0).equals(header)) {
        Path old = folder.resolve(name + ".old");
        Files.move(file, old, StandardCopyOption.REPLACE_EXISTING);
        warnings.accept(file + " has other columns than this version writes; it is now " + old);
      } else {
        lines.stream().skip(1).filter(l -> stays(l, columns.size(), step)).forEach(kept::add);
      }
    }
    Path fresh = folder.resolve(name + ".tmp");
    Files.write(fresh, kept);
    Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
    return Files.newBufferedWriter(file, StandardOpenOption.APPEND);
  }

  /** A crash may have left half a line. */
  private static boolean stays(String line, int columns, long step) {
    String[] cells = line.split(",", -1);
    return cells.length == columns
        && cells[0].matches("\\d{1,18}")
        && Long.parseLong(cells[0]) <= step;
  }

  private static void row(BufferedWriter to, Object... cells) throws IOException {
    StringBuilder line = new StringBuilder();
    for (Object cell : cells) {
      line.append(line.length() == 0 ? "" : ",");
      if (cell instanceof Phase phase) {
        line.append(phase == Phase.TRAINING ? "training" : "testing");
      } else if (!(cell instanceof Double d && d.isNaN())) {
        line.append(cell);
      }
    }
    to.write(line.append('\n').toString());
  }
}
