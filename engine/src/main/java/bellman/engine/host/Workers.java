package bellman.engine.host;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that runs the parts of one job at a time. The caller is its first member.
 * Who runs which part is a matter of timing, so a part's result must not depend on it: parts write
 * places of their own, and sums of parts are combined in order afterwards.
 *
 * <p>Idle members may spin for some microseconds, because kernels follow each other closely, before
 * they park. Where another library runs a team of its own in between, they must park at once: a
 * spinning member would hold the core that the other team needs.
 */
final class Workers implements AutoCloseable {
  /** One part of a job; {@code worker} tells which member runs it, 0 … threads − 1. */
  @FunctionalInterface
  interface Part {
    void run(int part, int worker);
  }

  private static final int SPINS = 2_000;

  private static final class Job {
    final Part work;
    final int parts;
    final Thread caller = Thread.currentThread();
    final AtomicInteger next = new AtomicInteger();
    final AtomicInteger left;
    volatile Throwable failure;

    Job(Part work, int parts) {
      this.work = work;
      this.parts = parts;
      this.left = new AtomicInteger(parts);
    }

    void help(int worker) {
      for (int part = next.getAndIncrement(); part < parts; part = next.getAndIncrement()) {
        try {
          work.run(part, worker);
        } catch (Throwable t) {
          failure = t;
        } finally {
          if (left.decrementAndGet() == 0 && worker != 0) {
            LockSupport.unpark(caller);
          }
        }
      }
    }
  }

  private final int idleSpins;
  private final Thread[] threads;
  private volatile Job job;
  private volatile boolean closed;

  Workers(int count, boolean spinning) {
    idleSpins = spinning ? SPINS : 0;
    threads = new Thread[count - 1];
    for (int i = 0; i < threads.length; i++) {
      int worker = i + 1;
      threads[i] = new Thread(() -> serve(worker), "bellman-worker-" + worker);
      threads[i].setDaemon(true);
      threads[i].start();
    }
  }

  int count() {
    return threads.length + 1;
  }

  /** Runs all parts and waits for them; an error of a part is thrown here. */
  void run(int parts, Part work) {
    if (parts <= 1 || threads.length == 0) {
      for (int part = 0; part < parts; part++) {
        work.run(part, 0);
      }
      return;
    }
    Job mine = new Job(work, parts);
    job = mine;
    int helpers = Math.min(threads.length, parts - 1);
    for (int i = 0; i < helpers; i++) {
      LockSupport.unpark(threads[i]);
    }
    mine.help(0);
    for (int spin = 0; mine.left.get() > 0; spin++) {
      if (spin < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.park(this);
      }
    }
    Throwable failure = mine.failure;
    if (failure instanceof Error e) {
      throw e;
    }
    if (failure instanceof RuntimeException e) {
      throw e;
    }
  }

  private void serve(int worker) {
    Job done = null;
    int spin = 0;
    while (!closed) {
      Job current = job;
      if (current != done && current != null) {
        current.help(worker);
        done = current;
        spin = 0;
      } else if (spin++ < idleSpins) {
        Thread.onSpinWait();
      } else {
        LockSupport.park(this);
        spin = 0;
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
  }
}
