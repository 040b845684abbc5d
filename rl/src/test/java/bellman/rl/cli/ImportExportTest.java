package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Shape;
import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.nn.Weights;
import bellman.rl.dqn.NetworkSettings;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Frame;
import bellman.rl.env.Spec;
import bellman.rl.torch.TorchCheckpoint;
import bellman.rl.torch.TorchGolden;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From PyTorch to a run and back, with the commands. */
class ImportExportTest {
  private static final Spec GRID_WORLD = new Spec("GridWorld", Frame.picture(64, 84, 3), 2, 4);
  private static final int UPDATES = 7;
  private static final String TINY =
      " --buffer-init-steps 10 --buffer-size 32 --batch-size 4 --target-update-interval 4";

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /** Runs a line with the real services; {@code @} is the test's folder. */
  private int run(String line) {
    Streams streams = new Streams(new PrintWriter(out), new PrintWriter(err));
    return new Main(streams, new Wiring(), new Interruption())
        .run(line.replace("@", folder.toString()).split(" "));
  }

  private void succeeds(String line) {
    assertThat(run(line)).as("%s: %s", line, err).isZero();
    assertThat(err.toString()).isEmpty();
  }

  private void fails(int code, String line, String message) {
    assertThat(run(line)).as(err.toString()).isEqualTo(code);
    assertThat(err.toString().lines().findFirst().orElse(""))
        .isEqualTo(message.replace("@", folder.toString()));
    err.getBuffer().setLength(0);
  }

  private Path at(String name) {
    return folder.resolve(name);
  }

  private static Map<String, Values> network(Spec spec) {
    try (Device device = Devices.open("java", DeviceOptions.defaults())) {
      Weights weights = new Weights(device, 3);
      QNetwork.of(weights, spec, NetworkSettings.DEFAULT, 1);
      weights.parameters().values();
      return weights.save();
    }
  }

  /** The network with an Adam whose averages are the weights themselves, scaled. */
  private static TorchCheckpoint trained(Spec spec, double learningRate) {
    Map<String, Values> network = network(spec);
    Map<String, Values> m = new LinkedHashMap<>();
    Map<String, Values> v = new LinkedHashMap<>();
    network.forEach(
        (name, w) -> {
          float[] mean = w.floats().clone();
          float[] square = w.floats().clone();
          for (int i = 0; i < mean.length; i++) {
            mean[i] *= 0.01f;
            square[i] *= square[i];
          }
          m.put(name, new Values(w.shape(), mean));
          v.put(name, new Values(w.shape(), square));
        });
    return new TorchCheckpoint(
        network,
        Optional.of(
            new TorchCheckpoint.Optimizer(
                new Adam.State(UPDATES, m, v),
                Adam.Settings.defaults().withLearningRate(learningRate))));
  }

  private static void assertSame(Map<String, Values> a, Map<String, Values> b) {
    assertThat(a.keySet()).containsExactlyInAnyOrderElementsOf(b.keySet());
    a.forEach(
        (name, v) -> {
          assertThat(v.shape()).as(name).isEqualTo(b.get(name).shape());
          assertThat(v.floats()).as(name).isEqualTo(b.get(name).floats());
        });
  }

