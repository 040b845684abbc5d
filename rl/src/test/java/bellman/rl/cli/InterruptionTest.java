package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.Outcome;
import bellman.rl.config.RunConfig;
import bellman.rl.observe.Terminal;
import bellman.unity.UnityException;
import bellman.unity.player.Connection;
import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.player.GrpcConnection;
import bellman.unity.proto.UnityMessageProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signals that find a run waiting for a player that somebody else started. */
class InterruptionTest {
  @TempDir private Path results;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Interruption signal = new Interruption();
  private int port;

  @BeforeEach
  void port() throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
  }

  private CompletableFuture<Outcome> training() {
    RunConfig config =
        RunConfig.defaults()
            .with("resultsDir", results.toString())
            .with("runId", "r")
            .with("device", "java")
            .with("listen", "" + port)
            .with("noPictures", "true")
            .with("noProgress", "true");
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    return CompletableFuture.supplyAsync(
        () -> {
          signal.engage();
          try {
            return new Training(config, signal, new Terminal(out, out, false, true, 80)).run();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        task -> new Thread(task, "run").start());
  }

  private void signal() {
    signal.interrupt();
    signal.disturb(); // as when the run has not ended after a while
  }

  private void awaitListening() throws InterruptedException {
    while (true) {
      try (Socket there = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (IOException notYet) {
        Thread.sleep(10);
      }
    }
  }

  /** GridWorld, which answers so often and then hangs. */
  private CountDownLatch hangsAfter(int answers) {
    CountDownLatch hangs = new CountDownLatch(1);
    Connection wire = GrpcConnection.tcp(port);
    Connection hanging =
        new Connection() {
          private int left = answers;

          @Override
          public UnityMessageProto exchange(UnityMessageProto message) {
            if (left-- == 0) {
              hangs.countDown();
              try {
                TimeUnit.MINUTES.sleep(1);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
            return wire.exchange(message);
          }

          @Override
          public void close() {
            wire.close();
          }
        };
    Thread player =
        new Thread(() -> new GridWorldPlayer(GridWorldOptions.defaults()).play(hanging));
    player.setDaemon(true);
    player.start();
    return hangs;
  }

  @Test
  void aRunWhosePlayerHangsIsSaved() throws Exception {
    CompletableFuture<Outcome> run = training();
    awaitListening();
    assertThat(hangsAfter(20).await(20, TimeUnit.SECONDS)).isTrue();
    signal();
    Outcome outcome = run.get(20, TimeUnit.SECONDS);
    assertThat(outcome.reason()).isEqualTo(Outcome.Reason.INTERRUPTED);
    assertThat(outcome.step()).isBetween(10L, 20L);
    String name = "r/GridWorld/checkpoint/step-%09d".formatted(outcome.step());
    assertThat(results.resolve(name + ".safetensors")).exists();
    assertThat(results.resolve(name + ".replay.gz")).exists();
    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("saved at step " + outcome.step() + "; go on with it by")
        .doesNotContain("warning");
  }

  /** Or what it writes on its way to the save would find its channels closed. */
  @Test
  void aRunThatKnowsIsLeftAlone() {
    signal.engage();
    assertThat(signal.getAsBoolean()).isFalse();
    signal();
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    assertThat(signal.getAsBoolean()).isTrue();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    signal.disturb();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void whoWaitsForPlayWaitsNoLonger() throws Exception {
    CompletableFuture<Outcome> run = training();
    awaitListening();
    signal();
    assertThatThrownBy(() -> run.get(20, TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(UnityException.class)
        .hasMessage("interrupted while waiting for the player");
  }
}
