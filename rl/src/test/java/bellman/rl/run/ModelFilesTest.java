package bellman.rl.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFilesTest {
  @TempDir private Path results;
  private final List<String> warnings = new ArrayList<>();

  private static void save(ModelFiles models, long step) {
    models.save(step, file -> Files.writeString(file, "model of step " + step));
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(results.resolve("a/GridWorld"))) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void theNewestStayAndTheLastIsTheRuns() throws IOException {
    try (RunFolder run = RunFolder.open(results, "a", RunFolder.Mode.CREATE)) {
      ModelFiles models = new ModelFiles(run, "GridWorld", 2, warnings::add);
      assertThat(models.newest()).isEmpty();
      for (long step : new long[] {9, 80, 700}) {
        save(models, step);
      }
      Files.writeString(run.behavior("GridWorld").resolve("Other-5.onnx"), "somebody's");
      save(models, 6000);
      assertThat(files())
          .containsExactly("GridWorld-6000.onnx", "GridWorld-700.onnx", "Other-5.onnx");
      assertThat(models.newest()).contains(run.model("GridWorld"));
      assertThat(run.model("GridWorld")).hasContent("model of step 6000");
      assertThat(warnings).isEmpty();
    }
  }

  @Test
  void modelsOfAFutureThatWasGivenUpAreSetAside() throws IOException {
    try (RunFolder run = RunFolder.open(results, "a", RunFolder.Mode.CREATE)) {
      ModelFiles models = new ModelFiles(run, "GridWorld", 2, warnings::add);
      save(models, 100);
      save(models, 300);
      save(models, 200);
      assertThat(files())
          .containsExactly(
              "GridWorld-100.onnx", "GridWorld-200.onnx", "GridWorld-300.onnx.superseded");
      assertThat(run.model("GridWorld")).hasContent("model of step 200");
    }
  }

  @Test
  void whatADeadProcessLeftGoesWithTheNextSave() throws IOException {
    try (RunFolder run = RunFolder.open(results, "a", RunFolder.Mode.CREATE)) {
      Path folder = Files.createDirectories(run.behavior("GridWorld"));
      Files.createFile(folder.resolve(".GridWorld-1.onnx." + UUID.randomUUID() + ".tmp"));
      save(new ModelFiles(run, "GridWorld", 2, warnings::add), 2);
      assertThat(files()).containsExactly("GridWorld-2.onnx");
    }
  }

  @Test
  void aFailureIsAWarning() throws IOException {
    try (RunFolder run = RunFolder.open(results, "a", RunFolder.Mode.CREATE)) {
      ModelFiles models = new ModelFiles(run, "GridWorld", 2, warnings::add);
      models.save(
          7,
          file -> {
            throw new IllegalArgumentException("onnx: layer 'square' has no form yet");
          });
      models.save(
          8,
          file -> {
            throw new IOException("No space left on device");
          });
      assertThat(models.newest()).isEmpty();
      assertThat(run.model("GridWorld")).doesNotExist();
      Path folder = run.behavior("GridWorld");
      String end = "); the run goes on, and bellman export can do it later";
      assertThat(warnings)
          .containsExactly(
              "the model "
                  + folder.resolve("GridWorld-7.onnx")
                  + " could not be exported (onnx: layer 'square' has no form yet"
                  + end,
              "the model "
                  + folder.resolve("GridWorld-8.onnx")
                  + " could not be exported (No space left on device"
                  + end);
      save(models, 9);
      assertThat(models.newest()).isPresent();
    }
  }
}
