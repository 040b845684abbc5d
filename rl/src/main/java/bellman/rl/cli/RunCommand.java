package bellman.rl.cli;

import bellman.rl.config.Layers;
import bellman.rl.config.Resolved;
import bellman.rl.config.Settings;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A command that sets an agent to work: settings are its flags, and Ctrl-C ends it. */
abstract class RunCommand implements Callable<Integer> {
  final Streams streams;
  final Services services;
  final Interruption interruption;
  private SettingFlags flags;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Spec private CommandSpec spec;

  RunCommand(Streams streams, Services services, Interruption interruption) {
    this.streams = streams;
    this.services = services;
    this.interruption = interruption;
  }

  /** The command with a flag for each setting that it takes. */
  final CommandLine commandLine(Predicate<Settings.Row> taken) {
    CommandLine line = new CommandLine(this);
    flags = SettingFlags.onto(line, taken);
    return line;
  }

  /** Lays the flags that were given on top. */
  final Layers withFlags(Layers layers) {
    return flags.layOnto(layers, spec.commandLine().getParseResult());
  }

  /** Says what will run; from now on a signal ends it in an orderly way. */
  final void announce(Resolved settings) {
    Announcement.of(settings, streams);
    interruption.engage();
  }
}
