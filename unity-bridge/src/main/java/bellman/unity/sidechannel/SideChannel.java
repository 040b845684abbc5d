package bellman.unity.sidechannel;

import java.util.Objects;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A two-way stream of small messages between trainer and player, told apart from others by its id.
 * Messages sent travel with the next reset or step; messages received arrive during it, on the
 * thread that called reset or step. Sending is allowed from any thread.
 */
public abstract class SideChannel {
  private final UUID id;
  private final Queue<byte[]> outgoing = new ConcurrentLinkedQueue<>();

  /** A channel with the id that the player's counterpart has. */
  protected SideChannel(UUID id) {
    this.id = Objects.requireNonNull(id, "id");
  }

  /** The id that both ends share. */
  public final UUID id() {
    return id;
  }

  /**
   * One message of the player. What it throws is logged and the message skipped, so that a bad
   * statistic does not end a run.
   */
  protected abstract void receive(MessageReader message);

  /** Queues a message for the player. */
  protected final void send(MessageWriter message) {
    outgoing.add(message.toByteArray());
  }

  /** The oldest queued message, or null. */
  final byte[] poll() {
    return outgoing.poll();
  }
}
