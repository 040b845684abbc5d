package bellman.unity.player;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;

/**
 * GridWorld as a process that a trainer starts like any Unity build.
 *
 * <pre>
 * --mlagents-port N   the trainer's port; the last one counts
 * --agents N          areas side by side (1)
 * --grid-size N       cells per side (5)
 * --plus-goals N      green pluses per area (1)
 * --ex-goals N        red exes per area (1)
 * --package A.B.C     the version of Unity's package to speak like (3.0.0)
 * --no-masks          do not report which actions lead into a wall
 * --realtime          0.02 s per step, divided by the trainer's time scale
 * --linger            live on without a trainer when the connection fails, as a Unity build does
 * -logFile FILE       where log lines go; "-" is standard output
 * </pre>
 *
 * Everything else, such as Unity's {@code -nographics -batchmode}, is ignored.
 */
public final class GridWorldProcess {
  private static final String USAGE =
      "usage: gridworld --mlagents-port N [--agents N] [--grid-size N] [--plus-goals N] [--ex-goals N] [--package A.B.C] [--no-masks] [--realtime] [--linger] [-logFile FILE]";
  private static final long GRACE_MILLIS = 300;

  private GridWorldProcess() {}

  /** {@link #run} as a process. */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  /**
   * Plays until the trainer ends the exchange. When the JVM is told to stop meanwhile, the trainer
   * hears of it.
   *
   * @return the exit code: 0 a normal end, 1 a failure (the log says which), 2 bad usage
   */
  public static int run(String[] args) {
    int port = -1;
    int agents = 1;
    int gridSize = 5;
    int plusGoals = 1;
    int exGoals = 1;
    GridWorldOptions options = GridWorldOptions.defaults();
    String logFile = null;
    try {
      for (int i = 0; i < args.length; i++) {
        switch (args[i]) {
          case "--mlagents-port" -> port = number(args, ++i);
          case "--agents" -> agents = number(args, ++i);
          case "--grid-size" -> gridSize = number(args, ++i);
          case "--plus-goals" -> plusGoals = number(args, ++i);
          case "--ex-goals" -> exGoals = number(args, ++i);
          case "--package" -> options = options.withPackageVersion(value(args, ++i));
          case "--no-masks" -> options = options.withMasks(false);
          case "--realtime" -> options = options.withRealtime(true);
          case "--linger" -> options = options.withLingers(true);
          default -> {
            if (args[i].equalsIgnoreCase("-logFile")) {
              logFile = value(args, ++i);
            }
          }
        }
      }
      options = options.withAgents(agents).withGrid(gridSize, plusGoals, exGoals);
      if (port == -1) {
        throw new IllegalArgumentException(
            "gridworld: no --mlagents-port; start a trainer and give its port, 5004 for one that waits for the Editor, 5005 and up else");
      }
      if (port < 1 || port > 65535) {
        throw new IllegalArgumentException(
            "gridworld: --mlagents-port is %d; ports are 1 to 65535".formatted(port));
      }
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.err.println(USAGE);
      return 2;
    }
    try (LogFile log = LogFile.open(logFile)) {
      return play(new GridWorldPlayer(options), port);
    } catch (IOException e) {
      System.err.printf(
          "gridworld: the log file %s cannot be written (%s); give another -logFile%n", logFile, e);
      return 2;
    }
  }

  private static int play(GridWorldPlayer player, int port) {
    CountDownLatch ended = new CountDownLatch(1);
    try (GrpcConnection connection = GrpcConnection.tcp(port)) {
      Thread onStop =
          new Thread(
              () -> {
                player.quit();
                try {
                  // A trainer that is thinking holds the current message: say goodbye beside it.
                  if (!ended.await(GRACE_MILLIS, TimeUnit.MILLISECONDS)) {
                    GridWorldPlayer.farewell(connection);
                  }
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              },
              "gridworld-stop");
      Runtime.getRuntime().addShutdownHook(onStop);
      try {
        return player.play(connection);
      } finally {
        ended.countDown();
        try {
          Runtime.getRuntime().removeShutdownHook(onStop);
        } catch (IllegalStateException e) {
          // The JVM is stopping; the hook has run or is running.
        }
      }
    }
  }

  private static String value(String[] args, int i) {
    if (i >= args.length) {
      throw new IllegalArgumentException("gridworld: %s needs a value".formatted(args[i - 1]));
    }
    return args[i];
  }

  private static int number(String[] args, int i) {
    String text = value(args, i);
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "gridworld: %s is '%s'; a whole number is needed".formatted(args[i - 1], text), e);
    }
  }

  /** The player's log lines, in a file instead of wherever they went before. */
  private static final class LogFile implements AutoCloseable {
    // Held, or java.util.logging may forget the logger and its handler.
    private final Logger logger = Logger.getLogger(GridWorldProcess.class.getPackageName());
    private final boolean parents = logger.getUseParentHandlers();
    private final Handler handler;

    private LogFile(Handler handler) {
      this.handler = handler;
      logger.addHandler(handler);
      logger.setUseParentHandlers(false);
    }

    /** Works where SLF4J logs through java.util.logging; elsewhere the file stays empty. */
    static LogFile open(String name) throws IOException {
      if (name == null) {
        return null;
      }
      if (name.equals("-")) {
        return new LogFile(new FlushingHandler(new Unclosed(System.out)));
      }
      Path file = Path.of(name).toAbsolutePath();
      Files.createDirectories(file.getParent());
      return new LogFile(new FlushingHandler(Files.newOutputStream(file)));
    }

    @Override
    public void close() {
      logger.removeHandler(handler);
      logger.setUseParentHandlers(parents);
      handler.close();
    }
  }

  /** Standard output outlives the player. */
  private static final class Unclosed extends FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }

  /** A file that is complete after every line, because processes get killed. */
  private static final class FlushingHandler extends StreamHandler {
    FlushingHandler(OutputStream out) {
      super(
          out,
          new Formatter() {
            @Override
            public String format(LogRecord line) {
              String thrown = line.getThrown() == null ? "" : " (" + line.getThrown() + ")";
              return "[%s] %s%s%n".formatted(line.getLevel(), formatMessage(line), thrown);
            }
          });
    }

    @Override
    public synchronized void publish(LogRecord line) {
      super.publish(line);
      flush();
    }
  }
}
