package bellman.unity.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A player in a child process. Its output goes to files; it dies with this JVM. */
public final class PlayerProcess implements RunningPlayer {
  private static final Logger LOG = LoggerFactory.getLogger(PlayerProcess.class);

  /** Between the polite signal and the one that cannot be refused. */
  private static final Duration POLITE = Duration.ofSeconds(2);

  private final Process process;
  private final String name;
  private final List<Path> logs;
  private final boolean deleteOutput;
  private final Thread killer;
  private final CompletableFuture<Exit> exit;
  private final Set<ProcessHandle> remembered = ConcurrentHashMap.newKeySet();

  private PlayerProcess(Process process, String name, List<Path> logs, boolean deleteOutput) {
    this.process = process;
    this.name = name;
    this.logs = logs;
    this.deleteOutput = deleteOutput;
    this.exit = process.onExit().thenApply(p -> new Exit(p.exitValue(), null));
    this.killer = new Thread(() -> kill(tree()), "bellman-player-killer");
    Runtime.getRuntime().addShutdownHook(killer);
  }

  /**
   * Starts a player with no input; output and errors go to one file.
   *
   * @param command the executable and its arguments
   * @param log the file that the player itself writes its log to, or null; an old one is deleted so
   *     that its end is not mistaken for this run's
   * @param output where output and errors go; null for a temporary file
   * @throws IOException when the process cannot be started
   */
  public static PlayerProcess start(List<String> command, Path log, Path output)
      throws IOException {
    boolean temporary = output == null;
    Path out = temporary ? Files.createTempFile("bellman-player-", ".log") : output;
    if (log != null) {
      Files.deleteIfExists(log);
    }
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    process.getOutputStream().close();
    LOG.debug("started {} (pid {}), output in {}", command, process.pid(), out);
    return new PlayerProcess(
        process, command.get(0), log == null ? List.of(out) : List.of(log, out), temporary);
  }

  @Override
  public String name() {
    return name;
  }

  /** The child's process id. */
  public long pid() {
    return process.pid();
  }

  @Override
  public CompletableFuture<Exit> onExit() {
    return exit;
  }

  @Override
  public String logTail() {
    StringBuilder text = new StringBuilder();
    for (Path log : logs) {
      String tail = LogTail.of(log);
      if (!tail.isEmpty()) {
        text.append("Last lines of ").append(log).append(":\n").append(tail);
      }
    }
    return text.toString();
  }

  @Override
  public void stop(Duration grace) {
    // Once the child is gone its own children can no longer be found through it.
    rememberChildren();
    boolean interrupted = false;
    try {
      exit.get(grace.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.debug("{} did not end within {} ms; ending it", name, grace.toMillis());
    } catch (InterruptedException e) {
      interrupted = true;
    } catch (ExecutionException e) {
      throw new AssertionError("an exit has no failure", e);
    }
    interrupted |= kill(tree());
    try {
      Runtime.getRuntime().removeShutdownHook(killer);
    } catch (IllegalStateException e) {
      LOG.trace("the JVM is shutting down", e);
    }
    if (deleteOutput) {
      try {
        Files.deleteIfExists(logs.get(logs.size() - 1));
      } catch (IOException e) {
        LOG.debug("temporary log left behind", e);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void rememberChildren() {
    process.descendants().forEach(remembered::add);
  }

  /** The child, its descendants, and those of earlier that have lost their parent since. */
  private Set<ProcessHandle> tree() {
    Set<ProcessHandle> tree = new LinkedHashSet<>(remembered);
    tree.add(process.toHandle());
    process.descendants().forEach(tree::add);
    return tree;
  }

  /** Ends every process of the set that is still alive; true if the thread was interrupted. */
  private static boolean kill(Set<ProcessHandle> tree) {
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
}
