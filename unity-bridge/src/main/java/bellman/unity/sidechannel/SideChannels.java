package bellman.unity.sidechannel;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The channels of one environment and the bytes they share. The field on the wire is a row of
 * records: id (16 bytes, its first three groups little-endian), length (int32), message.
 */
public final class SideChannels {
  private static final Logger LOG = LoggerFactory.getLogger(SideChannels.class);
  private static final int HEADER_BYTES = 20;

  private final Map<UUID, SideChannel> channels = new LinkedHashMap<>();
  private final Set<UUID> unknown = new HashSet<>();

  /**
   * @throws IllegalArgumentException when two channels share an id
   */
  public SideChannels(Collection<? extends SideChannel> channels) {
    for (SideChannel channel : channels) {
      SideChannel other = this.channels.putIfAbsent(channel.id(), channel);
      if (other != null) {
        throw new IllegalArgumentException(
            "side channels: "
                + other.getClass().getSimpleName()
                + " and "
                + channel.getClass().getSimpleName()
                + " share the id "
                + channel.id()
                + "; messages could not be told apart, so give each its own");
      }
    }
  }

  /** Takes all queued messages, channel after channel in the order of registration. */
  public byte[] drain() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (SideChannel channel : channels.values()) {
      for (byte[] message = channel.poll(); message != null; message = channel.poll()) {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        putId(header, channel.id());
        header.order(ByteOrder.LITTLE_ENDIAN).putInt(message.length);
        out.writeBytes(header.array());
        out.writeBytes(message);
      }
    }
    return out.toByteArray();
  }

  /**
   * Hands the player's messages to their channels. A message for an id nobody registered is dropped
   * with a warning (one per id).
   *
   * @throws IllegalArgumentException when a record is cut off
   */
  public void deliver(ByteBuffer bytes) {
    ByteBuffer in = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      if (in.remaining() < HEADER_BYTES) {
        throw new IllegalArgumentException(
            "side channel: a record is cut off: "
                + in.remaining()
                + " bytes left, its head has 20");
      }
      UUID id = getId(in);
      int length = in.getInt();
      if (length < 0 || length > in.remaining()) {
        throw new IllegalArgumentException(
            "side channel "
                + id
                + ": a record says its length is "
                + length
                + " but "
                + in.remaining()
                + " bytes are left");
      }
      ByteBuffer message = in.slice(in.position(), length);
      in.position(in.position() + length);
      SideChannel channel = channels.get(id);
      if (channel != null) {
        try {
          channel.receive(new MessageReader(message));
        } catch (RuntimeException e) {
          LOG.error(
              "side channel {} ({}): a message was skipped",
              id,
              channel.getClass().getSimpleName(),
              e);
        }
      } else if (unknown.add(id)) {
        LOG.warn(
            "side channel {}: the player sent a message but no such channel is registered;"
                + " its messages are dropped. Register a SideChannel with this id to read them.",
            id);
      }
    }
  }

  private static void putId(ByteBuffer out, UUID id) {
    long high = id.getMostSignificantBits();
    out.order(ByteOrder.LITTLE_ENDIAN)
        .putInt((int) (high >>> 32))
        .putShort((short) (high >>> 16))
        .putShort((short) high);
    out.order(ByteOrder.BIG_ENDIAN).putLong(id.getLeastSignificantBits());
  }

  private static UUID getId(ByteBuffer in) {
    long high = (in.getInt() & 0xFFFF_FFFFL) << 32;
    high |= (in.getShort() & 0xFFFFL) << 16;
    high |= in.getShort() & 0xFFFFL;
    long low = in.order(ByteOrder.BIG_ENDIAN).getLong();
    in.order(ByteOrder.LITTLE_ENDIAN);
    return new UUID(high, low);
  }
}
