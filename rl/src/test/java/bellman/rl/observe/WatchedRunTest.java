package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All observers watch one run of the loop. */
class WatchedRunTest {
  @TempDir Path results;

  @Test
  void whatARunLeaves() throws IOException {
    Samples.Screen screen = new Samples.Screen(false, true, 80);
    WatchedRun.run(results, 4000, 0, screen.terminal);

    List<String> lines = screen.written().lines().toList();
    assertThat(lines.get(0)).isEqualTo("TRAIN START");
    assertThat(lines.get(1))
        .matches("20 Episode / Step: \\d+ / Score: \\d\\.\\d\\d /Loss: - / Epsilon: 0\\.\\d{4}");
    assertThat(lines).contains("TEST START");
    assertThat(lines.get(lines.size() - 2)).startsWith("Done at step 4400: ");
    assertThat(lines.get(lines.size() - 1)).startsWith("Test: mean return ");

    Path run = results.resolve("Corridor-1");
    long windows = lines.stream().filter(l -> l.contains(" Episode / Step: ")).count();
    assertThat(Files.readAllLines(run.resolve("run_logs/summary.csv"))).hasSize((int) windows + 1);
    List<String> episodes = Files.readAllLines(run.resolve("run_logs/episodes.csv"));
    assertThat(lines.get(lines.size() - 2)).contains(" " + (episodes.size() - 1) + " episodes");
    assertThat(Files.readString(run.resolve("Corridor/checkpoint/step-000004000.safetensors")))
        .startsWith("State[step=4000, episodes=");
    assertThat(run.resolve("Corridor/checkpoint/step-000004400.safetensors")).exists();
    try (Stream<Path> files = Files.list(run.resolve("Corridor"))) {
      Path events =
          files
              .filter(f -> f.getFileName().toString().startsWith("events."))
              .findAny()
              .orElseThrow();
      assertThat(EventFile.read(events).size()).isGreaterThan((int) windows);
    }
  }
}
