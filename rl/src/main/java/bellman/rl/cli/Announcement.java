package bellman.rl.cli;

import bellman.rl.config.Resolved;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The first words of a run: its settings, and what in its file has no effect. */
final class Announcement {
  // Held, or java.util.logging may forget it and its level.
  private static final Logger BELLMAN = Logger.getLogger("bellman");

  private Announcement() {}

  static void of(Resolved settings, Streams streams) {
    boolean quiet = settings.config().reporting().quiet();
    log(quiet ? Level.WARNING : settings.config().reporting().verbose() ? Level.FINE : Level.INFO);
    if (!quiet) {
      streams.out().println(settings.describe());
      streams.out().flush();
    }
    settings.warnings().forEach(w -> streams.err().println("warning: " + w));
    streams.err().flush();
  }

  private static void log(Level level) {
    for (Handler handler : Logger.getLogger("").getHandlers()) {
      handler.setLevel(level);
    }
    // Libraries' details are theirs alone.
    BELLMAN.setLevel(level);
  }
}
