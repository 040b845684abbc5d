package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Mistakes in what is asked for. */
@EnabledOnOs(OS.LINUX)
class UsageIT {
  @TempDir private Path folder;

  @Test
  void anUnknownFlag() throws IOException {
    Bellman.train(folder, "--stpes", "3")
        .endedWith(
            2,
            """
            bellman train: unknown option '--stpes'; did you mean --steps?
            run 'bellman train --help' for what there is""");
    assertThat(folder.resolve("results")).doesNotExist();
  }

  @Test
  void anUnknownKeyInAFile() throws IOException {
    Files.writeString(
        folder.resolve("my.yaml"),
        """
        behaviors:
          GridWorld:
            hyperparameters:
              btach_size: 3
        """);
    Bellman.run(folder, "train", "my.yaml")
        .endedWith(
            2,
            "bellman train: my.yaml:4: behaviors.GridWorld.hyperparameters.btach_size: unknown key;"
                + " did you mean batch_size?");
    assertThat(folder.resolve("results")).doesNotExist();
  }

  @Test
  void aValueOutOfRange() {
    Bellman.train(folder, "--gamma", "1.5")
        .endedWith(2, "bellman train: gamma (--gamma) is 1.5; allowed: 0 to 1");
    Bellman.train(folder, "--gamma", "much")
        .endedWith(2, "bellman train: gamma (--gamma): 'much' is not a number; allowed: 0 to 1");
    assertThat(folder.resolve("results")).doesNotExist();
  }

  @Test
  void aDeviceThatDoesNotOpen() {
    Bellman cuda = Bellman.train(folder, "--device", "cuda:77", "--run-id", "r");
    assertThat(cuda.await()).isEqualTo(1);
    assertThat(cuda.err().lines().toList()).hasSize(1);
    assertThat(cuda.err()).startsWith("bellman train: device cuda:77: not opened: ");
    assertThat(folder.resolve("results")).doesNotExist();
  }

  @Test
  void aFolderOfLibrariesThatIsNone() {
    Bellman.train(folder, "--cuda-lib", "nowhere", "--run-id", "r")
        .endedWith(1, "bellman train: --cuda-lib: nowhere is not a folder");
    assertThat(folder.resolve("results")).doesNotExist();
    Bellman doctor = Bellman.run(folder, "doctor", "--cuda-lib", "nowhere");
    assertThat(doctor.succeeded().out())
        .contains(
            "warn  CUDA              nowhere, named as the folder of NVIDIA's libraries, is not a"
                + " folder");
  }

  @Test
  void aReplayThatNoMachineHolds() {
    Bellman train = Bellman.train(folder, "--buffer-size", "100000000", "--run-id", "r");
    assertThat(train.await()).isEqualTo(1);
    assertThat(train.err())
        .matches(
            "bellman train: no agent fits GridWorld \\(observation \\[64, 84, 3\\] bytes, 4 actions\\):"
                + " replay: 100,000,000 transitions with 150,000,256 frames of \\[64, 84, 3\\] bytes"
                + " need 2422\\.40 GB and .* has [0-9.]+ GB free; lower --buffer-size\\R");
  }

  @Test
  void aReplayThatTheHeapDoesNotHold() {
    Bellman train =
        Bellman.train(folder, "--buffer-size", "60000", "--device", "java", "--run-id", "r");
    assertThat(train.await()).isEqualTo(1);
    assertThat(train.err())
        .matches(
            "bellman train: no agent fits GridWorld .* need 1\\.46 GB and Java \\d+, threads: 1 has"
                + " 0\\.7\\d GB free; lower --buffer-size\\R");
    assertThat(folder.resolve("results/r")).doesNotExist();
  }

  @Test
  void aReplayBeyondTheLimitOfTheDevice() {
    Bellman train =
        Bellman.train(folder, "--buffer-size", "2000", "--device-memory", "50MB", "--run-id", "r");
    assertThat(train.await()).isEqualTo(1);
    assertThat(train.err()).contains(" need 0.05 GB and ", " has 0.05 GB free; lower ");
  }

