package bellman.rl.cli;

import bellman.engine.Devices;
import bellman.nn.Adam;
import bellman.nn.Values;
import bellman.rl.TrainLoop;
import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.config.RunConfig;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.env.Frame;
import bellman.rl.env.Signature;
import bellman.rl.env.Spec;
import bellman.rl.run.Checkpoint;
import bellman.rl.run.CheckpointFiles;
import bellman.rl.run.RunFolder;
import bellman.rl.torch.TorchCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman import}: makes a run of what a training in PyTorch has saved. */
@Command(
    name = "import",
    header = "Make a run of what torch.save wrote, to be gone on with.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman import FILE --run-id ID [OPTIONS]",
    description = {
      "",
      "FILE holds {\"network\": model.state_dict(), \"optimizer\": adam.state_dict()}, as the"
          + " tutorial's ckpt, or a state_dict() alone. No code in it is run. bellman train --resume"
          + " --run-id ID goes on with the run, at the agent step at which these settings would have"
          + " made as many updates, with the file's learning rate and no warm-up; bellman evaluate"
          + " ID tries it. The other settings are written to the run's configuration.yaml."
    })
final class ImportCommand extends RunCommand {
  private static final Set<String> NOT_TAKEN = Set.of("resume", "initializeFrom", "stopAfter");
  private static final String GRID_WORLD = "GridWorld";
  private static final Pattern PICTURE = Pattern.compile("([1-9]\\d{0,3})x([1-9]\\d{0,3})");

  /** More than any player offers. */
  private static final int MOST = 4096;

  @Parameters(paramLabel = "FILE", hidden = true)
  private Path file;

  @Option(
      names = "--picture",
      paramLabel = "HxW",
      description = "HxW, height and width of the picture that the network sees [default 64x84]")
  private String picture;

  @Option(
      names = "--goals",
      paramLabel = "N",
      description =
          "N, how many goals there are, each with a block of channels [default 2 for GridWorld with"
              + " --goal-conditioning gate, else 0]")
  private Integer goals;

  @Option(
      names = "--weights-only",
      description = "leave the optimizer in the file alone; the run begins at step 0")
  private boolean weightsOnly;

  ImportCommand(Streams streams, Services services, Interruption interruption) {
    super(streams, services, interruption);
  }

  CommandLine commandLine() {
    return commandLine(row -> !NOT_TAKEN.contains(row.name()));
  }

  @Override
  public Integer call() throws IOException {
    RunConfig given = withFlags(new Layers()).resolve().config();
    String runId =
        given
            .folder()
            .runId()
            .orElseThrow(() -> new ConfigException("import makes a run: name it, --run-id ID"));
    TorchCheckpoint saved = read();
    RunConfig config = withFlags(from(saved.optimizer())).resolve().config();
    Spec spec = spec(saved.network(), config);
    try (Devices.Opened opened = Wiring.open(config.with("device", "java"));
        DqnAgent agent = Wiring.agent(opened.device(), spec, Wiring.dqn(small(config)))) {
      long step = load(saved, agent, spec);
      try (RunFolder folder =
          RunFolder.open(
              config.folder().resultsDir(),
              runId,
              config.folder().force() ? RunFolder.Mode.FORCE : RunFolder.Mode.CREATE)) {
        folder.discardEarlier();
        folder.configure(config.toYaml());
        new CheckpointFiles(
                folder.checkpoints(spec.name()),
                config.folder().keepCheckpoints(),
                warning -> streams.err().println("warning: " + warning))
            .save(
                step,
                to ->
                    Checkpoint.save(
                        to, spec, agent, TrainLoop.State.at(step, 0, 0), Optional.empty()));
        if (!config.reporting().quiet()) {
          streams.out().println(file + ": " + Format.described(saved));
          streams.out().println("network: " + agent.learner().online());
          streams.out().println("for: " + described(spec));
          streams.out().println("run: " + folder.path() + ", at step " + step);
        }
      }
    }
    return Main.DONE;
  }

  private TorchCheckpoint read() {
    try {
      return weightsOnly
          ? new TorchCheckpoint(TorchCheckpoint.readNetwork(file), Optional.empty())
          : TorchCheckpoint.read(file);
    } catch (IOException e) {
      throw new Failure(CheckpointFiles.notUsable(file, e), e);
    }
  }

  /** What the optimizer says of the settings; flags may say otherwise. */
  private Layers from(Optional<TorchCheckpoint.Optimizer> optimizer) {
    Layers layers = new Layers();
    if (optimizer.isEmpty()) {
      return layers;
    }
    Adam.Settings adam = optimizer.get().settings();
    Adam.Settings ours = Adam.Settings.defaults().withLearningRate(adam.learningRate());
    if (!adam.equals(ours)) {
      throw new Failure(
          "%s: its Adam has betas (%s, %s), eps %s and weight decay %s; here they are (%s, %s), %s and %s. --weights-only begins with a new Adam."
              .formatted(
                  file,
                  adam.beta1(),
                  adam.beta2(),
                  adam.epsilon(),
                  adam.weightDecay(),
                  ours.beta1(),
                  ours.beta2(),
                  ours.epsilon(),
                  ours.weightDecay()));
    }
    layers.flag("learningRate", List.of(Double.toString(adam.learningRate())));
    if (optimizer.get().state().t() > 0) { // its next step is a whole one, as it would be there
      layers.flag("learningRateWarmup", List.of("0"));
    }
    return layers;
  }

