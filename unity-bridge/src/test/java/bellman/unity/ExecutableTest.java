package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Players that are processes: small shell scripts, and one real player in its own JVM. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class ExecutableTest {
  @TempDir Path dir;

  private Path script(String body) throws Exception {
    Path file = dir.resolve("Game.x86_64");
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }

  private UnityEnvironment.Builder open(Path file) {
    return UnityEnvironment.executable(file).basePort(0).timeoutWait(Duration.ofSeconds(30));
  }

  private Path javaPlayer() throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return script(
        "exec '%s' -Xshare:auto -XX:TieredStopAtLevel=1 -cp '%s' bellman.unity.PlayerMain \"$@\""
            .formatted(java, classes));
  }

  @Test
  void aPlayerIsStartedPlayedAndEnded() throws Exception {
    Path logs = dir.resolve("logs");
    int port;
    try (UnityEnvironment env =
        open(javaPlayer())
            .workerId(3)
            .basePort(0)
            .noGraphics(true)
            .arguments("--colour", "red")
            .logFolder(logs)
            .open()) {
      port = env.port().orElseThrow();
      env.reset();
      assertThat(env.steps(Says.WALKER).decisions().agent(0).values(0)).containsExactly(1, 2);
      env.step();
      env.step();
    }
    assertThat(Files.readString(logs.resolve("Player-3.out.log")))
        .contains(
            "arguments [-nographics, -batchmode, --mlagents-port, %d, -logFile, %s, --colour, red]"
                .formatted(port, logs.resolve("Player-3.log")))
        .contains("stopped with header {\n  status: 400");
  }

  @Test
  void aLogFileAmongTheArgumentsIsLeftAlone() throws Exception {
    Path logs = dir.resolve("logs");
    Path file = script("echo \"$@\"; exit 0");
    assertThatThrownBy(() -> open(file).logFolder(logs).arguments("-LOGFILE", "mine.log").open())
        .isInstanceOf(PlayerDiedException.class);
    assertThat(Files.readString(logs.resolve("Player-0.out.log")))
        .matches("--mlagents-port \\d+ -LOGFILE mine.log\n");
  }

  @Test
  void onlyWorkerZeroKeepsItsWindowUnderAMonitor() throws Exception {
    Path logs = dir.resolve("logs");
    Path file = script("echo \"$@\"; exit 0");
    for (int worker : List.of(0, 1)) {
      assertThatThrownBy(
              () -> open(file).workerId(worker).noGraphicsMonitor(true).logFolder(logs).open())
          .isInstanceOf(PlayerDiedException.class);
    }
    assertThat(Files.readString(logs.resolve("Player-0.out.log"))).startsWith("--mlagents-port ");
    assertThat(Files.readString(logs.resolve("Player-1.out.log")))
        .startsWith("-nographics -batchmode --mlagents-port ");
  }

  @Test
  void aDeathInTheMiddleOfAStepNamesTheExitCode() throws Exception {
    try (UnityEnvironment env = open(javaPlayer()).arguments("--die").open()) {
      env.reset();
      env.step();
      env.step();
      PlayerDiedException e = catchThrowableOfType(PlayerDiedException.class, env::step);
      assertThat(e.exitCode()).isEqualTo(7);
      assertThat(e).hasMessageContaining("ended with exit code 7 during a step");
    }
  }

  @Test
  void aDeathIsNoticedAtOnceAndShowsTheEndOfTheLog() throws Exception {
    Path file = script("for i in $(seq 1 25); do echo line $i; done; echo broken >&2; exit 3");
    Path log = dir.resolve("logs").resolve("Player-0.out.log");
    Instant begin = Instant.now();
    PlayerDiedException e =
        catchThrowableOfType(
            PlayerDiedException.class, () -> open(file).logFolder(log.getParent()).open());
    assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(10));
    assertThat(e.exitCode()).isEqualTo(3);
    StringBuilder tail = new StringBuilder();
    for (int i = 7; i <= 25; i++) {
      tail.append("  | line ").append(i).append('\n');
    }
    assertThat(e.getMessage().replaceAll("localhost:\\d+", "localhost:P"))
        .isEqualTo(
            file
                + " ended with exit code 3 before it connected to localhost:P. Remedy: see the last"
                + " lines of its log.\nLast lines of "
                + log
                + ":\n"
                + tail
                + "  | broken");
  }

  @Test
  void whatUnityWritesToItsOwnLogIsShownToo() throws Exception {
    Path file = script("echo inside > \"$4\"; kill -9 $$");
    Path logs = dir.resolve("logs");
    Files.createDirectories(logs);
    Files.writeString(logs.resolve("Player-0.log"), "of an older run");
    assertThatThrownBy(() -> open(file).logFolder(logs).open())
        .isInstanceOf(PlayerDiedException.class)
        .hasMessageContaining(" ended with exit code 137 (killed by signal 9) ")
        .hasMessageEndingWith("Last lines of " + logs.resolve("Player-0.log") + ":\n  | inside");
  }

  @Test
  void aPlayerThatNeverCallsIsNamedAndEnded() throws Exception {
    Path file =
        script("echo $$ > '" + dir + "/pid'; sleep 600 & echo $! > '" + dir + "/child'; wait");
    assertThatThrownBy(() -> open(file).timeoutWait(Duration.ofMillis(1500)).open())
        .isInstanceOf(UnityTimeoutException.class)
        .hasMessageMatching(
            "nobody connected to localhost:\\d+ within 1\\.5 s\\. Remedy: "
                + file
                + " is running: check that its scene holds an agent of behavior type Default, and"
                + " raise timeoutWait \\(--timeout-wait\\) if it starts slowly\\.");
    for (String name : List.of("pid", "child")) {
      long pid = Long.parseLong(Files.readString(dir.resolve(name)).trim());
      assertThat(ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false))
          .as(name + " " + pid)
          .isFalse();
    }
  }

  @Test
  void aPlayerThatIgnoresThePoliteSignalIsKilled() throws Exception {
    Path file = script("trap '' TERM; echo $$ > '" + dir + "/pid'; while true; do sleep 1; done");
    assertThatThrownBy(() -> open(file).timeoutWait(Duration.ofMillis(1500)).open())
        .isInstanceOf(UnityTimeoutException.class);
    long pid = Long.parseLong(Files.readString(dir.resolve("pid")).trim());
    ProcessHandle.of(pid).ifPresent(p -> p.onExit().join());
  }

  @Test
  void missingAndForbiddenFilesHaveTheirOwnMessages() throws Exception {
    assertThatThrownBy(() -> open(dir.resolve("None")).open())
        .isInstanceOf(PlayerNotFoundException.class)
        .hasMessage(
            "%1$s: no player there; looked for %1$s.x86_64, %1$s.x86, %1$s. Remedy: name the file"
                    .formatted(dir.resolve("None"))
                + " that Unity built, relative to the current folder or in full");
    Path file = script("exit 0");
    assertThat(file.toFile().setExecutable(false)).isTrue();
    assertThatThrownBy(() -> open(file).open())
        .isInstanceOf(PlayerNotFoundException.class)
        .hasMessage("%1$s: is not executable. Remedy: chmod +x %1$s".formatted(file));
    Files.writeString(file, "#!" + dir + "/no-such-interpreter\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    assertThatThrownBy(() -> open(file).open())
        .isInstanceOf(PlayerNotFoundException.class)
        .hasMessageStartingWith(file + ": the player cannot be started: ")
        .hasMessageEndingWith("Remedy: check that it was built for this system.");
  }

  @Test
  void withoutAPortOfItsOwnFreeOnesAreLookedFor() throws Exception {
    Path file = script("echo $2 > '" + dir + "/port'; exit 5");
    int worker = 20_000;
    try (ServerSocket taken =
        new ServerSocket(
            UnityEnvironment.BASE_PORT + worker, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> UnityEnvironment.executable(file).workerId(worker).open())
          .isInstanceOf(PlayerDiedException.class);
      assertThat(Integer.parseInt(Files.readString(dir.resolve("port")).trim()))
          .isGreaterThan(taken.getLocalPort());
    }
  }

  @Test
  void temporaryOutputIsDeleted() throws Exception {
    Path file = script("exit 4");
    PlayerDiedException e =
        catchThrowableOfType(
            PlayerDiedException.class, () -> open(script("echo hi; exit 4")).open());
    assertThat(e).hasMessageEndingWith("  | hi");
    String output =
        e.getMessage().lines().filter(l -> l.startsWith("Last lines of")).findFirst().get();
    Path log = Path.of(output.substring("Last lines of ".length(), output.length() - 1));
    assertThat(log).doesNotExist();
    assertThat(file).exists();
    try (Stream<Path> files = Files.list(dir)) {
      assertThat(files).containsExactly(file);
    }
  }
}
