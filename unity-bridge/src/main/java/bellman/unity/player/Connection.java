package bellman.unity.player;

import bellman.unity.proto.UnityMessageProto;

/** A player's end of the wire: one call in flight, answered by the trainer when it is ready. */
public interface Connection extends AutoCloseable {
  /**
   * Sends one message and waits, without a deadline, for the trainer's answer.
   *
   * @throws io.grpc.StatusRuntimeException when the trainer cannot be reached or went away
   */
  UnityMessageProto exchange(UnityMessageProto message);

  @Override
  void close();
}