  @Test
  void anUpdateBeyondTheLimitOfTheDevice() {
    Bellman train =
        Bellman.train(folder, "--batch-size", "200", "--device-memory", "60MB", "--run-id", "r");
    assertThat(train.await()).isEqualTo(1);
    assertThat(train.err())
        .contains(
            "bellman train: out of memory: ",
            " MB of the 60.0 MB that it may: ",
            "scope 'update' ",
            "frames 9.0 MB",
            "Lower --buffer-size or --batch-size, or raise --device-memory",
            "was saved; go on with it by --resume --run-id r");
  }

  @Test
  void aRunThatIsThereAlready() throws IOException {
    Trained.into(folder, "r");
    Bellman.train(folder, "--run-id", "r")
        .endedWith(
            1,
            "bellman train: results/r holds an earlier run. Go on with it with --resume, replace it"
                + " with --force, or choose another --run-id.");
  }

  @Test
  void aRunThatIsNotThere() throws IOException {
    Trained.into(folder, "r");
    Bellman.train(folder, "--resume", "--run-id", "s")
        .endedWith(
            1,
            "bellman train: results/s holds no run to resume; runs there: r. Check --run-id and"
                + " --results-dir, or leave --resume out to begin one.");
    Bellman.run(folder, "evaluate", "s")
        .endedWith(1, "bellman evaluate: there is no run 's' in results; did you mean r?");
    assertThat(folder.resolve("results/s")).doesNotExist();
  }

  @Test
  void aMistakeCostsNoEarlierRunAndLeavesNone() throws IOException {
    Path checkpoints = Trained.into(folder, "r");
    Path before = folder.resolve("results/r/configuration.yaml");
    String configuration = Files.readString(before);
    assertThat(Bellman.train(folder, "--force", "--run-id", "r", "--env", "nowhere").await())
        .isEqualTo(1);
    assertThat(checkpoints.resolve(Trained.CHECKPOINT)).exists();
    assertThat(before).hasContent(configuration);
    // The same name serves once the mistake is mended.
    assertThat(Bellman.train(folder, "--run-id", "s", "--behavior", "Ball").await()).isEqualTo(1);
    Bellman.train(folder, "--run-id", "s").endedWith(0, "");
    // And what was meant by --force happens.
    Bellman.train(folder, "--force", "--run-id", "r", "--initialize-from", "r").endedWith(0, "");
    assertThat(Trained.names(checkpoints)).containsExactly("step-000000300.safetensors");
  }

  @Test
  void aBehaviorThatThePlayerDoesNotHave() {
    Bellman.train(folder, "--behavior", "Ball")
        .endedWith(1, "bellman train: the player has no behavior 'Ball', only [GridWorld?team=0]");
  }

  @Test
  void resultsThatAreAFile() throws IOException {
    Files.writeString(folder.resolve("results"), "mine");
    Bellman.train(folder, "--run-id", "r")
        .endedWith(
            1,
            "bellman train: results/r: cannot write here (results is a file). Make it writable, or"
                + " choose another place with --results-dir.");
    Bellman.train(folder, "--resume", "--run-id", "r")
        .endedWith(
            1, "bellman train: results is a file; name the folder of the runs with --results-dir.");
    Bellman.run(folder, "evaluate", "r")
        .endedWith(
            1,
            "bellman evaluate: there is no run 'r': results is a file; name the folder of the runs"
                + " with --results-dir");
    assertThat(folder.resolve("results")).hasContent("mine");
  }

  @Test
  void twoRunsInOneFolder() throws IOException {
    String player = FaultyPlayer.install(folder, FaultyPlayer.Mode.WAITS);
    try (Bellman first =
        Bellman.startTraining(folder, "--env", player, "--run-id", "r", "--quiet")) {
      Path log = folder.resolve("results/r/run_logs/Player-0.out.log");
      Bellman.awaitWords(log, "at the gate");
      String refusal =
          "bellman train: results/r is in use by another run (process "
              + first.pid()
              + "). Wait for it, end it, or choose another --run-id.";
      Bellman.train(folder, "--run-id", "r").endedWith(1, refusal);
      Bellman.train(folder, "--run-id", "r", "--resume").endedWith(1, refusal);
      Bellman.train(folder, "--run-id", "r", "--force").endedWith(1, refusal);
      Files.createFile(folder.resolve("gate"));
      first.endedWith(0, "");
    }
    assertThat(Trained.names(folder.resolve("results/r/Ball/checkpoint")))
        .containsExactly("step-000000300.safetensors");
  }
}
