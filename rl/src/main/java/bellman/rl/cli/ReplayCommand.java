package bellman.rl.cli;

import bellman.unity.BehaviorSpec;
import bellman.unity.ObservationBatch;
import bellman.unity.ObservationSpec;
import bellman.unity.PlayerLeftException;
import bellman.unity.Steps;
import bellman.unity.UnityEnvironment;
import bellman.unity.UnityException;
import bellman.unity.player.ReplayPlayer;
import bellman.unity.recording.Recording;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman replay}: a recorded player says everything again. */
@Command(
    name = "replay",
    header = "Replay a recorded player and tell what a trainer understands of it.",
    synopsisHeading = "%nUsage: ",
    parameterListHeading = "%n",
    optionListHeading = "%nOptions:%n",
    footer = {"", "Exit code 1 where a message cannot be understood; it says which and why."})
final class ReplayCommand implements Callable<Integer> {
  private final Streams streams;

  @Parameters(paramLabel = "FILE", description = "a recording, as bellman record writes it")
  private Path file;

  @Option(
      names = "--mlagents-port",
      paramLabel = "PORT",
      description = "play it to the trainer that listens there, instead of looking into it")
  private Integer port;

  @Option(names = "--messages", description = "tell of each message")
  private boolean messages;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  ReplayCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    ReplayPlayer player;
    Recording recording;
    try {
      recording = Recording.read(file);
      player = new ReplayPlayer(recording);
    } catch (NoSuchFileException e) {
      throw new Failure(file + " does not exist; bellman record writes such a file", e);
    } catch (IOException | IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw new Failure(message.startsWith(file + ":") ? message : file + ": " + message, e);
    }
    if (recording.cutOff()) {
      streams
          .err()
          .println(
              "warning: "
                  + file
                  + " ends inside a record, as after a crash; what stands before it is replayed");
    }
    if (port != null) {
      int code = player.play(port);
      streams.out().printf("%d of %d messages said%n", player.said(), player.messages());
      return code;
    }
    return look(player);
  }

  private int look(ReplayPlayer player) {
    PrintWriter out = streams.out();
    Set<String> known = new LinkedHashSet<>();
    long decisions = 0;
    long ends = 0;
    try (UnityEnvironment env = UnityEnvironment.embedded(player).open()) {
      out.printf("package %s, %s%n", env.packageVersion(), env.playerCapabilities());
      env.reset();
      while (true) {
        for (BehaviorSpec spec : env.behaviorSpecs().values()) {
          if (known.add(spec.name())) {
            describe(spec);
          }
          Steps steps = env.steps(spec.name());
          decode(steps);
          decisions += steps.decisions().size();
          ends += steps.terminals().size();
          if (messages) {
            out.printf(
                "%4d  %s: waiting %s rewards %s; ended %s rewards %s%n",
                player.said(),
                spec.name(),
                Arrays.toString(steps.decisions().agentIds()),
                Arrays.toString(steps.decisions().rewards()),
                Arrays.toString(steps.terminals().agentIds()),
                Arrays.toString(steps.terminals().rewards()));
          }
        }
        env.step();
      }
    } catch (PlayerLeftException e) {
      // What every recording ends with.
    } catch (UnityException e) {
      throw new Failure("%s: message %d: %s".formatted(file, player.said(), e.getMessage()), e);
    }
    out.printf(
        "%,d messages understood: %,d decisions, %,d ends%n", player.said(), decisions, ends);
    return Main.DONE;
  }

  private void describe(BehaviorSpec spec) {
    PrintWriter out = streams.out();
    out.printf(
        "%s: %d continuous actions, branches %s%n",
        spec.name(), spec.actions().continuousSize(), spec.actions().branches());
    for (ObservationSpec o : spec.observations()) {
      out.printf(
          "  %s %s %s%s%n", o.name(), o.shape(), o.isVisual() ? o.layout() + " " : "", o.type());
    }
  }

  /** Pictures are decoded when they are asked for; a replay shall find the broken ones. */
  private static void decode(Steps steps) {
    for (ObservationBatch batch : steps.decisions().observations()) {
      batch.values(new float[batch.size() * batch.spec().size()], 0);
    }
    for (ObservationBatch batch : steps.terminals().observations()) {
      batch.values(new float[batch.size() * batch.spec().size()], 0);
    }
  }
}
