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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
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

  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  private Path javaPlayer() throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    return script(
        "exec '%s' -Xshare:auto -XX:TieredStopAtLevel=1 -cp '%s' bellman.unity.PlayerMain \"$@\""
            .formatted(java, classPath()));
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

  /** Best of three: another process may hold the machine for a moment. */
  private static void withinMillis(int limit, Callable<Duration> measured) throws Exception {
    Duration best = Duration.ofDays(1);
    for (int i = 0; i < 3 && best.toMillis() >= limit; i++) {
      Duration one = measured.call();
      best = one.compareTo(best) < 0 ? one : best;
    }
    assertThat(best).isLessThan(Duration.ofMillis(limit));
  }

  private String awaited(String name) throws Exception {
    Path file = dir.resolve(name);
    Instant end = Instant.now().plusSeconds(30);
    while (!Files.exists(file) || Files.size(file) == 0) {
      assertThat(Instant.now()).as("waiting for " + name).isBefore(end);
      Thread.sleep(5);
    }
    return Files.readString(file).strip();
  }

  /** Kills the process whose id stands in the file; returns how long its trainer took to notice. */
  private Duration noticed(String pidFile, Class<?> failure, ThrowingCallable waiting)
      throws Exception {
    CompletableFuture<Instant> end =
        CompletableFuture.supplyAsync(
            () -> {
              assertThatThrownBy(waiting).isInstanceOf(failure);
              return Instant.now();
            },
            task -> new Thread(task).start());
    long pid = Long.parseLong(awaited(pidFile));
    Thread.sleep(50); // so that the trainer waits
    Instant begin = Instant.now();
    assertThat(ProcessHandle.of(pid).orElseThrow().destroyForcibly()).isTrue();
    Duration took = Duration.between(begin, end.get(20, TimeUnit.SECONDS));
    Files.delete(dir.resolve(pidFile));
    return took;
  }

  @Test
  void aDeathBeforeItConnectsIsNoticedWithin200Milliseconds() throws Exception {
    Path file = script("echo $$ > '" + dir + "/pid'; exec sleep 60");
    withinMillis(
        200, () -> noticed("pid", PlayerDiedException.class, () -> open(file).open().close()));
  }

  @Test
  void aDeathDuringAStepIsNoticedWithin200Milliseconds() throws Exception {
    Path file = javaPlayer();
    withinMillis(
        200,
        () -> {
          try (UnityEnvironment env =
              open(file).arguments("--hang", dir.resolve("pid").toString()).open()) {
            env.reset();
            return noticed("pid", PlayerDiedException.class, env::step);
          }
        });
  }

  @Test
  void aPlayerThatIsToldToStopHasNotFailed() throws Exception {
    Path file = script("kill -TERM $$");
    assertThatThrownBy(() -> open(file).open())
        .isInstanceOfSatisfying(PlayerLeftException.class, e -> assertThat(e.intended()).isTrue())
        .hasMessageMatching(
            file
                + " was stopped with exit code 143 \\(killed by signal 15\\) before it connected to"
                + " localhost:\\d+\\. Remedy: nothing, if that was meant; Ctrl-C in a terminal"
                + " reaches the player too\\.");
  }

  private boolean alive(String pidFile) throws Exception {
    return ProcessHandle.of(Long.parseLong(awaited(pidFile)))
        .map(ProcessHandle::isAlive)
        .orElse(false);
  }

  private void endsSoon(String pidFile) throws Exception {
    Instant end = Instant.now().plusSeconds(10);
    while (alive(pidFile)) {
      assertThat(Instant.now()).as(pidFile + " still lives").isBefore(end);
      Thread.sleep(10);
    }
  }

  /** A launcher that starts the game and what helps it, and is killed: nobody is its child then. */
  @Test
  void childrenThatOutliveThePlayerAreEndedToo() throws Exception {
    Path inner = javaPlayer();
    Path launcher = dir.resolve("Launcher.x86_64");
    Files.writeString(
        launcher,
        "#!/bin/sh\nsleep 600 &\necho $! > '%1$s/helper'\n'%2$s' \"$@\" &\necho $! > '%1$s/game'\necho $$ > '%1$s/launcher'\nwait\n"
            .formatted(dir, inner));
    assertThat(launcher.toFile().setExecutable(true)).isTrue();
    try (UnityEnvironment env =
        open(launcher).arguments("--hang", dir.resolve("pid").toString()).open()) {
      noticed(
          "launcher",
          PlayerDiedException.class,
          () -> {
            env.reset();
            env.step();
          });
      assertThat(alive("helper")).isTrue();
    }
    endsSoon("helper");
    endsSoon("game");
  }

  private Process trainer(Path player, String... how) throws Exception {
    List<String> command = new ArrayList<>(List.of(how));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            classPath(),
            TrainerMain.class.getName(),
            player.toString(),
            dir.toString()));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(dir.resolve("trainer.log").toFile())
        .start();
  }

  @Test
  void aTrainerThatIsStoppedTakesItsPlayerAlong() throws Exception {
    Path file =
        script("sleep 600 & echo $! > '%1$s/child'; echo $$ > '%1$s/pid'; wait".formatted(dir));
    Process trainer = trainer(file);
    awaited("pid");
    assertThat(alive("pid") && alive("child")).isTrue();
    trainer.destroy(); // SIGTERM
    assertThat(trainer.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(trainer.exitValue()).isEqualTo(143);
    endsSoon("pid");
    endsSoon("child");
  }

  /** A terminal sends Ctrl-C to trainer and player alike. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void afterCtrlCTheTrainerSavesAlthoughItsPlayerIsGone() throws Exception {
    Path player = dir.resolve("Player.x86_64");
    Files.writeString(
        player, "#!/bin/sh\nexec '%s' \"$@\" --hang '%s/pid'\n".formatted(javaPlayer(), dir));
    assertThat(player.toFile().setExecutable(true)).isTrue();
    // A group of processes of its own, in which the signal is not ignored.
    Process trainer = trainer(player, "setsid", "env", "--default-signal=INT");
    awaited("pid");
    Thread.sleep(100); // so that the trainer waits for its player
    assertThat(
            new ProcessBuilder("kill", "-INT", "--", "-" + trainer.pid())
                .inheritIO()
                .start()
                .waitFor())
        .isZero();
    assertThat(trainer.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(trainer.exitValue()).isEqualTo(130);
    assertThat(awaited("saved"))
        .startsWith(player + " was stopped with exit code 1")
        .contains(" during a step. Remedy: nothing, if that was meant; ");
    endsSoon("pid");
  }

  @Test
  void aDeathShowsTheEndOfTheLog() throws Exception {
    Path file = script("for i in $(seq 1 25); do echo line $i; done; echo broken >&2; exit 3");
    Path log = dir.resolve("logs").resolve("Player-0.out.log");
    PlayerDiedException e =
        catchThrowableOfType(
            PlayerDiedException.class, () -> open(file).logFolder(log.getParent()).open());
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
  void whatTheLogMeansIsSaid() throws Exception {
    String[][] meanings = {
      {
        "Couldn't connect to trainer on port 5005 using API version 1.5.0. Will perform inference"
            + " instead.",
        "it found no trainer on its port and plays on alone. It must be given the port named above"
            + " (--mlagents-port), and its build must not be older than package 1.0."
      },
      {
        "./Game: error while loading shared libraries: libGL.so.1: cannot open shared object file",
        "the library libGL.so.1 is missing on this system; install it."
      },
      {
        "Unable to open display",
        "there is no display. Start it without graphics (-nographics) if it has no camera sensor,"
            + " else under xvfb-run."
      },
      {
        "NullReferenceException: Object reference not set to an instance of an object",
        "a script of the scene threw an exception; its agent may never ask for a decision then."
      }
    };
    for (String[] meaning : meanings) {
      Path file = script("echo \"" + meaning[0] + "\"; exit 1");
      assertThatThrownBy(() -> open(file).open())
          .isInstanceOf(PlayerDiedException.class)
          .hasMessageEndingWith("\n  | " + meaning[0] + "\nIts log says: " + meaning[1]);
    }
    assertThat(LogHints.of("all is well")).isEmpty();
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
