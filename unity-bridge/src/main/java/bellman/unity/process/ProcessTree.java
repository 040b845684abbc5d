package bellman.unity.process;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A child process and all that it starts. None of them outlives this JVM, even if that is stopped
 * while the child is being started.
 */
final class ProcessTree {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessTree.class);

  /** Between the polite signal and the one that cannot be refused. */
  private static final Duration POLITE = Duration.ofSeconds(2);

  private final Thread atExit = new Thread(this::endAtExit, "bellman-player-killer");
  private final Set<ProcessHandle> remembered = ConcurrentHashMap.newKeySet();
  private Process root;
  private boolean exiting;

  private ProcessTree() {}

  /**
   * Starts the child.
   *
   * @throws IOException when it cannot be started, or this JVM is about to end
   */
  static ProcessTree start(ProcessBuilder command) throws IOException {
    ProcessTree tree = new ProcessTree();
    // First the hook, then the child, or a signal between the two would leave the child behind.
    try {
      Runtime.getRuntime().addShutdownHook(tree.atExit);
    } catch (IllegalStateException e) {
      throw new IOException("this program is being stopped", e);
    }
    try {
      tree.startRoot(command);
    } catch (IOException e) {
      tree.forget();
      throw e;
    }
    return tree;
  }

  private synchronized void startRoot(ProcessBuilder command) throws IOException {
    if (exiting) {
      throw new IOException("this program is being stopped");
    }
    root = command.start();
  }

  private void endAtExit() {
    boolean started;
    synchronized (this) {
      exiting = true;
      started = root != null;
    }
    if (started) {
      end();
    }
  }

  /** The child. */
  Process root() {
    return root;
  }

  /** Looks what the child has started: once it is gone, nobody is its descendant. */
  void remember() {
    root.descendants().forEach(remembered::add);
  }

  /** Ends all of them that still live; true if the thread was interrupted meanwhile. */
  boolean end() {
    Set<ProcessHandle> tree = new LinkedHashSet<>(remembered);
    tree.add(root.toHandle());
    root.descendants().forEach(tree::add);
    tree.removeIf(p -> !p.isAlive());
    tree.forEach(ProcessHandle::destroy);
    CompletableFuture<?> all =
        CompletableFuture.allOf(
            tree.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new));
    boolean interrupted = false;
    try {
      all.get(POLITE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.debug("some of {} ignored the polite signal", tree);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    tree.forEach(ProcessHandle::destroyForcibly);
    return interrupted;
  }

  /** All have ended; the end of this JVM is no concern of theirs. */
  void forget() {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      LOG.trace("the JVM is shutting down", e);
    }
  }
}
