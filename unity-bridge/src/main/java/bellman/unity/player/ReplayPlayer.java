package bellman.unity.player;

import bellman.unity.proto.UnityMessageProto;
import bellman.unity.recording.Recording;
import io.grpc.StatusRuntimeException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says again what a recorded player said, whatever it is answered, and then goodbye. */
public final class ReplayPlayer implements Player {
  private static final Logger log = LoggerFactory.getLogger(ReplayPlayer.class);

  private final List<UnityMessageProto> messages;
  private volatile int said;

  /**
   * The player of a recording.
   *
   * @throws IllegalArgumentException when it holds no message of a player
   */
  public ReplayPlayer(Recording recording) {
    messages = recording.of(Recording.Sender.PLAYER);
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("the recording holds no message of a player");
    }
  }

  /** How many messages it has to say. */
  public int messages() {
    return messages.size();
  }

  /** How many of them it has begun to say. */
  public int said() {
    return said;
  }

  /**
   * Says them to the trainer that listens on a port of this machine.
   *
   * @return 0, or 1 when there is no trainer, which the log says
   */
  public int play(int port) {
    try (GrpcConnection connection = GrpcConnection.tcp(port)) {
      return play(connection);
    }
  }

  @Override
  public int play(Connection connection) {
    try {
      for (UnityMessageProto message : messages) {
        said++;
        UnityMessageProto reply = connection.exchange(message);
        if (reply.getHeader().getStatus() != PlayerMessages.OK) {
          return 0;
        }
      }
      connection.exchange(PlayerMessages.goodbye());
      return 0;
    } catch (StatusRuntimeException e) {
      if (said == 1) {
        log.error(
            "no trainer answered at {} ({}); start it first and give its port",
            connection,
            e.getStatus().getCode());
        return 1;
      }
      log.info("The trainer is gone after message {} ({})", said, e.getMessage());
      return 0;
    }
  }
}
