package bellman.rl.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Ctrl-C and SIGTERM: turns true when either arrives, and holds the JVM until the run has saved.
 * Runs ask it; {@link Main} alone installs it.
 */
public final class Interruption implements BooleanSupplier {
  private static final long SECONDS = 30;

  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean engaged;
  private volatile boolean interrupted;
  private volatile boolean saving;
  private volatile int exitCode;

  @Override
  public boolean getAsBoolean() {
    return interrupted;
  }

  /** From now on a signal lets the run save first. */
  void engage() {
    engaged = true;
  }

  /** As a signal does. */
  void interrupt() {
    interrupted = true;
  }

  /** What is left is to write a large file, which takes as long as it takes. */
  void saving() {
    saving = true;
  }

  /** Everything is saved and said; the process may end. */
  void ended(int exitCode) {
    this.exitCode = exitCode;
    ended.countDown();
  }

  void install() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::shutDown, "interruption"));
  }

  /** Halts, because a JVM that a signal stops would report the signal, not what was saved. */
  private void shutDown() {
    if (!engaged || ended.getCount() == 0) {
      return;
    }
    interrupt();
    System.err.println("\nInterrupted: saving, please wait ...");
    int code = Main.FAILED;
    try {
      boolean done = ended.await(SECONDS, TimeUnit.SECONDS);
      if (saving) {
        ended.await();
        done = true;
      }
      if (done) {
        code = exitCode;
      } else {
        System.err.printf(
            "bellman: the run did not stop within %d s; what came after its last checkpoint is"
                + " lost%n",
            SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(code);
  }
}
