package bellman.unity.player;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.player.GridWorldInstaller.Platform;
import bellman.unity.player.ScriptedTrainer.Transport;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class GridWorldProcessTest {
  @TempDir Path folder;

  private static Player process(String... args) {
    return connection -> GridWorldProcess.run(args);
  }

  @Test
  void playsWithTheLastPortAndItsOwnOptionsAndIgnoresUnitys() throws Exception {
    Path log = folder.resolve("logs").resolve("Player-0.log");
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.TCP)) {
      trainer.start(
          process(
              "gridworld",
              "-nographics",
              "-batchmode",
              "--mlagents-port",
              "1",
              "--mlagents-port",
              String.valueOf(trainer.port()),
              "-logFile",
              log.toString(),
              "--agents",
              "4",
              "--grid-size",
              "3",
              "--plus-goals",
              "2",
              "--ex-goals",
              "0",
              "--package",
              "2.0",
              "--no-masks",
              "--whatever"));
      var first = ScriptedTrainer.infos(trainer.reset(9, ""));
      assertThat(first).hasSize(4).allMatch(info -> info.getActionMaskCount() == 0);
      GridWorld same =
          new GridWorld(GridWorldOptions.defaults().withAgents(4).withGrid(3, 2, 0), 9);
      same.begin(3);
      try (PngEncoder png = new PngEncoder(84, 64)) {
        assertThat(first.get(3).getObservations(0))
            .isEqualTo(
                PlayerMessages.picture(
                    png.encode(GridWorldPicture.draw(same.area(3).state())), false));
      }
      trainer.stop();
      assertThat(trainer.exitCode()).isZero();
    }
    assertThat(log)
        .hasContent(
            """
            [INFO] Connected to trainer 1.1.0 (API 1.5.0), seed 9, 4 agents
            [INFO] The trainer is done (status 400); GridWorld ends
            """);
  }

  @Test
  void withoutATrainerItFailsAndSaysSo() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Path log = folder.resolve("player.log");
    assertThat(
            GridWorldProcess.run(
                new String[] {"--mlagents-port", String.valueOf(port), "-logfile", log.toString()}))
        .isOne();
    assertThat(log)
        .hasContent(
            "[SEVERE] GridWorld could not connect to a trainer at localhost:%d (UNAVAILABLE); start the trainer first and give its port%n"
                .formatted(port));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--agents 2 | gridworld: no --mlagents-port; start a trainer and give its port, 5004 for one that waits for the Editor, 5005 and up else",
        "--mlagents-port five | gridworld: --mlagents-port is 'five'; a whole number is needed",
        "--mlagents-port 70000 | gridworld: --mlagents-port is 70000; ports are 1 to 65535",
        "--mlagents-port | gridworld: --mlagents-port needs a value",
        "--mlagents-port 5005 --agents 0 | gridworld: agents is 0; at least 1 is needed",
      })
  void badUsageIsExplained(String args, String message) {
    PrintStream before = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try {
      System.setErr(new PrintStream(said, true));
      assertThat(GridWorldProcess.run(args.split(" "))).isEqualTo(2);
    } finally {
      System.setErr(before);
    }
    assertThat(said.toString().lines().findFirst()).hasValue(message);
    assertThat(said.toString()).contains("usage: gridworld --mlagents-port N");
  }

  /** A folder that quoting must survive. */
  private Path awkwardFolder() throws Exception {
    return Files.createDirectories(folder.resolve("it's a \"folder\" $HOME `x`"));
  }

  private static List<String> java() {
    String java = ProcessHandle.current().info().command().orElseThrow();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return List.of(
        java,
        "-XX:TieredStopAtLevel=1",
        "-Dtest.name=a b'c\"d",
        "-cp",
        classPath,
        GridWorldProcess.class.getName());
  }

  private Process start(Path executable, ScriptedTrainer trainer) throws Exception {
    List<String> command = new ArrayList<>(List.of(executable.toString()));
    command.addAll(List.of("-nographics", "--mlagents-port", String.valueOf(trainer.port())));
    command.addAll(List.of("-logFile", folder.resolve("a log.txt").toString()));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(new File(folder.toFile(), "out.txt"))
        .start();
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theInstalledExecutablePlaysAndEndsWithItsTrainer() throws Exception {
    Path executable = GridWorldInstaller.install(awkwardFolder(), java(), Platform.LINUX);
    assertThat(executable).isExecutable().hasFileName("GridWorld.x86_64");
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.TCP)) {
      Process process = start(executable, trainer);
      try {
        assertThat(ScriptedTrainer.infos(trainer.reset(1, ""))).hasSize(1);
        assertThat(ScriptedTrainer.infos(trainer.step(1))).isNotEmpty();
        trainer.stop();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
      } finally {
        process.destroyForcibly();
      }
    }
    assertThat(folder.resolve("a log.txt")).content().contains("Connected to trainer 1.1.0");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aProcessThatIsToldToStopSaysGoodbyeWhileTheTrainerThinks() throws Exception {
    Path executable = GridWorldInstaller.install(folder, java(), Platform.LINUX);
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.TCP)) {
      Process process = start(executable, trainer);
      try {
        trainer.reset(1, "");
        process.destroy(); // SIGTERM to the very process: the wrapper has given way to it
        assertThat(trainer.hear()).isEqualTo(ScriptedTrainer.withStatus(400).build());
        trainer.stop();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      } finally {
        process.destroyForcibly();
      }
    }
  }

  @Test
  void eachPlatformGetsItsOwnFile() throws Exception {
    List<String> launcher = List.of("tools/bellman", "-x", "100");
    Path windows = GridWorldInstaller.install(folder, launcher, Platform.WINDOWS);
    String absolute = Path.of("tools/bellman").toAbsolutePath().toString();
    assertThat(Files.readString(windows))
        .isEqualTo(
            "@echo off\r\ncall \""
                + absolute
                + "\" \"-x\" \"100\" gridworld %*\r\nexit /b %ERRORLEVEL%\r\n");
    Path mac = GridWorldInstaller.install(folder, launcher, Platform.MACOS);
    assertThat(mac).isEqualTo(folder.resolve("GridWorld.app"));
    assertThat(Files.readString(mac.resolve("Contents/MacOS/GridWorld")))
        .isEqualTo("#!/bin/sh\nexec '" + absolute + "' '-x' '100' gridworld \"$@\"\n");
    assertThat(GridWorldInstaller.install(folder, List.of("bellman"))).exists();
  }

  @Test
  void whatCannotBeInstalledIsExplained() {
    assertThatThrownBy(() -> GridWorldInstaller.install(folder, List.of()))
        .hasMessage(
            "gridworld installer: the launcher is empty; give the path of the bellman script");
    assertThatThrownBy(() -> GridWorldInstaller.install(folder, List.of("100%"), Platform.WINDOWS))
        .hasMessageStartingWith("gridworld installer: <100%> holds a quote, a percent sign");
  }
}
