package bellman.unity.process;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** A player that was started, or one that somebody else starts. */
public interface RunningPlayer {
  /**
   * How a player ended.
   *
   * @param code its exit code; on Unix 128 + n after signal n
   * @param cause what a player of this JVM threw, else null
   */
  record Exit(int code, Throwable cause) {
    private static final int SIGINT = 2;
    private static final int SIGTERM = 15;

    /** Whether it ended because somebody told it to, as Ctrl-C does; never, on Windows. */
    public boolean wasToldTo() {
      return cause == null && signal() && (code - 128 == SIGINT || code - 128 == SIGTERM);
    }

    private boolean signal() {
      return code > 128 && code <= 128 + 64 && !PlayerFile.System.here().isWindows();
    }

    /** "exit code 137 (killed by signal 9)". */
    @Override
    public String toString() {
      if (cause != null) {
        return "an exception: " + cause;
      }
      return "exit code " + code + (signal() ? " (killed by signal " + (code - 128) + ")" : "");
    }
  }

  /** What to call it in a message. */
  String name();

  /** Completed when it has ended; never, for a player that somebody else started. */
  CompletableFuture<Exit> onExit();

  /** The last lines of its log, each line indented, or "" when there is none. */
  String logTail();

  /** Looks which processes it has started: should it end before them, {@link #stop} ends them. */
  default void rememberChildren() {}

  /**
   * Waits for the player to end by itself, then ends it and everything it started. Does nothing for
   * a player that somebody else started. May be called twice.
   *
   * @param grace how long it may take to end by itself
   */
  void stop(Duration grace);

  /** A player that somebody else starts: the Editor, or one started by hand. */
  static RunningPlayer startedElsewhere(String name) {
    return new RunningPlayer() {
      private final CompletableFuture<Exit> never = new CompletableFuture<>();

      @Override
      public String name() {
        return name;
      }

      @Override
      public CompletableFuture<Exit> onExit() {
        return never;
      }

      @Override
      public String logTail() {
        return "";
      }

      @Override
      public void stop(Duration grace) {}
    };
  }
}
