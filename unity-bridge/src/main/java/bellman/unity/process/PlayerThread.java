package bellman.unity.process;

import bellman.unity.player.Connection;
import bellman.unity.player.Player;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A player on a daemon thread of this JVM. */
public final class PlayerThread implements RunningPlayer {
  private final Thread thread;
  private final Connection connection;
  private final String name;
  private final CompletableFuture<Exit> exit = new CompletableFuture<>();

  private PlayerThread(Player player, Connection connection) {
    this.connection = connection;
    this.name = "the embedded player " + player.getClass().getSimpleName();
    this.thread = new Thread(() -> play(player), "bellman-player");
    thread.setDaemon(true);
  }

  /** Starts playing; the connection is closed when the player returns. */
  public static PlayerThread start(Player player, Connection connection) {
    PlayerThread running = new PlayerThread(player, connection);
    running.thread.start();
    return running;
  }

  private void play(Player player) {
    Exit how;
    try {
      how = new Exit(player.play(connection), null);
    } catch (RuntimeException | Error e) {
      how = new Exit(1, e);
    }
    // First the reason, then the broken connection it causes.
    exit.complete(how);
    connection.close();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public CompletableFuture<Exit> onExit() {
    return exit;
  }

  @Override
  public String logTail() {
    return "";
  }

  @Override
  public void stop(Duration grace) {
    try {
      exit.get(grace.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      connection.close();
      thread.interrupt();
    } catch (InterruptedException e) {
      connection.close();
      thread.interrupt();
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new AssertionError("an exit has no failure", e);
    }
  }
}
