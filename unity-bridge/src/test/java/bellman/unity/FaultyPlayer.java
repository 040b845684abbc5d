package bellman.unity;

import bellman.unity.proto.UnityMessageProto;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A player over TCP that says what it should until one message, where something goes wrong. */
final class FaultyPlayer {
  /** What goes wrong; it acts instead of the message at hand and returns the answer. */
  interface Fault {
    UnityMessageProto strike(UnityMessageProto message, RawConnection trainer)
        throws InterruptedException;
  }

  private final List<UnityMessageProto> script;
  private final int at;
  private final Fault fault;
  private final CompletableFuture<StatusRuntimeException> refused = new CompletableFuture<>();

  /** Strikes at message {@code at} of the script, from 0. */
  FaultyPlayer(int at, Fault fault, UnityMessageProto... script) {
    this.script = List.of(script);
    this.at = at;
    this.fault = fault;
  }

  /** Says it late. */
  static Fault delay(Duration time) {
    return (message, trainer) -> {
      Thread.sleep(time.toMillis());
      return trainer.exchange(message);
    };
  }

  /** Says nothing any more, but stays. */
  static Fault drop(CountDownLatch until) {
    return (message, trainer) -> {
      until.await();
      return Says.status(400);
    };
  }

  /** Breaks the connection. */
  static Fault kill() {
    return (message, trainer) -> {
      trainer.close();
      return Says.status(400);
    };
  }

  /** Says other bytes. */
  static Fault garbage(UnaryOperator<byte[]> change) {
    return (message, trainer) -> {
      trainer.exchange(change.apply(message.toByteArray()));
      throw new AssertionError("garbage was answered");
    };
  }

  /** Says something else. */
  static Fault instead(UnityMessageProto other) {
    return (message, trainer) -> trainer.exchange(other);
  }

  /** Opens a trainer for it. */
  UnityEnvironment open(Duration timeout) {
    return UnityEnvironment.listen(0)
        .timeoutWait(timeout)
        .onListening(
            port -> {
              Thread thread = new Thread(() -> play(port), "faulty-player");
              thread.setDaemon(true);
              thread.start();
            })
        .open();
  }

  private void play(int port) {
    try (RawConnection trainer = new RawConnection(port)) {
      for (int i = 0; i < script.size(); i++) {
        UnityMessageProto message = script.get(i);
        UnityMessageProto reply =
            i == at ? fault.strike(message, trainer) : trainer.exchange(message);
        if (reply.getHeader().getStatus() != 200) {
          return;
        }
      }
    } catch (StatusRuntimeException e) {
      refused.complete(e);
    } catch (InterruptedException | RuntimeException | Error e) {
      refused.completeExceptionally(e);
    }
  }

  /** How the trainer's end refused what it was sent. */
  StatusRuntimeException refused() throws Exception {
    return refused.get(20, TimeUnit.SECONDS);
  }
}
