package bellman.unity;

import bellman.unity.player.GrpcConnection;
import bellman.unity.player.Player;
import bellman.unity.process.PlayerThread;
import java.time.Duration;
import java.util.function.UnaryOperator;

/** The two ways a message travels; every protocol test runs over both. */
enum Transport {
  IN_PROCESS {
    @Override
    UnityEnvironment.Builder builder(Player player) {
      return UnityEnvironment.embedded(player);
    }
  },
  TCP {
    @Override
    UnityEnvironment.Builder builder(Player player) {
      return UnityEnvironment.listen(0)
          .onListening(port -> PlayerThread.start(player, GrpcConnection.tcp(port)));
    }
  };

  abstract UnityEnvironment.Builder builder(Player player);

  UnityEnvironment open(Player player) {
    return open(player, settings -> settings);
  }

  UnityEnvironment open(Player player, UnaryOperator<UnityEnvironment.Builder> settings) {
    return settings.apply(builder(player).timeoutWait(Duration.ofSeconds(20))).open();
  }
}