  @Test
  void aTrainingOfPyTorchGoesOnHereAndBackThere() throws IOException {
    TorchCheckpoint saved = trained(GRID_WORLD, 3e-4);
    saved.write(at("ckpt"));
    succeeds("import @/ckpt --run-id r --results-dir @ --device java --threads 1" + TINY);
    assertThat(out.toString().lines())
        .contains(
            at("ckpt") + ": 10 tensors, 1,002,148 weights, Adam after 7 updates",
            "for: GridWorld, a picture of 64 × 84 with 3 channels for each of 2 goals, 4 actions",
            "run: " + at("r") + ", at step 17");
    String yaml = Files.readString(at("r/configuration.yaml"));
    assertThat(yaml).contains("learning_rate: 3.0E-4", "learning_rate_warmup: 0", "run_id: r");
    assertThat(at("r/GridWorld/checkpoint/step-000000017.safetensors")).exists();

    // What was imported is exported as it was.
    succeeds("export r --results-dir @ --format torch --output @/back.pt");
    assertThat(out.toString())
        .contains(at("back.pt") + ": 10 tensors, 1,002,148 weights, Adam after 7 updates");
    TorchCheckpoint back = TorchCheckpoint.read(at("back.pt"));
    assertThat(back.network().keySet()) // by which PyTorch numbers Adam's averages
        .containsExactlyElementsOf(saved.network().keySet());
    assertSame(back.network(), saved.network());
    TorchCheckpoint.Optimizer adam = back.optimizer().orElseThrow();
    assertThat(adam.settings()).isEqualTo(saved.optimizer().orElseThrow().settings());
    assertThat(adam.state().t()).isEqualTo(UPDATES);
    assertSame(adam.state().m(), saved.optimizer().orElseThrow().state().m());
    assertSame(adam.state().v(), saved.optimizer().orElseThrow().state().v());

    succeeds("export r --results-dir @");
    assertThat(out.toString())
        .contains(
            at("r/GridWorld.onnx") + ": obs_0 [3, 64, 84], obs_1 [2] as goal; actions 1 to 4 of 5");

    succeeds("export r --results-dir @ --format safetensors --output @/w.safetensors");
    try (Safetensors file = Safetensors.open(at("w.safetensors"))) {
      assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
      assertSame(Values.read(file, ""), saved.network());
    }

    succeeds("train --resume --run-id r --results-dir @ --stop-after 34 --quiet");
    succeeds("export r --results-dir @ --format torch --output @/on.pt");
    TorchCheckpoint on = TorchCheckpoint.read(at("on.pt"));
    // Ten steps fill the replay anew, then each step is an update.
    assertThat(on.optimizer().orElseThrow().state().t()).isBetween(UPDATES + 5, UPDATES + 8);
    assertThat(on.network().get("q.bias").floats())
        .isNotEqualTo(saved.network().get("q.bias").floats());

    succeeds("evaluate r --results-dir @ --episodes 1 --quiet --threads 1 --device java");
    succeeds("evaluate @/ckpt --results-dir @ --episodes 1 --quiet --threads 1 --device java");
  }

  @Test
  void weightsAlone() throws IOException {
    new TorchCheckpoint(network(GRID_WORLD), Optional.empty()).write(at("w.pt"));
    succeeds("import @/w.pt --run-id r --results-dir @");
    assertThat(out.toString()).contains("1,002,148 weights, no optimizer", "at step 0");
    assertThat(Files.readString(at("r/configuration.yaml"))).contains("learning_rate_warmup: 1000");

    trained(GRID_WORLD, 3e-4).write(at("ckpt"));
    succeeds(
        "import @/ckpt --run-id s --results-dir @ --weights-only --quiet --learning-rate 1e-3");
    assertThat(Files.readString(at("s/configuration.yaml"))).contains("learning_rate: 0.001");
    succeeds("export s --results-dir @ --format torch --output @/s.pt");
    assertThat(TorchCheckpoint.read(at("s.pt")).optimizer().orElseThrow().state().t()).isZero();

    // A file of weights holds no optimizer, and says so.
    succeeds("export s --results-dir @ --format safetensors --output @/s.safetensors");
    succeeds("export @/s.safetensors --format torch --output @/t.pt");
    assertThat(out.toString()).contains("t.pt: 10 tensors, 1,002,148 weights, no optimizer");
    assertThat(TorchCheckpoint.read(at("t.pt")).optimizer()).isEmpty();

    String begin = "train --results-dir @ --run-id u --stop-after 3 --quiet --device java";
    succeeds(begin + " --threads 1 --initialize-from @/w.pt" + TINY);
    succeeds("export u --results-dir @ --format safetensors --output @/u.safetensors");
    try (Safetensors file = Safetensors.open(at("u.safetensors"))) {
      assertSame(Values.read(file, ""), network(GRID_WORLD));
    }
  }