  /** Room for one batch of transitions: none will come. */
  private static RunConfig small(RunConfig config) {
    return config.with("bufferSize", Integer.toString(config.learning().batchSize()));
  }

  // ── what the network is for ───────────────────────────────────────────────────────────────────

  /** Channels and actions are the network's, the picture's size and the goals are told. */
  private Spec spec(Map<String, Values> network, RunConfig config) {
    Values conv1 = network.get("conv1.weight");
    Values fc1 = network.get("fc1.weight");
    Values q = network.get("q.weight");
    boolean pixels = conv1 != null && conv1.shape().rank() == 4;
    boolean known = pixels || conv1 == null && fc1 != null && fc1.shape().rank() == 2;
    if (!known || q == null || q.shape().rank() != 2) {
      throw new Failure(
          "%s: no network that is known here. It holds %s; here a network for pictures has conv1, conv2, conv3, fc1 and q, one for vectors fc1, fc2 and q, each with .weight and .bias."
              .formatted(file, listed(network)));
    }
    int inputs = (pixels ? conv1 : fc1).shape().dim(1);
    int actions = q.shape().dim(0);
    if (inputs < 1 || inputs > MOST || actions < 1 || actions > MOST) {
      throw new Failure(
          "%s: its network has %d inputs or channels and %d actions; 1 to %d of each are taken. It holds %s."
              .formatted(file, inputs, actions, MOST, listed(network)));
    }
    String behavior = behavior(config.world());
    boolean gate = config.world().goalConditioning() == RunConfig.GoalConditioning.GATE;
    int blocks = goals != null ? goals : gate && behavior.equals(GRID_WORLD) ? 2 : 0;
    if (blocks < 0 || inputs % Math.max(1, blocks) != 0) {
      throw new ConfigException(
          "goals (--goals) is %d: the network's %d inputs or channels are a block of equal size for each goal; give another number, or 0"
              .formatted(blocks, inputs));
    }
    int channels = inputs / Math.max(1, blocks);
    if (!pixels && picture != null) {
      throw new ConfigException(
          "--picture is %s, and the network has no convolution: it sees a vector; leave it out"
              .formatted(picture));
    }
    Matcher size = PICTURE.matcher(picture == null ? "64x84" : picture);
    if (!size.matches()) {
      throw new ConfigException(
          "--picture is '%s'; allowed: height and width in pixels, as in 64x84".formatted(picture));
    }
    Frame frame =
        pixels
            ? Frame.picture(
                Integer.parseInt(size.group(1)), Integer.parseInt(size.group(2)), channels)
            : Frame.vector(channels);
    int first = config.world().firstAction(behavior); // the player has those below, too
    Signature.Branch branch = new Signature.Branch(actions + first, first);
    return new Spec(behavior, frame, blocks, actions, Signature.of(frame, blocks, branch));
  }

  /** The run's checkpoints lie under its name, which only the player could tell otherwise. */
  private static String behavior(RunConfig.World world) {
    boolean embedded = world.env().isEmpty() && !world.editor() && world.listen().isEmpty();
    if (world.behavior().isEmpty() && !embedded) {
      throw new ConfigException(
          "import starts no player, so it cannot ask for the behavior's name: give --behavior NAME");
    }
    return world.behavior().orElse(GRID_WORLD).replaceFirst("\\?.*", "");
  }

  /** Fills the agent and returns the step at which it stands. */
  private long load(TorchCheckpoint saved, DqnAgent agent, Spec spec) {
    try {
      if (saved.optimizer().isPresent()) {
        return agent.load(saved.network(), saved.optimizer().get().state());
      }
      agent.loadWeights(saved.network());
      return 0;
    } catch (IllegalArgumentException e) {
      throw new Failure(
          "%s: %s. \"Here\" is a network for %s%s."
              .formatted(
                  file,
                  e.getMessage(),
                  described(spec),
                  spec.frame().hasPicture()
                      ? "; the columns of fc1.weight follow from the picture's size, --picture HxW"
                      : ""),
          e);
    }
  }

  private static String described(Spec spec) {
    Frame f = spec.frame();
    return "%s, %s%s, %d actions"
        .formatted(
            spec.name(),
            f.hasPicture()
                ? "a picture of %d × %d with %d channels"
                    .formatted(f.height(), f.width(), f.channels())
                : "a vector of " + f.vector(),
            spec.goals() == 0 ? "" : " for each of %d goals".formatted(spec.goals()),
            spec.actions());
  }

  private static String listed(Map<String, Values> network) {
    StringJoiner names = new StringJoiner(", ");
    network.entrySet().stream()
        .limit(20)
        .forEach(e -> names.add(e.getKey() + " " + e.getValue().shape()));
    return names + (network.size() > 20 ? ", …" : "");
  }
}
