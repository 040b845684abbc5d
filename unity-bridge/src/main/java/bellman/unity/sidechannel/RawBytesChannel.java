package bellman.unity.sidechannel;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Bytes without a format, both ways. */
public final class RawBytesChannel extends SideChannel {
  private final List<byte[]> received = new ArrayList<>();

  /** With the id that the player's counterpart was given. */
  public RawBytesChannel(UUID id) {
    super(id);
  }

  /** Queues one message; the bytes are copied. */
  public void send(byte... bytes) {
    send(new MessageWriter().raw(bytes));
  }

  /** Takes all messages received since the last call, oldest first. */
  public synchronized List<byte[]> drain() {
    List<byte[]> taken = List.copyOf(received);
    received.clear();
    return taken;
  }

  @Override
  protected synchronized void receive(MessageReader message) {
    received.add(message.raw());
  }
}
