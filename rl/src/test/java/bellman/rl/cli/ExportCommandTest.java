package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.rl.onnx.ModelCheck;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a run to its model and back, with the real services. */
class ExportCommandTest {
  @TempDir static Path results;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.add("--results-dir");
    all.add(results.toString());
    return bare(all.toArray(String[]::new));
  }

  private int bare(String... args) {
    Streams streams = new Streams(new PrintWriter(out), new PrintWriter(err));
    return new Main(streams, new Wiring(), new Interruption()).run(args);
  }

  /** Thirty steps of the tutorial's network, saved twice, without an update. */
  @BeforeAll
  static void train() {
    assertThat(
            new ExportCommandTest()
                .run(
                    ("train --run-id short --steps 30 --test-steps 30 --buffer-size 50 --batch-size 1"
                            + " --buffer-init-steps 1000 --seed 1 --device java --quiet")
                        .split(" ")))
        .isZero();
  }

  @BeforeEach
  void quiet() {
    out.getBuffer().setLength(0);
  }

  private static Path model() {
    return results.resolve("short/GridWorld.onnx");
  }

  @Test
  void aRunLeavesItsModels() throws IOException {
    try (Stream<Path> files = Files.list(results.resolve("short/GridWorld"))) {
      assertThat(files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(".onnx")))
          .containsExactlyInAnyOrder("GridWorld-30.onnx", "GridWorld-60.onnx");
    }
    assertThat(model())
        .hasSameBinaryContentAs(results.resolve("short/GridWorld/GridWorld-60.onnx"));
    assertThat(ModelCheck.of(model()).objections()).isEmpty();
  }

  @Test
  void exportWritesTheNewestCheckpointOfARun() throws IOException {
    Path file = results.resolve("again.onnx");
    assertThat(run("export", "short", "--output", file.toString())).isZero();
    assertThat(file).hasSameBinaryContentAs(model());
    assertThat(out.toString().lines())
        .containsExactly(file + ": obs_0 [3, 64, 84], obs_1 [2] as goal; actions 1 to 4 of 5");
    Path checkpoint = results.resolve("short/GridWorld/checkpoint/step-000000030.safetensors");
    assertThat(run(("export " + checkpoint + " --format onnx --output " + file).split(" ")))
        .isZero();
    assertThat(file).hasSameBinaryContentAs(results.resolve("short/GridWorld/GridWorld-30.onnx"));
    byte[] before = Files.readAllBytes(model());
    Files.delete(model());
    assertThat(run("export", "short")).isZero();
    assertThat(model()).hasBinaryContent(before);
    assertThat(run("export", "short", "--format", "torch")).isZero();
    assertThat(results.resolve("short/GridWorld.pt")).isNotEmptyFile();
  }

  @Test
  void ofARunThatDivergedTheNewestFiniteCheckpointIsExported() throws IOException {
    Path good = results.resolve("short/GridWorld/checkpoint/step-000000060.safetensors");
    Path folder = Files.createDirectories(results.resolve("diverged/GridWorld/checkpoint"));
    Files.copy(good, folder.resolve(good.getFileName()));
    SafetensorsWriter writer = new SafetensorsWriter().checked();
    try (Safetensors saved = Safetensors.open(good)) {
      saved.metadata().forEach(writer::metadata);
      for (Safetensors.Entry entry : saved.entries().values()) {
        float[] values = entry.floats();
        values[0] = entry.name().equals("q.bias") ? Float.NaN : values[0];
        writer.floats(entry.name(), entry.shape(), values);
      }
    }
    Path bad = folder.resolve("step-000000061.safetensors");
    writer.write(bad);
    Path file = results.resolve("finite.onnx");
    assertThat(run("export", "diverged", "--output", file.toString())).isZero();
    assertThat(file).hasSameBinaryContentAs(model());
    assertThat(err.toString().strip())
        .isEqualTo(
            "warning: checkpoint "
                + bad
                + " cannot be used: a weight is not finite: that training had diverged; using "
                + good.getFileName()
                + " instead");
  }

  @Test
  void checkDescribesAModel() {
    assertThat(bare("export", "--check", model().toString())).isZero();
    assertThat(out.toString().lines())
        .contains(
            "input   obs_0                          float32  [batch, 3, 64, 84]",
            "output  discrete_actions               int64    [batch, 1]",
            "ok: as Unity wants it; whether its sizes are those of a scene Unity says there");
  }

  @Test
  void checkFailsWhereUnityWould() throws IOException {
    byte[] bytes = Files.readAllBytes(model());
    byte[] renamed =
        new String(bytes, StandardCharsets.ISO_8859_1)
            .replace("obs_1", "goal1")
            .getBytes(StandardCharsets.ISO_8859_1);
    Path file = Files.write(results.resolve("renamed.onnx"), renamed);
    assertThat(bare("export", "--check", file.toString())).isEqualTo(Main.FAILED);
    assertThat(out.toString())
        .contains(
            "fail  goal1             is an input that Unity does not give.",
            "Unity would not run this model.");
    Files.write(file, Arrays.copyOf(bytes, 1000));
    assertThat(bare("export", "--check", file.toString())).isEqualTo(Main.FAILED);
    assertThat(err.toString())
        .startsWith("bellman export: " + file + ": not an ONNX model, or cut off (1,000 bytes");
    err.getBuffer().setLength(0);
    assertThat(bare("export", "--check", "nowhere.onnx")).isEqualTo(Main.FAILED);
    assertThat(err.toString().strip()).isEqualTo("bellman export: nowhere.onnx does not exist");
    err.getBuffer().setLength(0);
    assertThat(bare("export", "--check", results.toString())).isEqualTo(Main.FAILED);
    assertThat(err.toString().strip())
        .isEqualTo(
            "bellman export: --check "
                + results
                + " is a folder; name an ONNX model, a .onnx in it");
  }

  @Test
  void wrongUse() throws IOException {
    assertThat(bare("export")).isEqualTo(Main.USAGE);
    assertThat(bare("export", "short", "--check", "x.onnx")).isEqualTo(Main.USAGE);
    assertThat(run("export", "short", "--format", "pickle")).isEqualTo(Main.USAGE);
    assertThat(run("export", "shirt")).isEqualTo(Main.FAILED);
    assertThat(run("export", "short", "--output", results.toString())).isEqualTo(Main.FAILED);
    Path foreign = Files.writeString(results.resolve("foreign.safetensors"), "{}");
    assertThat(run("export", foreign.toString())).isEqualTo(Main.USAGE);
    String file = results.resolve("x").toString();
    assertThat(run("export", foreign.toString(), "--output", file)).isEqualTo(Main.FAILED);
    assertThat(err.toString().lines().filter(line -> !line.startsWith("run 'bellman")))
        .containsExactly(
            "bellman export: name a run to export, or a file by --check",
            "bellman export: --check looks at a file and exports nothing: leave out short",
            "bellman export: --format is 'pickle'; allowed: onnx, safetensors, torch",
            "bellman export: there is no run 'shirt' in " + results + "; did you mean short?",
            "bellman export: --output: " + results + " is a folder; name a file",
            "bellman export: " + foreign + " is no run: name the file to write by --output",
            "bellman export: "
                + foreign
                + " cannot be used: not a safetensors file: 2 bytes, the header's length alone takes 8."
                + " Name a run, or another file of weights.");
  }

  // ── and back ──────────────────────────────────────────────────────────────────────────────────

  /** What a command says on standard output, where the terminal writes. */
  private String said(String... args) {
    PrintStream before = System.out;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      assertThat(run(args)).isZero();
    } finally {
      System.setOut(before);
    }
    return said.toString(StandardCharsets.UTF_8);
  }

  private String evaluated(Path weights) {
    String options = "--episodes 2 --seed 3 --device java --quiet";
    return said(("evaluate " + weights + " " + options).split(" "));
  }

  @Test
  void aModelIsEvaluatedAsItsCheckpointIs() {
    String ofRun = evaluated(results.resolve("short"));
    assertThat(ofRun).startsWith("2 episodes: mean return ");
    assertThat(evaluated(model())).isEqualTo(ofRun);
  }

  @Test
  void aModelOfAnotherPlayerIsNotEvaluated() {
    assertThat(
            run(
                "evaluate",
                model().toString(),
                "--quiet",
                "--device",
                "java",
                "--first-action",
                "0"))
        .isEqualTo(Main.FAILED);
    assertThat(err.toString().strip())
        .isEqualTo(
            "bellman evaluate: "
                + model()
                + " is for another player: it has obs_0 [3, 64, 84], obs_1 [2] as goal; actions 1 to 4"
                + " of 5; GridWorld here has obs_0 [3, 64, 84], obs_1 [2] as goal; actions 0 to 4 of"
                + " 5. Name the build it is for by --env.");
  }

  @Test
  void aRunMayBeginWithAModelsWeights() {
    String line =
        "train --run-id second --initialize-from %s --steps 1 --test-steps 0 --buffer-size 50"
            + " --batch-size 1 --device java --no-progress";
    assertThat(said(line.formatted(model()).split(" "))).contains("weights: " + model());
  }
}
