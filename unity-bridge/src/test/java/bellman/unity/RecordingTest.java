package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.player.ReplayPlayer;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.recording.Recorder;
import bellman.unity.recording.Recording;
import bellman.unity.recording.Recording.Sender;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordingTest {
  @TempDir private Path folder;

  /** The format is the one of the files that others recorded. */
  @ParameterizedTest
  @ValueSource(strings = {"gridworld", "gridworld4", "3dball"})
  void whatIsReadIsWrittenBackByteForByte(String name) throws IOException {
    Golden golden = Golden.load(name);
    assertThat(golden.recording().cutOff()).isFalse();
    Path file = folder.resolve("new").resolve("again.bin");
    try (Recorder recorder = new Recorder(file)) {
      for (Recording.Record record : golden.recording().records()) {
        recorder.add(record.sender(), record.message());
      }
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(golden.bytes());
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void whatIsSaidIsRecordedAndSaysTheSameAgain(Transport transport) throws IOException {
    Path file = folder.resolve("gridworld.bin");
    List<String> first =
        play(transport, new GridWorldPlayer(GridWorldOptions.defaults().withAgents(3)), file, 40);
    Recording recording = Recording.read(file);
    // Greeting, loaded scene, first observations, 40 steps; then 400.
    assertThat(recording.records()).hasSize(2 * 43);
    for (int i = 0; i < recording.records().size(); i++) {
      assertThat(recording.records().get(i).sender())
          .isEqualTo(i % 2 == 0 ? Sender.PLAYER : Sender.TRAINER);
    }
    assertThat(recording.of(Sender.TRAINER).get(42)).isEqualTo(Says.status(400));
    Path again = folder.resolve("again.bin");
    assertThat(play(transport, new ReplayPlayer(recording), again, 40)).isEqualTo(first);
    assertThat(again).hasSameBinaryContentAs(file);
  }

  /** What was understood of every message; always the same actions. */
  private static List<String> play(
      Transport transport, bellman.unity.player.Player player, Path file, int steps) {
    List<String> understood = new ArrayList<>();
    try (UnityEnvironment env = transport.open(player, b -> b.seed(3).record(file))) {
      env.reset();
      for (int i = 0; i <= steps; i++) {
        String behavior = env.behaviorSpecs().keySet().iterator().next();
        Steps now = env.steps(behavior);
        understood.add(
            Arrays.toString(now.decisions().rewards())
                + Arrays.toString(now.terminals().agentIds())
                + Arrays.hashCode(now.decisions().observation(0).pixels(0)));
        if (i < steps) {
          int[] actions = new int[now.decisions().size()];
          Arrays.fill(actions, i % 5);
          env.setActions(behavior, ActionTuple.oneBranch(actions));
          env.step();
        }
      }
    }
    return understood;
  }

  @Test
  void aGoodbyeIsRecordedWithItsAnswer() throws IOException {
    Path file = folder.resolve("goodbye.bin");
    assertThatThrownBy(
            () ->
                Transport.IN_PROCESS.open(
                    new ScriptedPlayer(Says.hello(), Says.status(400)), b -> b.record(file)))
        .isInstanceOf(PlayerLeftException.class);
    List<Recording.Record> records = Recording.read(file).records();
    assertThat(records).hasSize(4);
    assertThat(records.get(2)).isEqualTo(new Recording.Record(Sender.PLAYER, Says.status(400)));
    assertThat(records.get(3)).isEqualTo(new Recording.Record(Sender.TRAINER, Says.status(400)));
  }

  @Test
  void aRecordingThatEndsSaysGoodbye() {
    ReplayPlayer player =
        new ReplayPlayer(
            new Recording(
                List.of(
                    new Recording.Record(Sender.PLAYER, Says.hello()),
                    new Recording.Record(Sender.PLAYER, Says.loaded())),
                false));
    assertThat(player.messages()).isEqualTo(2);
    try (UnityEnvironment env = Transport.IN_PROCESS.open(player)) {
      assertThatThrownBy(env::reset)
          .isInstanceOf(PlayerLeftException.class)
          .hasMessageStartingWith(
              "the embedded player ReplayPlayer ended the exchange by itself (status 400) ");
      assertThat(player.said()).isEqualTo(2);
    }
  }

  @Test
  void withoutATrainerAReplaySaysSo() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    ReplayPlayer player =
        new ReplayPlayer(
            new Recording(List.of(new Recording.Record(Sender.PLAYER, Says.hello())), false));
    List<String> log =
        Logged.warnings(ReplayPlayer.class, () -> assertThat(player.play(port)).isOne());
    assertThat(log)
        .containsExactly(
            "SEVERE no trainer answered at localhost:%d (UNAVAILABLE); start it first and give its port"
                .formatted(port));
  }

  @Test
  @EnabledOnOs(OS.LINUX) // which tells what is open
  void aPlayerThatCannotBeStartedLeavesNoRecordingOpen() throws IOException {
    Path file = folder.resolve("open.bin").toAbsolutePath();
    assertThatThrownBy(
            () ->
                UnityEnvironment.listen(0)
                    .record(file)
                    .onListening(
                        port -> {
                          assertThat(isOpen(file)).isTrue();
                          throw new IllegalStateException("no player");
                        })
                    .open())
        .hasMessage("no player");
    assertThat(isOpen(file)).isFalse();
  }

  private static boolean isOpen(Path file) {
    File[] descriptors = new File("/proc/self/fd").listFiles();
    return Arrays.stream(descriptors)
        .anyMatch(d -> Files.exists(d.toPath()) && isSame(d.toPath(), file));
  }

  private static boolean isSame(Path descriptor, Path file) {
    try {
      return Files.isSameFile(descriptor, file);
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  @Test
  void whatIsNoRecordingIsNamed() throws IOException {
    byte[] golden = Golden.load("3dball").bytes();
    Recording cut = Recording.parse(Arrays.copyOf(golden, golden.length - 1), "cut.bin");
    assertThat(cut.cutOff()).isTrue();
    assertThat(cut.records())
        .isEqualTo(Golden.load("3dball").recording().records().subList(0, cut.records().size()))
        .hasSize(167);
    assertThat(Recording.parse(Arrays.copyOf(golden, 3), "cut.bin").cutOff()).isTrue();
    assertThatThrownBy(() -> Recording.parse("{}".getBytes(), "a.json"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "a.json: record 0 at byte 0 begins with byte 123, not with P or T. Remedy: name a file"
                + " that 'bellman record' wrote.");
    assertThatThrownBy(() -> Recording.parse(new byte[] {'P', 1, 0, 0, 0, 7}, "b.bin"))
        .hasMessageStartingWith("b.bin: record 0 at byte 0 is no UnityMessageProto: ");
    assertThatThrownBy(() -> Recording.parse(new byte[] {'T', 0, 0, 0, -128}, "c.bin"))
        .hasMessage("c.bin: record 0 at byte 0 says its length is 2147483648");
    assertThatThrownBy(() -> new ReplayPlayer(new Recording(List.<Recording.Record>of(), false)))
        .hasMessage("the recording holds no message of a player");
    UnityMessageProto[] none = {};
    assertThatThrownBy(
            () ->
                Transport.IN_PROCESS.open(
                    new ScriptedPlayer(none), b -> b.record(Path.of("/dev/null/x"))))
        .isInstanceOf(UnityException.class)
        .hasMessageStartingWith("the recording /dev/null/x cannot be written (");
  }
}
