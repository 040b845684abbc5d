package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bellman.rl.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvObserverTest {
  private static final Path OPEN = Path.of("/proc/self/fd");

  @TempDir Path folder;
  private final List<String> warnings = new ArrayList<>();

  private CsvObserver run(long from) {
    CsvObserver csv = new CsvObserver(folder.resolve("run_logs"), warnings::add);
    csv.phaseBegan(Phase.TRAINING, from);
    return csv;
  }

  private List<String> lines(String name) throws IOException {
    return Files.readAllLines(folder.resolve("run_logs").resolve(name));
  }

  @Test
  void aLinePerWindowAndPerEpisode() throws IOException {
    try (CsvObserver csv = run(0)) {
      csv.episodeEnded(Samples.episode(9, Phase.TRAINING, 100));
      csv.episodeEnded(Samples.episode(10, Phase.TRAINING, 123));
      csv.summarized(Samples.early());
      assertThat(lines("episodes.csv")).as("flushed with the window").hasSize(3);
      csv.summarized(Samples.learning());
      csv.phaseBegan(Phase.TESTING, 50_000);
      csv.summarized(Samples.testing());
    }
    assertThat(lines("summary.csv"))
        .containsExactly(
            "step,phase,episode,episodes,mean_return,std_return,mean_length,updates,loss,mean_q,"
                + "mean_target,largest_gradient,epsilon,learning_rate,seconds",
            "123,training,10,10,0.124,0.25,12.3,0,,,,,0.99755,2.5E-4,1.0",
            "6123,training,1230,10,0.5,0.25,4.5,45,0.0123,1.5,1.75,0.0625,0.95,2.5E-4,12.3456",
            "50040,testing,9000,10,0.975,0.1,3.5,0,,,,,0.1,2.5E-4,99.0");
    assertThat(lines("episodes.csv"))
        .containsExactly(
            "step,phase,episode,agent,return,length,interrupted",
            "100,training,9,2,-1.25,17,false",
            "123,training,10,2,-1.25,17,true");
    assertThat(warnings).isEmpty();
  }

  @Test
  void aResumedRunAppendsAndDropsTheLostFutureAndHalfLines() throws IOException {
    try (CsvObserver csv = run(0)) {
      for (int i = 1; i <= 5; i++) {
        csv.episodeEnded(Samples.episode(i, Phase.TRAINING, i * 100));
      }
      csv.summarized(Samples.early());
    }
    Path episodes = folder.resolve("run_logs/episodes.csv");
    Files.writeString(episodes, Files.readString(episodes) + "60,trai");
    try (CsvObserver csv = run(300)) {
      csv.episodeEnded(Samples.episode(4, Phase.TRAINING, 390));
    }
    assertThat(lines("episodes.csv"))
        .extracting(l -> l.substring(0, l.indexOf(',')))
        .containsExactly("step", "100", "200", "300", "390");
    assertThat(lines("summary.csv")).hasSize(2);
  }

  /** A process that is killed leaves every episode of the windows that a checkpoint knows. */
  @Test
  void episodesAreOnDiskBeforeTheirSummary() throws IOException {
    try (CsvObserver csv = run(0)) {
      csv.episodeEnded(Samples.episode(1, Phase.TRAINING, 100));
      assertThat(lines("episodes.csv")).hasSize(2);
    }
  }

  @Test
  void aFileWithOtherColumnsIsMovedAway() throws IOException {
    Path logs = Files.createDirectories(folder.resolve("run_logs"));
    Files.writeString(logs.resolve("summary.csv"), "a,b\n1,2\n");
    run(10).close();
    assertThat(Files.readString(logs.resolve("summary.csv.old"))).isEqualTo("a,b\n1,2\n");
    assertThat(lines("summary.csv")).hasSize(1);
    assertThat(warnings)
        .containsExactly(
            logs.resolve("summary.csv")
                + " has other columns than this version writes; it is now "
                + logs.resolve("summary.csv.old"));
  }

  @Test
  void aFolderThatCannotBeWrittenIsOneWarning() throws IOException {
    Files.writeString(folder.resolve("run_logs"), "a file");
    try (CsvObserver csv = run(0)) {
      csv.episodeEnded(Samples.episode(1, Phase.TRAINING, 1));
      csv.summarized(Samples.learning());
    }
    assertThat(warnings)
        .singleElement()
        .asString()
        .startsWith("CSV: files in " + folder.resolve("run_logs") + " cannot be written (")
        .endsWith("); the run goes on without them");
  }

  @Test
  void theFileThatCouldBeOpenedIsClosedThoughTheOtherCouldNot() throws IOException {
    assumeTrue(Files.isDirectory(OPEN), "open files are counted in /proc");
    Files.createDirectories(folder.resolve("run_logs/episodes.csv.tmp/full")); // in its way
    try (CsvObserver csv = run(0)) {
      assertThat(openFiles()).hasSize(1);
      csv.summarized(Samples.learning());
    }
    assertThat(warnings).hasSize(1);
    assertThat(openFiles()).isEmpty();
  }

  private List<Path> openFiles() throws IOException {
    List<Path> open = new ArrayList<>();
    try (Stream<Path> all = Files.list(OPEN)) {
      for (Path link : all.toList()) {
        try {
          open.add(Files.readSymbolicLink(link));
        } catch (NoSuchFileException e) {
          continue; // closed meanwhile
        }
      }
    }
    open.removeIf(file -> !file.startsWith(folder));
    return open;
  }
}
