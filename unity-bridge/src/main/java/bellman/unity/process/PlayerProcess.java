package bellman.unity.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A player in a child process. Its output goes to files; it dies with this JVM. */
public final class PlayerProcess implements RunningPlayer {
  private static final Logger LOG = LoggerFactory.getLogger(PlayerProcess.class);

  private final ProcessTree tree;
  private final String name;
  private final List<Path> logs;
  private final boolean deleteOutput;
  private final CompletableFuture<Exit> exit;

  private PlayerProcess(ProcessTree tree, String name, List<Path> logs, boolean deleteOutput) {
    this.tree = tree;
    this.name = name;
    this.logs = logs;
    this.deleteOutput = deleteOutput;
    this.exit = tree.root().onExit().thenApply(p -> new Exit(p.exitValue(), null));
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
    ProcessTree tree;
    try {
      tree =
          ProcessTree.start(
              new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()));
    } catch (IOException e) {
      if (temporary) {
        Files.deleteIfExists(out);
      }
      throw e;
    }
    tree.root().getOutputStream().close();
    LOG.debug("started {} (pid {}), output in {}", command, tree.root().pid(), out);
    return new PlayerProcess(
        tree, command.get(0), log == null ? List.of(out) : List.of(log, out), temporary);
  }

  @Override
  public String name() {
    return name;
  }

  /** The child's process id. */
  public long pid() {
    return tree.root().pid();
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
    interrupted |= tree.end();
    tree.forget();
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
    tree.remember();
  }
}
