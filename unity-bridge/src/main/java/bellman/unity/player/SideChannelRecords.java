package bellman.unity.player;

import bellman.unity.player.EnvironmentParameters.Parameter;
import bellman.unity.player.EnvironmentParameters.Parameter.Kind;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what a trainer sends beside its actions: records of a 16-byte channel id (its first three
 * groups little-endian), a length and a payload, all numbers little-endian. A record that cannot be
 * understood is logged and skipped.
 */
final class SideChannelRecords {
  static final UUID ENGINE_CONFIGURATION = UUID.fromString("e951342c-4f7e-11ea-b238-784f4387d1f7");
  static final UUID ENVIRONMENT_PARAMETERS =
      UUID.fromString("534c891e-810f-11ea-a9d0-822485860400");
  static final UUID TRAINING_ANALYTICS = UUID.fromString("b664a4a9-d86f-5a5f-95cb-e8353a7e8356");

  private static final Logger log = LoggerFactory.getLogger(SideChannelRecords.class);
  private static final int TIME_SCALE = 2;

  private final Set<UUID> unknown = new HashSet<>();

  /** Hands every parameter and every time scale in {@code bytes} over, in order. */
  void read(ByteString bytes, Consumer<Parameter> parameters, Consumer<Float> timeScale) {
    ByteBuffer in = bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      if (in.remaining() < 20) {
        log.error("side channels: {} bytes left over, a record needs 20; dropped", in.remaining());
        return;
      }
      UUID channel = channel(in);
      int length = in.getInt();
      if (length < 0 || length > in.remaining()) {
        log.error(
            "side channels: a record of channel {} claims {} bytes, {} are left; dropped",
            channel,
            length,
            in.remaining());
        return;
      }
      ByteBuffer payload = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      in.position(in.position() + length);
      try {
        if (channel.equals(ENVIRONMENT_PARAMETERS)) {
          parameters.accept(parameter(payload));
        } else if (channel.equals(ENGINE_CONFIGURATION)) {
          // Window size, quality and frame rates mean nothing without a screen.
          if (nextInt(payload) == TIME_SCALE) {
            timeScale.accept(nextFloat(payload));
          }
        } else if (!channel.equals(TRAINING_ANALYTICS) && unknown.add(channel)) {
          log.warn(
              "side channels: nobody here listens to channel {}; its messages are dropped",
              channel);
        }
      } catch (RuntimeException e) {
        log.error("side channels: a message of channel {} is skipped", channel, e);
      }
    }
  }

  private static UUID channel(ByteBuffer in) {
    long first = in.getInt() & 0xFFFFFFFFL;
    long second = in.getShort() & 0xFFFFL;
    long third = in.getShort() & 0xFFFFL;
    return new UUID(first << 32 | second << 16 | third, Long.reverseBytes(in.getLong()));
  }

  private static Parameter parameter(ByteBuffer in) {
    byte[] name = new byte[Math.max(0, Math.min(nextInt(in), in.remaining()))];
    in.get(name);
    String text = new String(name, StandardCharsets.US_ASCII);
    int sort = nextInt(in);
    if (sort == 0) {
      return Parameter.of(text, Kind.VALUE, 0, List.of(nextFloat(in)));
    }
    if (sort != 1) {
      throw new IllegalArgumentException(
          "environment parameter '%s' is of kind %d; known are 0 value, 1 sampler"
              .formatted(text, sort));
    }
    int seed = nextInt(in);
    int sampler = nextInt(in);
    return switch (sampler) {
      case 0 -> Parameter.of(text, Kind.UNIFORM, seed, List.of(nextFloat(in), nextFloat(in)));
      case 1 -> Parameter.of(text, Kind.GAUSSIAN, seed, List.of(nextFloat(in), nextFloat(in)));
      case 2 -> {
        List<Float> ends = new ArrayList<>();
        for (int left = Math.min(nextInt(in), in.remaining() / 4); left > 0; left--) {
          ends.add(nextFloat(in));
        }
        yield Parameter.of(text, Kind.MULTI_RANGE, seed, ends);
      }
      default ->
          throw new IllegalArgumentException(
              "environment parameter '%s' has sampler %d; known are 0 uniform, 1 gaussian, 2 multi-range"
                  .formatted(text, sampler));
    };
  }

  // Past its end a message reads as zeros, as in Unity.
  private static int nextInt(ByteBuffer in) {
    return in.remaining() < 4 ? 0 : in.getInt();
  }

  private static float nextFloat(ByteBuffer in) {
    return in.remaining() < 4 ? 0 : in.getFloat();
  }
}
