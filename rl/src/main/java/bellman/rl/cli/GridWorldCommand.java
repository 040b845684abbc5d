package bellman.rl.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Unmatched;

/** {@code bellman gridworld}: GridWorld for any ML-Agents trainer. */
@Command(
    name = "gridworld",
    header = "Play GridWorld for any ML-Agents trainer, as a Unity build would.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = {
      "bellman gridworld --mlagents-port N [PLAYER OPTIONS]",
      "       bellman gridworld --install DIR"
    },
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Player options:",
      "  --mlagents-port N   the trainer's port: 5004 for one that waits for the Editor",
      "  --agents N          areas side by side (1)",
      "  --grid-size N       cells per side (5)",
      "  --plus-goals N      green pluses per area (1)",
      "  --ex-goals N        red exes per area (1)",
      "  --package A.B.C     the version of Unity's package to speak like (3.0.0)",
      "  --no-masks          do not report which actions lead into a wall",
      "  --realtime          0.02 s per step, divided by the trainer's time scale",
      "  --linger            live on without a trainer, as a Unity build does",
      "  -logFile FILE       where log lines go; - is standard output",
      "Others, such as Unity's -nographics -batchmode, are ignored."
    })
final class GridWorldCommand implements Callable<Integer> {
  private final Streams streams;
  private final Services services;

  @Option(
      names = "--install",
      paramLabel = "DIR",
      description = "write an executable there that trainers can start (file_name, --env), and end")
  private Path install;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Unmatched private List<String> rest = new ArrayList<>();

  GridWorldCommand(Streams streams, Services services) {
    this.streams = streams;
    this.services = services;
  }

  @Override
  public Integer call() throws Exception {
    if (install == null) {
      return services.gridWorld(rest.toArray(String[]::new));
    }
    if (!rest.isEmpty()) {
      throw new Failure(
          "--install writes a file and ends; leave out %s, which trainers give themselves"
              .formatted(String.join(" ", rest)));
    }
    if (Files.isRegularFile(install)) {
      throw new Failure("--install " + install + " is a file; name a folder");
    }
    try {
      streams.out().println(services.installGridWorld(install, Launcher.command()));
    } catch (IOException e) {
      throw new Failure(
          "--install %s: cannot write there (%s); name another folder".formatted(install, e), e);
    }
    return Main.DONE;
  }
}