  @Test
  void networksForOtherWorlds() throws IOException {
    String golden = TorchGolden.file("seed_ckpt_small.pt").toString();
    succeeds("import " + golden + " --run-id small --results-dir @ --picture 36x36");
    assertThat(out.toString())
        .contains(
            "for: GridWorld, a picture of 36 × 36 with 3 channels for each of 2 goals, 4 actions",
            "at step 5100");
    Spec vector = new Spec("Ball", Frame.vector(5), 0, 3);
    trained(vector, 1e-3).write(at("ball.pt"));
    succeeds(
        "import @/ball.pt --run-id ball --results-dir @ --env Ball.x86_64 --behavior Ball?team=0"
            + " --steps-per-update 4");
    assertThat(out.toString()).contains("for: Ball, a vector of 5, 3 actions", "at step 5028");
    assertThat(at("ball/Ball/checkpoint/step-000005028.safetensors")).exists();
    succeeds("import @/ball.pt --run-id tutorial --results-dir @ --goals 5 --compat tutorial");
    assertThat(out.toString())
        .contains("for: GridWorld, a vector of 1 for each of 5 goals, 3 actions", "at step 5008");
  }

  @Test
  void anImportNeverHarmsARun() throws IOException {
    trained(GRID_WORLD, 3e-4).write(at("ckpt"));
    succeeds("import @/ckpt --run-id r --results-dir @ --quiet");
    assertThat(out.toString()).isEmpty();
    fails(
        Main.FAILED,
        "import @/ckpt --run-id r --results-dir @",
        "bellman import: @/r holds an earlier run. Go on with it with --resume, replace it with"
            + " --force, or choose another --run-id.");
    Files.writeString(at("bad"), "a letter");
    assertThat(run("import @/bad --run-id r --results-dir @ --force")).isEqualTo(Main.FAILED);
    assertThat(at("r/GridWorld/checkpoint/step-000005007.safetensors")).exists();
    err.getBuffer().setLength(0);
    succeeds("import @/ckpt --run-id r --results-dir @ --force --weights-only");
    assertThat(at("r/GridWorld/checkpoint/step-000005007.safetensors")).doesNotExist();
    assertThat(at("r/GridWorld/checkpoint/step-000000000.safetensors")).exists();
  }

  @Test
  void whatCannotBeImported() throws IOException {
    String bad = "import @/bad --run-id r --results-dir @";
    String line = "bellman import: @/bad";
    fails(Main.USAGE, "import @/bad", "bellman import: import makes a run: name it, --run-id ID");
    fails(Main.FAILED, bad, line + " cannot be used: there is no such file");
    Files.writeString(at("bad"), "a letter");
    fails(
        Main.FAILED,
        bad,
        line
            + " cannot be used: not a whole zip archive (zip END header not found), as torch.save"
            + " writes since PyTorch 1.6; an older file becomes one by torch.save(torch.load(FILE, weights_only=True),"
            + " FILE) there");

    trained(new Spec("x", Frame.picture(36, 36, 6), 0, 4), 1e-3).write(at("bad"));
    fails(
        Main.FAILED,
        bad,
        line
            + ": load: these are not this network's parameters: other shapes (in PyTorch's order):"
            + " fc1.weight is [512, 1792] here, [512, 64] given. \"Here\" is a network for"
            + " GridWorld, a picture of 64 × 84 with 3 channels for each of 2 goals, 4 actions; the"
            + " columns of fc1.weight follow from the picture's size, --picture HxW.");
    fails(
        Main.FAILED,
        bad + " --picture 20x20",
        "bellman import: no agent fits GridWorld (observation [20, 20, 3] bytes, 4 actions): the picture has 20 × 20 pixels and nature_cnn needs 36 × 36 or more; enlarge the camera sensor's picture, or take --vis-encode-type simple");
    fails(
        Main.USAGE,
        bad + " --picture 36",
        "bellman import: --picture is '36'; allowed: height and width in pixels, as in 64x84");
    fails(
        Main.USAGE,
        bad + " --picture 36x36 --goals 4",
        "bellman import: goals (--goals) is 4: the network's 6 inputs or channels are a block of"
            + " equal size for each goal; give another number, or 0");
    fails(
        Main.USAGE,
        bad + " --env Game.x86_64",
        "bellman import: import starts no player, so it cannot ask for the behavior's name: give"
            + " --behavior NAME");

    Map<String, Values> other = new LinkedHashMap<>();
    other.put("encoder.weight", new Values(Shape.of(2, 1), new float[2]));
    new TorchCheckpoint(other, Optional.empty()).write(at("bad"));
    fails(
        Main.FAILED,
        bad,
        line
            + ": no network that is known here. It holds encoder.weight [2, 1]; here a network for"
            + " pictures has conv1, conv2, conv3, fc1 and q, one for vectors fc1, fc2 and q, each"
            + " with .weight and .bias.");
    other.put("fc1.weight", new Values(Shape.of(1, 5000), new float[5000]));
    other.put("q.weight", new Values(Shape.of(3, 1), new float[3]));
    new TorchCheckpoint(other, Optional.empty()).write(at("bad"));
    fails(
        Main.FAILED,
        bad,
        line
            + ": its network has 5000 inputs or channels and 3 actions; 1 to 4096 of each are"
            + " taken. It holds encoder.weight [2, 1], fc1.weight [1, 5000], q.weight [3, 1].");
    assertThat(at("r")).doesNotExist();
  }

