package bellman.unity;

import bellman.unity.player.GrpcConnection;
import java.util.List;

/** A scripted player in a process of its own, started like a Unity build. */
final class PlayerMain {
  private PlayerMain() {}

  public static void main(String[] arguments) {
    List<String> all = List.of(arguments);
    System.out.println("arguments " + all);
    int port = Integer.parseInt(all.get(all.indexOf("--mlagents-port") + 1));
    var agent = Says.agent(0, 0.5f, Says.vector(1, 2));
    ScriptedPlayer player =
        new ScriptedPlayer(
            Says.hello(),
            Says.loaded(),
            Says.firstAgents(List.of(2), agent),
            Says.agents(agent),
            Says.agents(agent));
    int code;
    try (GrpcConnection connection = GrpcConnection.tcp(port)) {
      code = player.play(connection);
    }
    System.out.println("stopped with " + player.replies().get(player.replies().size() - 1));
    System.exit(all.contains("--die") ? 7 : code);
  }
}
