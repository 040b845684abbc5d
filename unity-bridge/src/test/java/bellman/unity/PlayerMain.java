package bellman.unity;

import bellman.unity.player.GrpcConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * A scripted player in a process of its own, started like a Unity build. {@code --die}: exits with
 * 7 at the end of its script. {@code --hang FILE}: writes its process id there instead of its
 * second report, and says no more.
 */
final class PlayerMain {
  private PlayerMain() {}

  public static void main(String[] arguments) throws Exception {
    List<String> all = List.of(arguments);
    System.out.println("arguments " + all);
    int port = Integer.parseInt(all.get(all.indexOf("--mlagents-port") + 1));
    var agent = Says.agent(0, 0.5f, Says.vector(1, 2));
    if (all.contains("--hang")) {
      Path file = Path.of(all.get(all.indexOf("--hang") + 1));
      try (GrpcConnection trainer = GrpcConnection.tcp(port)) {
        trainer.exchange(Says.hello());
        trainer.exchange(Says.loaded());
        trainer.exchange(Says.firstAgents(List.of(2), agent));
        Path part =
            Files.writeString(file.resolveSibling("part"), "" + ProcessHandle.current().pid());
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        Thread.sleep(60_000);
      }
    }
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