  @Test
  void anotherAdamIsNotGoneOnWith() throws IOException {
    TorchCheckpoint saved = trained(new Spec("x", Frame.vector(2), 0, 2), 1e-3);
    new TorchCheckpoint(
            saved.network(),
            Optional.of(
                new TorchCheckpoint.Optimizer(
                    saved.optimizer().orElseThrow().state(),
                    Adam.Settings.defaults().withBetas(0.8, 0.99).withWeightDecay(0.1))))
        .write(at("ckpt"));
    fails(
        Main.FAILED,
        "import @/ckpt --run-id r --results-dir @",
        "bellman import: @/ckpt: its Adam has betas (0.8, 0.99), eps 1.0E-8 and weight decay 0.1;"
            + " here they are (0.9, 0.999), 1.0E-8 and 0.0. --weights-only begins with a new Adam.");
    succeeds("import @/ckpt --run-id r --results-dir @ --weights-only");
  }

  @Test
  void weightsThatAreNotFinite() throws IOException {
    Map<String, Values> network = network(new Spec("x", Frame.vector(2), 0, 2));
    network.get("q.bias").floats()[1] = Float.NaN;
    new TorchCheckpoint(network, Optional.empty()).write(at("ckpt"));
    fails(
        Main.FAILED,
        "import @/ckpt --run-id r --results-dir @",
        "bellman import: @/ckpt cannot be used: q.bias holds NaN: that training had diverged");
    assertThat(at("r")).doesNotExist();
  }

  @Test
  void whatCannotBeExported() throws IOException {
    succeeds(
        "import "
            + TorchGolden.file("seed_ckpt_small.pt")
            + " --run-id r --results-dir @"
            + " --picture 36x36");
    String export = "export r --results-dir @ --output @/x --format ";
    fails(
        Main.USAGE,
        export + "hdf5",
        "bellman export: --format is 'hdf5'; allowed: onnx, safetensors, torch");
    fails(
        Main.FAILED,
        "export s --results-dir @ --output @/x --format torch",
        "bellman export: there is no run 's' in @; did you mean r?");
    fails(
        Main.FAILED,
        "export r --results-dir @ --format torch --output @/absent/x",
        "bellman export: --output: there is no folder @/absent; make it, or name another");
    fails(
        Main.FAILED,
        "export r --results-dir @ --format torch --output @",
        "bellman export: --output: @ is a folder; name a file");
    fails(
        Main.FAILED,
        "export " + TorchGolden.file("seed_ckpt_small.pt") + " --format torch --output @/x",
        "bellman export: "
            + TorchGolden.file("seed_ckpt_small.pt")
            + " cannot be used: torch.save wrote it; bellman import makes a run of it. Name a run,"
            + " or another file of weights.");
    new SafetensorsWriter().ints("a", Shape.of(1), new int[1]).write(at("ints"));
    fails(
        Main.FAILED,
        "export @/ints --format torch --output @/x",
        "bellman export: @/ints cannot be used: tensor 'a' I32 [1]: floats() reads F32, F16 and"
            + " BF16. Name a run, or another file of weights.");
    assertThat(at("x")).doesNotExist();
  }
}
