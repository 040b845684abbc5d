package bellman.unity;

import bellman.unity.player.Connection;
import bellman.unity.player.Player;
import bellman.unity.proto.UnityMessageProto;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Says what it was told to say, and keeps what it was answered. Ends at its script's end or 400.
 */
final class ScriptedPlayer implements Player {
  private final List<UnityMessageProto> script;
  private final List<UnityMessageProto> replies = new CopyOnWriteArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);

  ScriptedPlayer(List<UnityMessageProto> script) {
    this.script = List.copyOf(script);
  }

  ScriptedPlayer(UnityMessageProto... script) {
    this(List.of(script));
  }

  @Override
  public int play(Connection connection) {
    try {
      for (UnityMessageProto message : script) {
        UnityMessageProto reply = connection.exchange(message);
        replies.add(reply);
        if (reply.getHeader().getStatus() != 200) {
          return 0;
        }
      }
      return 0;
    } finally {
      ended.countDown();
    }
  }

  /** What it was answered, once it has ended. */
  List<UnityMessageProto> replies() {
    try {
      if (!ended.await(20, TimeUnit.SECONDS)) {
        throw new AssertionError("the player still plays after " + replies.size() + " replies");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return replies;
  }
}
