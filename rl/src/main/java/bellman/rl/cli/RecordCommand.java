package bellman.rl.cli;

import bellman.unity.ActionTuple;
import bellman.unity.BehaviorSpec;
import bellman.unity.DecisionSteps;
import bellman.unity.UnityEnvironment;
import bellman.unity.UnityException;
import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.sidechannel.EngineConfiguration;
import bellman.unity.sidechannel.EngineConfigurationChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman record}: plays with random actions and keeps what was said. */
@Command(
    name = "record",
    header = "Record what a player and a trainer say to each other, for a bug report or a test.",
    synopsisHeading = "%nUsage: ",
    description = {"", "Plays with random actions that the masks allow. See also: bellman replay."},
    parameterListHeading = "%n",
    optionListHeading = "%nOptions:%n")
final class RecordCommand implements Callable<Integer> {
  private static final int MASKED_TRIES = 100;

  private final Streams streams;

  @Parameters(paramLabel = "FILE", description = "the recording; must not exist yet")
  private Path file;

  /** Who plays; nobody named: the embedded GridWorld. */
  private static final class Source {
    @Option(names = "--env", paramLabel = "PATH", description = "start this Unity build")
    private Path env;

    @Option(names = "--editor", description = "wait for the Unity Editor on port 5004")
    private boolean editor;

    @Option(
        names = "--listen",
        paramLabel = "PORT",
        description = "wait on this port for a player that someone else starts")
    private Integer listen;
  }

  @ArgGroup(multiplicity = "0..1")
  private Source source = new Source();

  @Option(
      names = "--env-args",
      arity = "1..*",
      paramLabel = "ARG",
      description = "arguments for the Unity build")
  private List<String> arguments = List.of();

  @Option(names = "--no-graphics", description = "start the build without a window")
  private boolean noGraphics;

  @Option(
      names = "--agents",
      paramLabel = "N",
      description = "agents of the embedded GridWorld [default 1]")
  private int agents = 1;

  @Option(names = "--steps", paramLabel = "N", description = "messages to answer [default 500]")
  private int steps = 500;

  @Option(names = "--seed", paramLabel = "N", description = "of player and actions [default 0]")
  private int seed;

  @Option(
      names = "--timeout-wait",
      paramLabel = "S",
      description = "seconds to wait for the player at each step [default 60]")
  private int timeoutWait = 60;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  RecordCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    if (Files.exists(file)) {
      throw new Failure(file + " exists already; name another file");
    }
    if (steps < 1 || timeoutWait < 1) {
      throw new Failure(
          "--steps %d and --timeout-wait %d must be 1 or more".formatted(steps, timeoutWait));
    }
    EngineConfigurationChannel engine = new EngineConfigurationChannel();
    engine.set(EngineConfiguration.TRAINING);
    int step = 0;
    try (UnityEnvironment env =
        builder()
            .seed(seed)
            .timeoutWait(Duration.ofSeconds(timeoutWait))
            .sideChannels(engine)
            .record(file)
            .open()) {
      SplittableRandom random = new SplittableRandom(seed);
      env.reset();
      for (; step < steps; step++) {
        for (BehaviorSpec spec : env.behaviorSpecs().values()) {
          DecisionSteps waiting = env.steps(spec.name()).decisions();
          env.setActions(spec.name(), actions(random, waiting));
        }
        env.step();
      }
    } catch (UnityException | IllegalArgumentException e) {
      String kept =
          Files.exists(file) && Files.size(file) > 0
              ? "\n" + file + " holds what was said until then (" + step + " steps)."
              : "";
      throw new Failure(e.getMessage() + kept, e);
    }
    streams.out().printf("%s: %,d steps, %,d bytes%n", file, step, Files.size(file));
    return Main.DONE;
  }

  private UnityEnvironment.Builder builder() {
    if (source.env != null) {
      return UnityEnvironment.executable(source.env)
          .arguments(arguments.toArray(String[]::new))
          .noGraphics(noGraphics);
    }
    if (source.editor) {
      return UnityEnvironment.editor();
    }
    if (source.listen != null) {
      return UnityEnvironment.listen(source.listen);
    }
    return UnityEnvironment.embedded(
        new GridWorldPlayer(GridWorldOptions.defaults().withAgents(agents)));
  }

  /** Random ones; a masked choice is drawn again. */
  private static ActionTuple actions(SplittableRandom random, DecisionSteps waiting) {
    ActionTuple chosen = waiting.spec().actions().random(random, waiting.size());
    List<Integer> branches = waiting.spec().actions().branches();
    for (int agent = 0; agent < waiting.size(); agent++) {
      for (int branch = 0; branch < branches.size(); branch++) {
        int[] row = chosen.discrete()[agent];
        for (int i = 0; i < MASKED_TRIES && waiting.forbidden(agent, branch, row[branch]); i++) {
          row[branch] = random.nextInt(branches.get(branch));
        }
      }
    }
    return chosen;
  }
}
