package bellman.rl.cli;

import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.onnx.ModelCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman export}: writes a trained network for Unity and other programs. */
@Command(
    name = "export",
    header = "Write a trained network for Unity or PyTorch, or check a model as Unity does.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = {"bellman export RUN [OPTIONS]", "       bellman export --check FILE"},
    description = {
      "",
      "RUN is the name of a run below --results-dir, a run's folder, a checkpoint or a file of"
          + " weights; of a run the newest checkpoint is taken. Training writes <Behavior>.onnx into"
          + " the run's folder by itself; this does it again, elsewhere, or in another format."
    },
    footer = {"", "Exit code 1 if --check finds what Unity rejects."})
final class ExportCommand extends RunCommand {
  @Parameters(paramLabel = "RUN", hidden = true, arity = "0..1")
  private String run;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "onnx",
      description =
          "onnx: the whole policy, for Unity; safetensors: the weights alone, for"
              + " safetensors.torch.load_file; torch: \"network\" and \"optimizer\", for torch.load"
              + " and load_state_dict [default onnx]")
  private String format;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description =
          "FILE to write; replaced if it is there [default for a run: <Behavior> with the format's"
              + " ending, in its folder]")
  private Path output;

  @Option(
      names = "--check",
      paramLabel = "FILE",
      description = "FILE, an ONNX model: say what Unity would reject of it, and write nothing")
  private Path check;

  ExportCommand(Streams streams, Services services, Interruption interruption) {
    super(streams, services, interruption);
  }

  CommandLine commandLine() {
    return commandLine(row -> row.name().equals("resultsDir"));
  }

  @Override
  public Integer call() throws IOException {
    if ((run == null) == (check == null)) {
      throw new ConfigException(
          run == null
              ? "name a run to export, or a file by --check"
              : "--check looks at a file and exports nothing: leave out " + run);
    }
    return check == null ? export() : check();
  }

  // ── export ────────────────────────────────────────────────────────────────────────────────────

  private int export() throws IOException {
    Format to = Format.of(format);
    Path results = withFlags(new Layers()).resolve().config().folder().resultsDir();
    Path found = SavedWeights.run(results, run);
    Layers layers = new Layers();
    SavedWeights.configuration(found).ifPresent(layers::yaml);
    Path weights = SavedWeights.in(found);
    Path file = output == null ? beside(found, weights, to) : output;
    checkCanBe(file);
    Format.Content content =
        to.read(
            new Format.Saved(
                weights,
                withFlags(layers).resolve().config(),
                warning -> streams.err().println("warning: " + warning)));
    try {
      content.writer().write(file);
    } catch (IOException e) {
      throw new Failure(file + " cannot be written: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new Failure("this network cannot be exported: " + e.getMessage(), e);
    }
    streams.out().println(file + ": " + content.described());
    return Main.DONE;
  }

  /** A run's checkpoints lie in a folder that is named by its behavior. */
  private static Path beside(Path found, Path weights, Format to) {
    if (!Files.isDirectory(weights) || weights.equals(found)) {
      throw new ConfigException(found + " is no run: name the file to write by --output");
    }
    return found.resolve(weights.getParent().getFileName() + to.ending());
  }

  private static void checkCanBe(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file) || !Files.isDirectory(folder)) {
      throw new Failure(
          Files.isDirectory(file)
              ? "--output: " + file + " is a folder; name a file"
              : "--output: there is no folder " + folder + "; make it, or name another");
    }
  }

  // ── check ─────────────────────────────────────────────────────────────────────────────────────

  private int check() {
    if (Files.isDirectory(check)) {
      throw new Failure("--check " + check + " is a folder; name an ONNX model, a .onnx in it");
    }
    ModelCheck model;
    try {
      model = ModelCheck.of(check);
    } catch (NoSuchFileException e) {
      throw new Failure(check + " does not exist", e);
    } catch (IOException e) {
      throw new Failure(e.getMessage(), e);
    }
    model.description().forEach(streams.out()::println);
    List<ModelCheck.Objection> objections = model.objections();
    for (ModelCheck.Objection o : objections) {
      Finding finding =
          o.rejected() ? Finding.fail(o.subject(), o.text()) : Finding.warn(o.subject(), o.text());
      streams.out().println(finding);
    }
    streams
        .out()
        .println(
            model.rejected()
                ? "Unity would not run this model."
                : objections.isEmpty()
                    ? "ok: as Unity wants it; whether its sizes are those of a scene Unity says there"
                    : "Unity runs this model, but read the warnings.");
    return model.rejected() ? Main.FAILED : Main.DONE;
  }
}
