package bellman.rl.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.run.RunFolder.Mode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunFolderTest {
  @TempDir Path temp;
  private Path results;

  @BeforeEach
  void results() {
    results = temp.resolve("results");
  }

  private RunFolder open(String id, Mode mode) {
    return RunFolder.open(results, id, mode);
  }

  /** A run as it lies there afterwards. */
  private void earlierRun(String id) throws IOException {
    try (RunFolder run = open(id, Mode.CREATE)) {
      Files.writeString(run.configuration(), "behaviors:");
      Files.createDirectories(run.checkpoints("GridWorld"));
      Files.writeString(run.checkpoints("GridWorld").resolve("step-000000001.safetensors"), "");
      Files.writeString(run.behavior("GridWorld").resolve("events.out.tfevents.1.host.2.0"), "");
      Files.writeString(run.model("GridWorld"), "");
      Files.writeString(run.logs().resolve("summary.csv"), "");
    }
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(RunFolderException.class).hasMessage(message);
  }

  private static List<String> tree(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths.skip(1).map(p -> folder.relativize(p).toString()).sorted().toList();
    }
  }

  @Test
  void aNewRunHasItsPlaces() {
    try (RunFolder run = open("GridWorld-1", Mode.CREATE)) {
      Path path = results.resolve("GridWorld-1");
      assertThat(run.path()).isEqualTo(path);
      assertThat(run.configuration()).isEqualTo(path.resolve("configuration.yaml"));
      assertThat(run.logs()).isEqualTo(path.resolve("run_logs")).isDirectory();
      assertThat(run.behavior("GridWorld")).isEqualTo(path.resolve("GridWorld"));
      assertThat(run.checkpoints("GridWorld")).isEqualTo(path.resolve("GridWorld/checkpoint"));
      assertThat(run.model("GridWorld")).isEqualTo(path.resolve("GridWorld.onnx"));
      assertThat(run.behavior("A/B?team=0")).isEqualTo(path.resolve("A_B_team=0"));
      assertThat(run.behavior("..")).isEqualTo(path.resolve("_.."));
    }
  }

  @Test
  void anEarlierRunNeedsAWordAboutIt() throws IOException {
    earlierRun("a");
    refused(
        () -> open("a", Mode.CREATE),
        results.resolve("a")
            + " holds an earlier run. Go on with it with --resume, replace it with --force, or"
            + " choose another --run-id.");
    open("a", Mode.RESUME).close();
    assertThat(results.resolve("a/run_logs/summary.csv")).exists();
  }

  @Test
  void resumeNeedsARun() throws IOException {
    refused(
        () -> open("c", Mode.RESUME),
        results.resolve("c")
            + " holds no run to resume. Check --run-id and --results-dir, or leave --resume out to"
            + " begin one.");
    earlierRun("a");
    earlierRun("b");
    refused(
        () -> open("c", Mode.RESUME),
        results.resolve("c")
            + " holds no run to resume; runs there: a, b. Check --run-id and --results-dir, or"
            + " leave --resume out to begin one.");
    assertThat(results.resolve("c")).doesNotExist();
  }

  /** A file that is replaced, not written over: whoever has it open still reads the old one. */
  @Test
  void settingsAreReplacedInOneStep() throws IOException {
    earlierRun("a");
    try (RunFolder run = open("a", Mode.RESUME);
        BufferedReader old = Files.newBufferedReader(run.configuration())) {
      run.configure("seed: 5");
      assertThat(old.readLine()).isEqualTo("behaviors:");
      assertThat(run.configuration()).hasContent("seed: 5");
    }
  }

  @Test
  void aStartThatFailedEarlyIsNoEarlierRun() throws IOException {
    try (RunFolder run = open("a", Mode.CREATE)) {
      Files.writeString(run.logs().resolve("Player-0.log"), "");
      Files.writeString(run.logs().resolve("Player-0.out.log"), "");
    }
    refused(
        () -> open("a", Mode.RESUME),
        results.resolve("a")
            + " holds no run to resume; runs there: a. Check --run-id and --results-dir, or leave"
            + " --resume out to begin one.");
    open("a", Mode.CREATE).close();
  }

  @Test
  void aStartThatFailedAtOnceLeavesNothing() throws IOException {
    open("a", Mode.CREATE).close();
    assertThat(results.resolve("a")).doesNotExist();
    Files.createDirectories(results.resolve("mine"));
    open("mine", Mode.CREATE).close();
    assertThat(tree(results)).as("made by somebody else").contains("mine", "mine/run_logs");
  }

  @Test
  void forceDeletesTheRunAndNothingElse() throws IOException {
    earlierRun("a");
    Path run = results.resolve("a");
    Path mine = Files.createDirectories(temp.resolve("mine"));
    Files.writeString(mine.resolve("precious"), "");
    Files.createSymbolicLink(run.resolve("run_logs/link"), mine);
    Files.createSymbolicLink(run.resolve("outside"), mine);
    Files.writeString(run.resolve("notes.txt"), "");
    Files.writeString(run.resolve("other.onnx"), "");
    Files.createDirectories(run.resolve("plots"));
    Files.writeString(run.resolve("plots/plot.pt"), "");
    Files.writeString(run.resolve("GridWorld/GridWorld-500.onnx"), "");
    Files.writeString(run.resolve("GridWorld/GridWorld-500.pt"), "");
    String draft = ".GridWorld.onnx." + UUID.randomUUID() + ".tmp"; // of a dead process
    Files.writeString(run.resolve(draft), "");
    Files.writeString(run.resolve("GridWorld").resolve(draft), "");
    Files.writeString(run.resolve("GridWorld/readme"), "");
    Files.writeString(run.resolve("run_logs/Player-0.log"), "");
    List<String> before = tree(run);
    try (RunFolder folder = open("a", Mode.FORCE)) {
      assertThat(tree(run)).isEqualTo(before); // until the new run is sure to begin
      folder.discardEarlier();
    }
    assertThat(tree(run))
        .containsExactly(
            ".lock",
            "GridWorld",
            "GridWorld/readme",
            "notes.txt",
            "other.onnx",
            "outside",
            "plots",
            "plots/plot.pt",
            "run_logs",
            "run_logs/Player-0.log");
    assertThat(mine.resolve("precious")).exists();
  }

  @Test
  void forceWithoutAnEarlierRunJustBegins() {
    try (RunFolder run = open("a", Mode.FORCE)) {
      assertThat(run.logs()).isDirectory();
    }
  }

  @Test
  void forceRefusesWhatDoesNotLookLikeARun() throws IOException {
    Path other = Files.createDirectories(results.resolve("photos"));
    Files.writeString(other.resolve("cat.png"), "");
    refused(
        () -> open("photos", Mode.FORCE),
        other
            + " does not look like a run: it has neither configuration.yaml nor run_logs nor"
            + " checkpoints. Nothing was deleted. Choose another --run-id.");
    assertThat(tree(other)).containsExactly("cat.png");
  }

  @Test
  void forceRefusesALink() throws IOException {
    earlierRun("a");
    Files.createSymbolicLink(results.resolve("b"), results.resolve("a"));
    refused(
        () -> open("b", Mode.FORCE),
        results.resolve("b")
            + " is a link; --force deletes nothing behind a link. Delete what it leads to"
            + " yourself, or choose another --run-id.");
    assertThat(results.resolve("a/configuration.yaml")).exists();
  }

  @Test
  void aFileInTheWay() throws IOException {
    Files.writeString(results, "");
    refused(
        () -> open("a", Mode.CREATE),
        results.resolve("a")
            + ": cannot write here ("
            + results
            + " is a file). Make it writable, or choose another place with --results-dir.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "a/b", "-x", ".lock", "a\\b", "a:b"})
  void aRunIdNamesAFolder(String id) {
    refused(
        () -> open(id, Mode.FORCE),
        "run id '"
            + id
            + "' cannot name a folder; use letters, digits, '_', '-' and '.', such as --run-id"
            + " GridWorld-1");
  }

  @Test
  void twoRunsCannotShareAFolder() throws IOException {
    earlierRun("a");
    try (RunFolder first = open("a", Mode.RESUME)) {
      String inUse =
          first.path()
              + " is in use by another run (process "
              + ProcessHandle.current().pid()
              + "). Wait for it, end it, or choose another --run-id.";
      refused(() -> open("a", Mode.RESUME), inUse);
      refused(() -> open("a", Mode.FORCE), inUse);
      assertThat(first.configuration()).as("nothing deleted").exists();
    }
    open("a", Mode.RESUME).close();
  }

  /** Within one process the JDK itself keeps the book; between two it is the system's lock. */
  @Test
  void norCanTwoProcesses() throws Exception {
    earlierRun("a");
    try (RunFolder first = open("a", Mode.RESUME)) {
      Process other =
          new ProcessBuilder(
                  ProcessHandle.current().info().command().orElse("java"),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Opener.class.getName(),
                  results.toString())
              .redirectErrorStream(true)
              .start();
      String said = new String(other.getInputStream().readAllBytes());
      assertThat(other.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(said.strip())
          .isEqualTo(
              first.path()
                  + " is in use by another run (process "
                  + ProcessHandle.current().pid()
                  + "). Wait for it, end it, or choose another --run-id.");
    }
  }

  /** The other process. */
  static final class Opener {
    private Opener() {}

    public static void main(String[] arguments) {
      try (RunFolder run = RunFolder.open(Path.of(arguments[0]), "a", Mode.RESUME)) {
        System.out.println("opened " + run.path());
      } catch (RunFolderException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
