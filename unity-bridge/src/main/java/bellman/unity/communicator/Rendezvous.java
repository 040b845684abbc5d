package bellman.unity.communicator;

import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.recording.Recording;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Where the player's call meets the trainer. The player's side leaves a request and the way to
 * answer it; the trainer's side waits for it (parked, never spinning) and answers when it is ready.
 * At most one request is open. Thread-safe: any number of gRPC threads, one trainer thread.
 */
final class Rendezvous {
  static final int OK = 200;
  static final int STOP = 400;

  /** Status 400 and nothing else: both sides' word for "stop". */
  static final UnityMessageProto STOP_MESSAGE =
      UnityMessageProto.newBuilder()
          .setHeader(HeaderProto.newBuilder().setStatus(STOP).build())
          .build();

  /** Hears everything that is said, in its order. */
  interface Witness {
    void heard(Recording.Sender sender, UnityMessageProto message);
  }

  private final Witness witness;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private UnityMessageProto request;
  private Consumer<UnityMessageProto> answer;
  private boolean read;
  private Arrival end;
  private boolean stopped;

  Rendezvous(Witness witness) {
    this.witness = witness;
  }

  /**
   * Player's side: leaves a request. A request with status 400, and every request after {@link
   * #stop}, is answered with 400 at once.
   *
   * @param answer takes the reply, once, on the answering thread
   * @return false when another request is still open; then nothing happened
   */
  boolean arrive(UnityMessageProto message, Consumer<UnityMessageProto> answer) {
    lock.lock();
    try {
      if (this.answer != null) {
        return false;
      }
      witness.heard(Recording.Sender.PLAYER, message);
      if (message.getHeader().getStatus() != STOP && !stopped && end == null) {
        this.request = message;
        this.answer = answer;
        this.read = false;
        changed.signalAll();
        return true;
      }
      if (message.getHeader().getStatus() == STOP) {
        endWith(new Arrival.Quit());
      }
    } finally {
      lock.unlock();
    }
    witness.heard(Recording.Sender.TRAINER, STOP_MESSAGE);
    answer.accept(STOP_MESSAGE);
    return true;
  }

  /** No further request will come. The first reason given stands. Wakes the trainer. */
  void end(Arrival why) {
    lock.lock();
    try {
      endWith(why);
    } finally {
      lock.unlock();
    }
  }

  private void endWith(Arrival why) {
    if (end == null) {
      end = why;
      changed.signalAll();
    }
  }

  /**
   * Trainer's side: waits for a request that was not read yet, or for the end.
   *
   * @throws InterruptedException if the thread is interrupted while it waits
   */
  Arrival await(Duration timeout) throws InterruptedException {
    long left = timeout.toNanos();
    lock.lockInterruptibly();
    try {
      while (end == null && (answer == null || read)) {
        if (left <= 0) {
          return new Arrival.TimedOut();
        }
        left = changed.awaitNanos(left);
      }
      if (end != null) {
        return end;
      }
      read = true;
      return new Arrival.Request(request);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Trainer's side: answers the open request.
   *
   * @return false when no request is open, so that nobody was answered
   */
  boolean reply(UnityMessageProto message) {
    Consumer<UnityMessageProto> to = takeAnswer();
    if (to == null) {
      return false;
    }
    witness.heard(Recording.Sender.TRAINER, message);
    // Outside the lock: over the in-process transport the answer can run the player's next call.
    to.accept(message);
    return true;
  }

  /** Trainer's side: answers the open request, if any, and all later ones with status 400. */
  void stop() {
    lock.lock();
    try {
      stopped = true;
    } finally {
      lock.unlock();
    }
    reply(STOP_MESSAGE);
  }

  private Consumer<UnityMessageProto> takeAnswer() {
    lock.lock();
    try {
      Consumer<UnityMessageProto> to = answer;
      answer = null;
      request = null;
      return to;
    } finally {
      lock.unlock();
    }
  }
}
