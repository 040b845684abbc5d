package bellman.unity.communicator;

import bellman.unity.proto.UnityMessageProto;

/** What ended a wait of the trainer. */
public sealed interface Arrival {
  /** The player asks; its call waits until {@link TrainerServer#reply}. */
  record Request(UnityMessageProto message) implements Arrival {}

  /** The player said goodbye (status 400) and was answered. */
  record Quit() implements Arrival {}

  /** The player's connection broke, or it cancelled its call. */
  record Lost() implements Arrival {}

  /** The player's message is none of this protocol, or too large: why says what gRPC says. */
  record Unreadable(String why) implements Arrival {}

  /** {@link TrainerServer#playerExited} was called. */
  record Exited() implements Arrival {}

  /** Nothing happened in the time given. */
  record TimedOut() implements Arrival {}
}
