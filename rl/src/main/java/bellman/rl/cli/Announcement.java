package bellman.rl.cli;

import bellman.rl.config.Resolved;

/** The first words of a run: its settings, and what in its file has no effect. */
final class Announcement {
  private Announcement() {}

  static void of(Resolved settings, Terminal terminal) {
    if (!settings.config().reporting().quiet()) {
      terminal.out().println(settings.describe());
      terminal.out().flush();
    }
    settings.warnings().forEach(w -> terminal.err().println("warning: " + w));
    terminal.err().flush();
  }
}
