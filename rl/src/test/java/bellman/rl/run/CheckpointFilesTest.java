package bellman.rl.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFilesTest {
  @TempDir Path temp;
  private Path folder;
  private final List<String> warnings = new ArrayList<>();

  @BeforeEach
  void folder() {
    folder = temp.resolve("GridWorld/checkpoint");
  }

  private CheckpointFiles files(int keep) {
    return new CheckpointFiles(folder, keep, warnings::add);
  }

  /** Content is {@code whole:step}; everything else is damaged. */
  private static CheckpointFiles.Writer content(long step) {
    return file -> Files.writeString(file, "whole:" + step);
  }

  private static long read(Path file) throws IOException {
    String text = Files.readString(file);
    if (!text.startsWith("whole:")) {
      throw new IOException(
          text.isEmpty() ? "the file is empty" : "not a checkpoint, it begins with '" + text + "'");
    }
    return Long.parseLong(text.substring(6));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void theNewestIsFoundAndTheNumberKept() throws IOException {
    CheckpointFiles files = files(2);
    assertThat(files.newest(CheckpointFilesTest::read)).isEmpty();
    for (long step : new long[] {5, 100, 1_234_567_890_123L}) {
      Path file = files.save(step, content(step));
      assertThat(read(file)).isEqualTo(step);
      assertThat(CheckpointFiles.step(file)).isEqualTo(step);
    }
    assertThat(names())
        .containsExactly("step-000000100.safetensors", "step-1234567890123.safetensors");
    assertThat(files.newest(CheckpointFilesTest::read)).contains(1_234_567_890_123L);
    assertThat(warnings).isEmpty();
  }

  @Test
  void oldOnesGoOnlyWhenTheNewOneIsThere() {
    CheckpointFiles files = files(1);
    files.save(1, content(1));
    files.save(
        2,
        file -> {
          assertThat(names()).as("while writing").containsExactly("step-000000001.safetensors");
          content(2).write(file);
        });
    assertThat(files.list()).extracting(CheckpointFiles::step).containsExactly(2L);
  }

  @Test
  void damagedFilesAreReportedAndPassedOver() throws IOException {
    CheckpointFiles files = files(5);
    files.save(1, content(1));
    files.save(2, content(2));
    files.save(3, content(3));
    Path second = folder.resolve("step-000000002.safetensors");
    Path third = folder.resolve("step-000000003.safetensors");
    Files.writeString(second, "PK");
    Files.writeString(third, "");
    Files.writeString(folder.resolve("step-000000004.safetensors.tmp"), "unfinished");
    Files.writeString(folder.resolve("notes.txt"), "");
    assertThat(files.newest(CheckpointFilesTest::read)).contains(1L);
    assertThat(warnings)
        .containsExactly(
            "checkpoint "
                + third
                + " cannot be used: the file is empty; using step-000000001.safetensors instead",
            "checkpoint "
                + second
                + " cannot be used: not a checkpoint, it begins with 'PK'; using"
                + " step-000000001.safetensors instead");
  }

  @Test
  void ifNoneCanBeReadItIsAnError() throws IOException {
    CheckpointFiles files = files(5);
    Path file = files.save(1, content(1));
    Files.writeString(file, "");
    assertThatThrownBy(() -> files.newest(CheckpointFilesTest::read))
        .isInstanceOf(RunFolderException.class)
        .hasMessage(
            "no checkpoint in "
                + folder
                + " can be used:\n  "
                + file
                + " cannot be used: the file is empty\n"
                + "Begin anew with --force, or from another run with --initialize-from.");
  }

  /** Step 3 was damaged, so the run went on from 1; with one to keep, 2 must not go for 3. */
  @Test
  void afterGoingBackTheNewSaveIsTheNewest() throws IOException {
    CheckpointFiles files = files(1);
    files.save(3, content(3));
    files.save(2, content(2));
    assertThat(files.newest(CheckpointFilesTest::read)).contains(2L);
    assertThat(names())
        .containsExactly("step-000000002.safetensors", "step-000000003.safetensors.superseded");
  }

  /** A replay stays as long as its checkpoint, and until there is a newer one. */
  @Test
  void replaysComeAndGo() throws IOException {
    CheckpointFiles files = files(2);
    Path first = files.save(1, content(1));
    assertThat(files.saveReplay(first, content(1))).isEqualTo(CheckpointFiles.replay(first));
    assertThat(names()).containsExactly("step-000000001.replay.gz", "step-000000001.safetensors");
    files.save(1, content(1));
    assertThat(names()).as("of an earlier save").containsExactly("step-000000001.safetensors");
    files.saveReplay(first, content(1));
    Path third = files.save(3, content(3));
    assertThat(names()).contains("step-000000001.replay.gz");
    files.saveReplay(third, content(3));
    assertThat(names())
        .containsExactly(
            "step-000000001.safetensors", "step-000000003.replay.gz", "step-000000003.safetensors");
    files.save(2, content(2)); // the future of step 3 was given up
    assertThat(names())
        .containsExactly(
            "step-000000001.safetensors",
            "step-000000002.safetensors",
            "step-000000003.safetensors.superseded");
    files.saveReplay(folder.resolve("step-000000002.safetensors"), content(2));
    files.save(4, content(4));
    files.save(5, content(5));
    assertThat(names()).filteredOn(name -> name.endsWith(".gz")).isEmpty();
    assertThat(files.list()).extracting(CheckpointFiles::step).containsExactly(5L, 4L);
  }

  @Test
  void aReplayThatCannotBeWrittenCostsNoCheckpoint() throws IOException {
    CheckpointFiles files = files(1);
    Path checkpoint = files.save(1, content(1));
    assertThatThrownBy(
            () ->
                files.saveReplay(
                    checkpoint,
                    file -> {
                      Files.writeString(file, "who");
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(RunFolderException.class)
        .message()
        .matches(
            "replay \\Q"
                + folder.resolve("step-000000001.replay.gz")
                + "\\E could not be written \\(No space left on device\\); [\\d,]+ bytes are free"
                + " there\\. step-000000001\\.safetensors is whole: to resume from it fills the"
                + " replay anew\\. Free some space, or leave the replay out with"
                + " --no-save-replay\\.");
    assertThat(names()).containsExactly("step-000000001.safetensors");
  }

  @Test
  void aFullDiskLeavesThePreviousOneAndNoTrace() throws IOException {
    CheckpointFiles files = files(1);
    files.save(1, content(1));
    assertThatThrownBy(
            () ->
                files.save(
                    2,
                    file -> {
                      Files.writeString(file, "who");
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(RunFolderException.class)
        .message()
        .matches(
            "checkpoint \\Q"
                + folder.resolve("step-000000002.safetensors")
                + "\\E could not be written \\(No space left on device\\); [\\d,]+ bytes are free"
                + " there\\. The one before, step-000000001\\.safetensors, is untouched\\. Free"
                + " some space, or choose another place with --results-dir\\.");
    assertThat(names()).containsExactly("step-000000001.safetensors");
    assertThat(files.newest(CheckpointFilesTest::read)).contains(1L);
  }

  /** The system's own error, from a device that is always full. */
  @Test
  void aTrulyFullDevice() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.isWritable(full), "no /dev/full here");
    assertThatThrownBy(
            () ->
                files(1)
                    .save(
                        7,
                        file -> {
                          Files.createSymbolicLink(file, full);
                          try (OutputStream out = Files.newOutputStream(file)) {
                            out.write(new byte[4096]);
                          }
                        }))
        .hasMessageContaining("(No space left on device); ")
        .hasMessageContaining("There is no earlier one.");
    assertThat(names()).isEmpty();
  }

  @Test
  void anyFailureOfTheWriterCleansUp() throws IOException {
    CheckpointFiles files = files(1);
    files.save(1, content(1));
    assertThatThrownBy(
            () ->
                files.save(
                    2,
                    file -> {
                      Files.writeString(file, "who");
                      throw new IllegalStateException("device lost");
                    }))
        .hasMessage("device lost");
    assertThatThrownBy(() -> files.save(2, file -> {}))
        .as("a writer that writes nothing")
        .isInstanceOf(RunFolderException.class);
    assertThat(names()).containsExactly("step-000000001.safetensors");
  }

  @Test
  void whatADeadProcessLeftGoesWithTheNextSave() throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("step-000000001.safetensors.tmp"), "who");
    String draft = ".step-000000001.safetensors.tmp." + UUID.randomUUID() + ".tmp"; // AtomicFile's
    Files.writeString(folder.resolve(draft), "who");
    files(1).save(2, content(2));
    assertThat(names()).containsExactly("step-000000002.safetensors");
  }

  @Test
  void atLeastOneIsKept() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> files(0))
        .withMessage("checkpoints to keep: 1 or more, got 0");
  }
}
