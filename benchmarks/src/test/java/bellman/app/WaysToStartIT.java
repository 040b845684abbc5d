package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What works, as a process. */
@EnabledOnOs(OS.LINUX)
class WaysToStartIT {
  @TempDir private Path folder;

  @Test
  void versionFromAnotherFolderAndThroughLinks() throws IOException {
    // A link to a link, the second relative, to a launcher in a path with a space.
    Path home = Files.createSymbolicLink(folder.resolve("my tools"), Bellman.HOME);
    Files.createSymbolicLink(folder.resolve("first"), home.resolve("bellman"));
    Path link = Files.createSymbolicLink(folder.resolve("second"), Path.of("first"));
    Bellman version = Bellman.program(folder, List.of(link.toString(), "--version"));
    version.endedWith(0, "");
    assertThat(version.out()).matches("bellman 0\\.1\\.0\\S* ?, Java \\d+.*\\R");
  }

  @Test
  void help() {
    Bellman help = Bellman.run(folder, "--help");
    help.endedWith(0, "");
    assertThat(help.out()).contains("Usage: bellman", "train ", "evaluate ", "gridworld ");
  }

  @Test
  void withoutACommandThereIsHelpToo() {
    Bellman bare = Bellman.run(folder);
    assertThat(bare.await()).isEqualTo(2);
    assertThat(bare.err()).contains("Usage: bellman", "Try: bellman train");
  }

  @Test
  void doctor() {
    Bellman doctor = Bellman.run(folder, "doctor");
    doctor.endedWith(0, "");
    assertThat(doctor.out()).contains("ok    java ", "ok    device java ", "ok    results ");
    assertThat(folder.resolve("results")).doesNotExist();
  }

  @Test
  void aTrainingLeavesItsRunFolderWhereItWasStarted() throws IOException {
    Path run = Trained.make().resolve("results/base");
    assertThat(Trained.names(run))
        .containsExactly(".lock", "GridWorld", "GridWorld.onnx", "configuration.yaml", "run_logs");
    assertThat(Trained.names(run.resolve("run_logs"))).contains("episodes.csv", "summary.csv");
    assertThat(Trained.names(run.resolve("GridWorld")))
        .anyMatch(name -> name.startsWith("events.out.tfevents."));
    assertThat(Trained.names(run.resolve("GridWorld/checkpoint")))
        .containsExactly(Trained.REPLAY, Trained.CHECKPOINT);
  }

  @Test
  void equalSeedsGiveEqualBytes() throws IOException {
    Bellman.run(folder, Trained.arguments("again")).endedWith(0, "");
    Map<String, Object> again =
        Trained.content(Trained.checkpoints(folder, "again").resolve(Trained.CHECKPOINT));
    Map<String, Object> first =
        Trained.content(Trained.checkpoints(Trained.make(), "base").resolve(Trained.CHECKPOINT));
    assertThat(again.keySet()).contains("conv1.weight", "optimizer.exp_avg.q.bias", "updates");
    assertThat(again.keySet()).isEqualTo(first.keySet());
    again.forEach((name, value) -> assertThat(value).as(name).isEqualTo(first.get(name)));
  }

  @Test
  void aTrainedPolicyIsEvaluatedAndTrainedFurther() throws IOException {
    Trained.into(folder, "r");
    Bellman evaluate = Bellman.run(folder, "evaluate", "r", "--episodes", "2", "--threads", "1");
    assertThat(evaluate.succeeded().out()).contains("2 episodes: mean return ");
    Bellman.train(folder, "--resume", "--run-id", "r").endedWith(0, "");
    assertThat(Trained.names(Trained.checkpoints(folder, "r")))
        .containsExactly(Trained.REPLAY, Trained.CHECKPOINT, "step-000000300.safetensors");
  }

  /** Everything that a run leaves to look at, and the commands that make it again. */
  @Test
  void aRunIsDrawnFilmedAndCounted() throws IOException {
    String line =
        "train --steps 150 --buffer-init-steps 60 --steps-per-update 8 --test-steps 120"
            + " --batch-size 8 --buffer-size 200 --threads 1 --seed 1 --no-progress"
            + " --summary-episodes 1 --summary-freq 100 --run-id r";
    Bellman train = Bellman.run(folder, line.split(" "));
    assertThat(train.succeeded().out())
        .contains(
            "[INFO] GridWorld. Step: 100. Time Elapsed: ",
            "goal  episodes      mean return",
            "learning curves: results/r/run_logs/learning_curves.png",
            "film of test episodes: results/r/run_logs/episodes.gif");
    Path logs = folder.resolve("results/r/run_logs");
    assertThat(logs.resolve("learning_curves.svg")).isNotEmptyFile();
    assertThat(logs.resolve("episodes.gif")).isNotEmptyFile();

    Bellman plot = Bellman.run(folder, "plot", "r", "--output", "c.png");
    plot.endedWith(0, "");
    assertThat(folder.resolve("c.png")).isNotEmptyFile();

    String weights = "results/r/GridWorld/checkpoint/step-000000270.safetensors";
    Bellman evaluate =
        Bellman.run(folder, "evaluate", weights, "--episodes", "2", "--threads", "1", "--json");
    JsonNode results = new ObjectMapper().readTree(evaluate.succeeded().out());
    assertThat(results.path("episodes").asInt()).isEqualTo(2);
    assertThat(results.path("step").asLong()).isEqualTo(270);
    assertThat(results.path("goals")).hasSize(2);
    assertThat(results.path("settings").path("bufferSize").asText()).isEqualTo("200");
  }

  @Test
  void gridWorldPlaysAsAnExecutable() throws IOException {
    Bellman install = Bellman.run(folder, "gridworld", "--install", "players");
    install.endedWith(0, "");
    assertThat(install.out().strip()).isEqualTo("players/GridWorld.x86_64");
    Bellman.train(folder, "--env", "players/GridWorld.x86_64", "--run-id", "r").endedWith(0, "");
    assertThat(Files.readString(folder.resolve("results/r/run_logs/Player-0.log")))
        .endsWith("[INFO] The trainer is done (status 400); GridWorld ends\n");
    assertThat(Trained.names(Trained.checkpoints(folder, "r")))
        .containsExactly("step-000000300.safetensors");
  }
}
