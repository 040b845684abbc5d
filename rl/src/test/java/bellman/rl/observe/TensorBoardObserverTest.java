package bellman.rl.observe;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.Phase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardObserverTest {
  @TempDir Path folder;
  private final List<String> warnings = new ArrayList<>();

  /** tag@step → value of every scalar. */
  private static Map<String, Float> scalars(List<List<EventFile.Field>> events) {
    Map<String, Float> scalars = new LinkedHashMap<>();
    for (List<EventFile.Field> event : events) {
      if (event.size() == 3 && event.get(2).number() == 5) {
        EventFile.Field value = event.get(2).message().get(0);
        if (value.message().get(1).number() == 2) {
          scalars.put(
              value.message().get(0).text() + "@" + event.get(1).value(),
              (Float) value.message().get(1).value());
        }
      }
    }
    return scalars;
  }

  private Path only() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.reduce((a, b) -> b).orElseThrow();
    }
  }

  /** The check value of CRC-32C, so that the reader here is right on its own. */
  @Test
  void theReadersChecksumIsCrc32c() {
    assertThat(EventFile.crc("123456789".getBytes(StandardCharsets.US_ASCII)))
        .isEqualTo(0xe3069283);
  }

  @Test
  void everyFieldOfTheFile() throws IOException {
    Clock clock = Clock.fixed(Instant.ofEpochSecond(1_700_000_000, 250_000_000), ZoneOffset.UTC);
    Path file;
    try (EventWriter writer = EventWriter.in(folder, clock, "host")) {
      file = writer.file();
      writer.sessionStarts(300);
      writer.scalar("run/score", -0.5, 40_000_000_000L);
      writer.scalar("run/score", Double.NaN, 41);
      writer.scalar("model/loss", Double.POSITIVE_INFINITY, 0);
      writer.text("Hyperparameters", "γ | 0.9", 1);
    }
    assertThat(file.getFileName().toString())
        .isEqualTo("events.out.tfevents.1700000000.host." + ProcessHandle.current().pid() + ".0");
    List<List<EventFile.Field>> events = EventFile.read(file);
    assertThat(events).hasSize(5);
    for (List<EventFile.Field> event : events) {
      assertThat(event.get(0)).isEqualTo(new EventFile.Field(1, 1_700_000_000.25));
    }

    List<EventFile.Field> version = events.get(0);
    assertThat(version).hasSize(2);
    assertThat(version.get(1).number()).isEqualTo(3);
    assertThat(version.get(1).text()).isEqualTo("brain.Event:2");

    List<EventFile.Field> session = events.get(1);
    assertThat(session.get(1)).isEqualTo(new EventFile.Field(2, 300L));
    assertThat(session.get(2).number()).isEqualTo(7);
    assertThat(session.get(2).message()).containsExactly(new EventFile.Field(1, 1L));

    List<EventFile.Field> score = events.get(2);
    assertThat(score.get(1)).isEqualTo(new EventFile.Field(2, 40_000_000_000L));
    assertThat(score.get(2).number()).isEqualTo(5);
    List<EventFile.Field> summary = score.get(2).message();
    assertThat(summary).hasSize(1);
    assertThat(summary.get(0).number()).isEqualTo(1);
    List<EventFile.Field> value = summary.get(0).message();
    assertThat(value.get(0).number()).isEqualTo(1);
    assertThat(value.get(0).text()).isEqualTo("run/score");
    assertThat(value.get(1)).isEqualTo(new EventFile.Field(2, -0.5f));

    List<EventFile.Field> loss = events.get(3);
    assertThat(loss).as("step 0 is protobuf's default").hasSize(2);
    assertThat(loss.get(1).message().get(0).message().get(1))
        .isEqualTo(new EventFile.Field(2, Float.POSITIVE_INFINITY));

    List<EventFile.Field> text = events.get(4).get(2).message().get(0).message();
    assertThat(text).extracting(EventFile.Field::number).containsExactly(1, 8, 9);
    List<EventFile.Field> tensor = text.get(1).message();
    assertThat(tensor).extracting(EventFile.Field::number).containsExactly(1, 2, 8);
    assertThat(tensor.get(0).value()).as("DT_STRING").isEqualTo(7L);
    List<EventFile.Field> dim = tensor.get(1).message().get(0).message();
    assertThat(dim).containsExactly(new EventFile.Field(1, 1L));
    assertThat(tensor.get(2).text()).isEqualTo("γ | 0.9");
    List<EventFile.Field> plugin = text.get(2).message().get(0).message();
    assertThat(plugin.get(0).text()).isEqualTo("text");
  }

  @Test
  void theTutorialsTagsMlagentsLearnsAndOurs() throws IOException {
    try (TensorBoardObserver board =
        new TensorBoardObserver(folder, Map.of("batchSize", "32"), warnings::add)) {
      board.phaseBegan(Phase.TRAINING, 0);
      board.summarized(Samples.learning());
      Map<String, Float> flushed = scalars(EventFile.read(only()));
      assertThat(flushed)
          .containsOnly(
              Map.entry("run/score@6123", 0.5f),
              Map.entry("model/loss@6123", 0.0123f),
              Map.entry("model/epsilon@6123", 0.95f),
              Map.entry("model/mean_q@6123", 1.5f),
              Map.entry("model/mean_target@6123", 1.75f),
              Map.entry("model/largest_gradient@6123", 0.0625f),
              Map.entry("Environment/Cumulative Reward@6123", 0.5f),
              Map.entry("Environment/Episode Length@6123", 4.5f),
              Map.entry("Policy/Learning Rate@6123", 2.5e-4f),
              Map.entry("Policy/epsilon@6123", 0.95f),
              Map.entry("Policy/Extrinsic Reward@6123", 0.5f),
              Map.entry("Policy/Extrinsic Value@6123", 1.5f),
              Map.entry("Losses/Value Loss@6123", 0.0123f));
    }
    List<EventFile.Field> hyperparameters = EventFile.read(only()).get(1);
    assertThat(hyperparameters.get(1).message().get(0).message().get(1).message().get(2).text())
        .isEqualTo("| setting | value |\n|---|---|\n| batchSize | 32 |\n");
    assertThat(warnings).isEmpty();
  }

  @Test
  void beforeLearningThereIsNoLoss() throws IOException {
    try (TensorBoardObserver board = new TensorBoardObserver(folder, Map.of(), warnings::add)) {
      board.phaseBegan(Phase.TRAINING, 0);
      board.summarized(Samples.early());
    }
    assertThat(scalars(EventFile.read(only())))
        .containsOnlyKeys(
            "run/score@123",
            "model/epsilon@123",
            "Environment/Cumulative Reward@123",
            "Environment/Episode Length@123",
            "Policy/Learning Rate@123",
            "Policy/epsilon@123",
            "Policy/Extrinsic Reward@123");
  }

  @Test
  void theTestHasItsOwnTags() throws IOException {
    try (TensorBoardObserver board = new TensorBoardObserver(folder, Map.of(), warnings::add)) {
      board.phaseBegan(Phase.TRAINING, 0);
      board.phaseBegan(Phase.TESTING, 50_000);
      board.summarized(Samples.testing());
    }
    assertThat(scalars(EventFile.read(only())))
        .containsOnly(
            Map.entry("test/score@50040", 0.975f), Map.entry("test/episode_length@50040", 3.5f));
  }

  @Test
  void aResumedRunWritesAnotherFileThatDropsTheLostFuture() throws IOException {
    for (long from : new long[] {0, 5000}) {
      try (TensorBoardObserver board = new TensorBoardObserver(folder, Map.of(), warnings::add)) {
        board.phaseBegan(Phase.TRAINING, from);
      }
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.sorted().toList();
    }
    assertThat(files).hasSize(2);
    assertThat(EventFile.read(files.get(0))).hasSize(1);
    List<EventFile.Field> session = EventFile.read(files.get(1)).get(1);
    assertThat(session.get(1)).isEqualTo(new EventFile.Field(2, 5001L));
    assertThat(session.get(2).number()).isEqualTo(7);
  }

  @Test
  void aFolderThatCannotBeWrittenIsOneWarning() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    try (TensorBoardObserver board = new TensorBoardObserver(file, Map.of(), warnings::add)) {
      board.phaseBegan(Phase.TRAINING, 0);
      board.summarized(Samples.learning());
    }
    assertThat(warnings)
        .singleElement()
        .asString()
        .startsWith("TensorBoard: files in " + file + " cannot be written (")
        .endsWith("); the run goes on without them");
  }
}
