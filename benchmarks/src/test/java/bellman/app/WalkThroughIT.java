package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What people do before and after a training, one command behind the other, with toy numbers. */
@EnabledOnOs(OS.LINUX)
class WalkThroughIT {
  @TempDir private Path folder;

  private String out(String line) {
    return Bellman.run(folder, line.split(" ")).succeeded().out();
  }

  private JsonNode evaluated(String what) throws IOException {
    String line = "evaluate " + what + " --episodes 3 --threads 1 --seed 5 --json";
    return new ObjectMapper().readTree(out(line));
  }

  @Test
  void fromTrainedToUsed() throws IOException {
    // Stopped, and gone on with to its end.
    Trained.into(folder, "base");
    Bellman.train(folder, "--resume", "--run-id", "base", "--no-pictures").succeeded();
    Path run = folder.resolve("results/base");

    // For Unity: the model is there, passes Unity's rules and plays as the run does.
    Path model = run.resolve("GridWorld.onnx");
    assertThat(out("export --check " + model)).contains("obs_0", "discrete_actions");
    assertThat(out("export base --output again.onnx")).contains("again.onnx");
    assertThat(folder.resolve("again.onnx")).hasSameBinaryContentAs(model);
    double mean = evaluated("base").path("mean_return").asDouble();
    assertThat(evaluated(model.toString()).path("mean_return").asDouble()).isEqualTo(mean);

    // To PyTorch and back: the same policy, and a run that trains on.
    assertThat(out("export base --format torch --output base.pt")).contains("base.pt");
    assertThat(out("export base --format safetensors --output base.safetensors"))
        .contains("base.safetensors");
    assertThat(out("import base.pt --run-id imported --threads 1")).contains("results/imported");
    assertThat(evaluated("imported").path("mean_return").asDouble()).isEqualTo(mean);
    assertThat(evaluated("base.safetensors").path("mean_return").asDouble()).isEqualTo(mean);

    // Its settings train another seed; both are drawn on one page.
    Bellman.train(
            folder,
            run.resolve("configuration.yaml").toString(),
            "--run-id",
            "other",
            "--seed",
            "9",
            "--no-pictures")
        .succeeded();
    out("plot base other --output both.png --output both.svg");
    assertThat(folder.resolve("both.png")).isNotEmptyFile();
    assertThat(folder.resolve("both.svg")).isNotEmptyFile();

    // The policy plays without learning, and leaves the run as it was.
    String[] before = Trained.names(Trained.checkpoints(folder, "base")).toArray(String[]::new);
    Bellman.train(folder, "--inference", "--run-id", "base", "--stop-after", "20").succeeded();
    assertThat(Trained.names(Trained.checkpoints(folder, "base"))).containsExactly(before);
  }

  @Test
  void whatCannotBeUsedSaysWhy() throws IOException {
    Trained.into(folder, "base");
    Path model = folder.resolve("results/base/GridWorld.onnx");
    byte[] whole = Files.readAllBytes(model);
    Files.write(folder.resolve("torn.onnx"), Arrays.copyOf(whole, whole.length / 2));
    Files.writeString(folder.resolve("notes.txt"), "no model");
    refused("export --check torn.onnx", "torn.onnx");
    refused("export --check notes.txt", "notes.txt");
    refused("evaluate torn.onnx", "torn.onnx");
    refused("import notes.txt --run-id x", "notes.txt");
    refused("export base --format pickle --output x", "pickle", "onnx", "safetensors", "torch");
    refused("export bas", "bas", "base");
    refused("plot bas", "bas", "base");
    refused("train --resume --run-id nothing", "nothing");
    assertThat(Files.readAllBytes(model)).isEqualTo(whole);
  }

  private void refused(String line, String... words) {
    Bellman command = Bellman.run(folder, line.split(" "));
    assertThat(command.await()).as(line).isIn(1, 2);
    assertThat(command.err()).as(line).contains(words).doesNotContain("\tat ");
  }
}
