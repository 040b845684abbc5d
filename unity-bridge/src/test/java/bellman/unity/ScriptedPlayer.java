package bellman.unity;

import bellman.unity.player.Connection;
import bellman.unity.player.Player;
import bellman.unity.proto.UnityMessageProto;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Says what it was told to say, and keeps what it was answered. Ends at its script's end or 400.
 */
final class ScriptedPlayer implements Player {
  private final List<UnityMessageProto> script;
  final List<UnityMessageProto> replies = new CopyOnWriteArrayList<>();

  ScriptedPlayer(List<UnityMessageProto> script) {
    this.script = List.copyOf(script);
  }

  ScriptedPlayer(UnityMessageProto... script) {
    this(List.of(script));
  }

  @Override
  public int play(Connection connection) {
    for (UnityMessageProto message : script) {
      UnityMessageProto reply = connection.exchange(message);
      replies.add(reply);
      if (reply.getHeader().getStatus() != 200) {
        return 0;
      }
    }
    return 0;
  }
}
