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

  /** What the turn that is going on may take; a player that takes longer hangs. */
  private static final long PATIENCE = 2;

  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile Thread run;
  private volatile boolean begun;
  private volatile boolean interrupted;
  private boolean heeded;
  private volatile boolean saving;
  private volatile int exitCode;

  @Override
  public boolean getAsBoolean() {
    if (interrupted) {
      heed();
    }
    return interrupted;
  }

  /** From now on the run ends by itself: a thread that is disturbed loses its open files. */
  private synchronized void heed() {
    heeded = true;
    Thread.interrupted();
  }

  /** From now on a signal ends the run of this thread, which may still wait for its player. */
  void engage() {
    run = Thread.currentThread();
  }

  /** From now on a signal lets the run save first. */
  void begun() {
    begun = true;
  }

  /** As a signal does. */
  void interrupt() {
    interrupted = true;
  }

  /** Wakes a run that waits for its player, unless it knows already. */
  synchronized void disturb() {
    if (!heeded) {
      run.interrupt();
    }
  }

  /** What is left is to write files, which takes as long as it takes. */
  void saving() {
    saving = true;
    heed();
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
    if (run == null || ended.getCount() == 0) {
      return;
    }
    interrupt();
    boolean saves = begun;
    System.err.println(saves ? "\nInterrupted: saving, please wait ..." : "\nInterrupted");
    int code = saves ? Main.FAILED : Main.INTERRUPTED;
    try {
      boolean done = ended.await(saves ? PATIENCE : 0, TimeUnit.SECONDS);
      if (!done) {
        disturb();
        done = ended.await(SECONDS, TimeUnit.SECONDS);
      }
      if (saving) {
        ended.await();
        done = true;
      }
      if (saves && done) {
        code = exitCode;
      } else if (saves) {
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
