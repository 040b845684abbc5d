package bellman.unity;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A trainer in a process of its own: steps the player that its first argument names until that is
 * stopped, then saves the reason to the file "saved" of the folder that is its second, slowly.
 */
final class TrainerMain {
  private TrainerMain() {}

  public static void main(String[] arguments) throws Exception {
    CountDownLatch saved = new CountDownLatch(1);
    Path folder = Path.of(arguments[1]);
    try (UnityEnvironment env = UnityEnvironment.executable(arguments[0]).basePort(0).open()) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> await(saved)));
      env.reset();
      while (true) {
        env.step();
      }
    } catch (PlayerLeftException e) {
      if (e.intended()) {
        Thread.sleep(500);
        Files.writeString(folder.resolve("saved"), e.getMessage());
      }
    } finally {
      saved.countDown();
    }
  }

  private static void await(CountDownLatch saved) {
    try {
      saved.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
