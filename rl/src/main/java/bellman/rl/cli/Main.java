package bellman.rl.cli;

import bellman.rl.Outcome;
import bellman.rl.config.ConfigException;
import bellman.rl.config.Nearest;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code bellman}: the command line. */
@Command(
    name = "bellman",
    header = "A DQN for Unity ML-Agents, from scratch in Java.",
    synopsisHeading = "%nUsage: ",
    optionListHeading = "%nOptions:%n",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands (bellman COMMAND --help says more):%n",
    footer = {
      "",
      "Exit codes: 0 done, 1 failure, 2 bad usage, 130 interrupted and saved.",
      "Try: bellman train"
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main {
  public static final int DONE = 0;
  public static final int FAILED = 1;
  public static final int USAGE = 2;
  public static final int INTERRUPTED = 130;

  /** Flags of mlagents-learn that have another name here, or none. */
  private static final Map<String, String> MLAGENTS_FLAGS =
      Map.of(
          "--torch-device", "here it is --device",
          "--num-envs", "one player at a time; --agents N gives the embedded player N areas",
          "--num-areas", "the player decides; --agents N gives the embedded player N areas",
          "--deterministic", "in testing: --epsilon-eval 0",
          "--debug", "here it is --verbose");

  private final Streams streams;
  private final Services services;
  private final Interruption interruption;

  Main(Streams streams, Services services, Interruption interruption) {
    this.streams = streams;
    this.services = services;
    this.interruption = interruption;
  }

  /** The process. */
  public static void main(String[] args) {
    process(new Wiring(), args);
  }

  static void process(Services services, String[] args) {
    // Before the first logger is made; warnings come as single lines.
    System.setProperty("java.util.logging.SimpleFormatter.format", "[%4$s] %5$s%6$s%n");
    // Pictures are drawn into memory; a screen, where there is one, is not asked for.
    System.setProperty("java.awt.headless", "true");
    Interruption interruption = new Interruption();
    interruption.install();
    Streams streams = Streams.system();
    int code = FAILED;
    try {
      code = new Main(streams, services, interruption).run(args);
    } catch (OutOfMemoryError e) {
      streams
          .err()
          .printf(
              "bellman: out of memory (%s; heap up to %,d MB). Lower --buffer-size, --batch-size or"
                  + " --hidden-units, or set BELLMAN_JAVA_OPTS=-Xmx4g.%n",
              e.getMessage(), Runtime.getRuntime().maxMemory() >> 20);
    } finally { // also when an error that nobody expects ends the process
      streams.flush();
      interruption.ended(code);
    }
    System.exit(code);
  }

  /** Runs one command line and returns its exit code. */
  int run(String... args) {
    CommandLine root = commandLine();
    if (args.length == 0) {
      root.usage(streams.err());
      return USAGE;
    }
    int code = root.execute(args);
    streams.flush();
    return code;
  }

  private CommandLine commandLine() {
    CommandLine root = new CommandLine(this);
    root.addSubcommand(new TrainCommand(streams, services, interruption).commandLine());
    root.addSubcommand(new EvaluateCommand(streams, services, interruption).commandLine());
    root.addSubcommand(new ImportCommand(streams, services, interruption).commandLine());
    root.addSubcommand(new ExportCommand(streams, services, interruption).commandLine());
    root.addSubcommand(new PlotCommand(streams));
    root.addSubcommand(new GridWorldCommand(streams, services));
    root.addSubcommand(new RecordCommand(streams));
    root.addSubcommand(new ReplayCommand(streams));
    root.addSubcommand(DoctorCommand.commandLine(streams, services));
    root.addSubcommand(new FetchCudaCommand(streams));
    root.addSubcommand(new BenchCommand(streams));
    root.addSubcommand(LessonCommand.commandLine(streams));
    root.setOut(streams.out());
    root.setErr(streams.err());
    root.setUsageHelpWidth(100);
    root.setExpandAtFiles(false);
    root.setParameterExceptionHandler(this::misused);
    root.setExecutionExceptionHandler(this::failed);
    return root;
  }

  private int misused(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    String message = e.getMessage();
    if (e instanceof UnmatchedArgumentException u && !u.getUnmatched().isEmpty()) {
      message = unknown(u.getUnmatched().get(0), command);
    }
    streams.err().println(name + ": " + message);
    streams.err().println("run '" + name + " --help' for what there is");
    return USAGE;
  }

  private static String unknown(String word, CommandLine command) {
    if (!word.startsWith("-")) {
      return command.getSubcommands().isEmpty()
          ? "unexpected '" + word + "'"
          : "unknown command '"
              + word
              + "'"
              + Nearest.hint(word, command.getSubcommands().keySet());
    }
    String flag = word.split("=", 2)[0];
    String remedy = MLAGENTS_FLAGS.get(flag);
    if (remedy != null) {
      return "unknown option '%s'; %s".formatted(flag, remedy);
    }
    List<String> known = new ArrayList<>();
    command.getCommandSpec().options().forEach(o -> known.addAll(List.of(o.names())));
    return "unknown option '" + flag + "'" + Nearest.hint(flag, known);
  }

  private int failed(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = streams.err();
    String name = command.getCommandSpec().qualifiedName();
    // Exceptions of our own speak to users; others say more with their type.
    boolean ours = e.getClass().getName().startsWith("bellman.");
    err.println(name + ": " + (ours ? e.getMessage() : e));
    if (parsed.originalArgs().contains("--verbose")) {
      e.printStackTrace(err);
    } else if (!ours) {
      err.println("(--verbose shows where)");
    }
    return e instanceof ConfigException ? USAGE : FAILED;
  }

  static int exitCode(Outcome outcome) {
    return outcome.reason() == Outcome.Reason.INTERRUPTED ? INTERRUPTED : DONE;
  }
}
