package bellman.unity.sidechannel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.unity.Logged;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class SideChannelsTest {
  private static final String ENGINE = "2c3451e97e4fea11b238784f4387d1f7";
  private static final String PARAMETERS = "1e894c530f81ea11a9d0822485860400";
  private static final String FLOATS = "d0f7cc607e4fea11b238784f4387d1f7";
  private static final String STATS = "b7f7d8a1c8cef950b78bd3e165a78520";
  private static final String GRID_SIZE = "080000006772696453697a65";

  @Test
  void engineConfigurationIsFiveRecords() {
    EngineConfigurationChannel channel = new EngineConfigurationChannel();
    channel.set(EngineConfiguration.TRAINING);
    assertThat(hex(channel))
        .isEqualTo(
            ENGINE
                + "0c000000"
                + "00000000"
                + "54000000"
                + "54000000"
                + ENGINE
                + "08000000"
                + "01000000"
                + "05000000"
                + ENGINE
                + "08000000"
                + "02000000"
                + "0000a041"
                + ENGINE
                + "08000000"
                + "03000000"
                + "ffffffff"
                + ENGINE
                + "08000000"
                + "04000000"
                + "3c000000");
    assertThat(hex(channel)).as("sent once").isEmpty();
  }

  @Test
  void aParameterIsAKeyAKindAndANumber() {
    EnvironmentParametersChannel channel = new EnvironmentParametersChannel();
    channel.set("gridSize", 5f);
    assertThat(hex(channel))
        .isEqualTo(PARAMETERS + "14000000" + GRID_SIZE + "00000000" + "0000a040");
  }

  @Test
  void samplersCarrySeedAndKind() {
    EnvironmentParametersChannel channel = new EnvironmentParametersChannel();
    channel.setUniform("gridSize", 3f, 7f, 42);
    assertThat(hex(channel))
        .isEqualTo(
            PARAMETERS
                + "20000000"
                + GRID_SIZE
                + "01000000"
                + "2a000000"
                + "00000000"
                + "00004040"
                + "0000e040");
    channel.setGaussian("gridSize", 3f, 7f, -1);
    assertThat(hex(channel))
        .isEqualTo(
            PARAMETERS
                + "20000000"
                + GRID_SIZE
                + "01000000"
                + "ffffffff"
                + "01000000"
                + "00004040"
                + "0000e040");
    channel.setMultiRange(
        "gridSize",
        List.of(
            new EnvironmentParametersChannel.Interval(3f, 7f),
            new EnvironmentParametersChannel.Interval(-1f, 0f)),
        42);
    assertThat(hex(channel))
        .isEqualTo(
            PARAMETERS
                + "2c000000"
                + GRID_SIZE
                + "01000000"
                + "2a000000"
                + "02000000"
                + "04000000"
                + "00004040"
                + "0000e040"
                + "000080bf"
                + "00000000");
    assertThatThrownBy(() -> channel.setMultiRange("gridSize", List.of(), 0))
        .hasMessage(
            "environment parameter gridSize: a multi-range sampler needs at least one interval");
    assertThatThrownBy(() -> new EnvironmentParametersChannel.Interval(2f, 1f))
        .hasMessage("interval: min 2.0 must be ≤ max 1.0");
  }

  @Test
  void floatPropertiesGoBothWays() {
    FloatPropertiesChannel channel = new FloatPropertiesChannel();
    channel.set("a", 1f);
    assertThat(hex(channel)).isEqualTo(FLOATS + "09000000" + "01000000" + "61" + "0000803f");
    deliver(FLOATS + "09000000" + "01000000" + "62" + "00000040", channel);
    assertThat(channel.value("a")).hasValue(1);
    assertThat(channel.value("b")).hasValue(2);
    assertThat(channel.value("c")).isEmpty();
    assertThat(channel.values()).containsOnlyKeys("a", "b");
  }

  @Test
  void statsAreTakenOnce() {
    StatsChannel channel = new StatsChannel();
    deliver(
        STATS
            + "0d000000"
            + "01000000"
            + "61"
            + "0000003f"
            + "02000000"
            + STATS
            + "0d000000"
            + "01000000"
            + "61"
            + "0000803f"
            + "00000000",
        channel);
    assertThat(channel.drain())
        .containsOnlyKeys("a")
        .containsValue(
            List.of(
                new StatsChannel.Stat(0.5f, StatsChannel.Aggregation.SUM),
                new StatsChannel.Stat(1f, StatsChannel.Aggregation.AVERAGE)));
    assertThat(channel.drain()).isEmpty();
  }

  @Test
  void rawBytesKeepTheirOrder() {
    RawBytesChannel channel =
        new RawBytesChannel(UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"));
    channel.send((byte) 1, (byte) 2);
    channel.send();
    String id = "33221100554477668899aabbccddeeff";
    assertThat(hex(channel)).isEqualTo(id + "02000000" + "0102" + id + "00000000");
    deliver(id + "01000000" + "07" + id + "02000000" + "0809", channel);
    assertThat(channel.drain()).containsExactly(new byte[] {7}, new byte[] {8, 9});
    assertThat(channel.drain()).isEmpty();
  }

  @Test
  void channelsSpeakInTheOrderOfRegistration() {
    FloatPropertiesChannel second = new FloatPropertiesChannel();
    second.set("a", 0f);
    EngineConfigurationChannel first = new EngineConfigurationChannel();
    first.setTimeScale(1f);
    String bytes = HexFormat.of().formatHex(new SideChannels(List.of(first, second)).drain());
    assertThat(bytes).startsWith(ENGINE).contains(FLOATS);
  }

  @Test
  void aReaderGivesBackWhatAWriterWrote() {
    byte[] bytes =
        new MessageWriter()
            .bool(true)
            .int32(-7)
            .float32(2.5f)
            .float32List(1f, -1f)
            .string("Zed")
            .raw((byte) 9)
            .toByteArray();
    MessageReader in = new MessageReader(ByteBuffer.wrap(bytes));
    assertThat(in.bool(false)).isTrue();
    assertThat(in.int32(0)).isEqualTo(-7);
    assertThat(in.float32(0f)).isEqualTo(2.5f);
    assertThat(in.float32List()).containsExactly(1f, -1f);
    assertThat(in.string("")).isEqualTo("Zed");
    assertThat(in.raw()).containsExactly(9);
    assertThat(in.bool(true)).isTrue();
    assertThat(in.int32(3)).isEqualTo(3);
    assertThat(in.float32(4f)).isEqualTo(4f);
    assertThat(in.float32List(5f)).containsExactly(5f);
    assertThat(in.string("none")).isEqualTo("none");
    assertThat(in.remaining()).isZero();
  }

  @Test
  void lengthsThatLieAreRefused() {
    MessageReader in = new MessageReader(ByteBuffer.wrap(new byte[] {9, 0, 0, 0, 'a'}));
    assertThatThrownBy(() -> in.string(""))
        .hasMessage(
            "side channel: a string says its length is 9 but 1 bytes are left; both ends must write"
                + " and read the same fields");
    assertThatThrownBy(() -> deliver(STATS + "05000000" + "00", new StatsChannel()))
        .hasMessage(
            "side channel a1d8f7b7-cec8-50f9-b78b-d3e165a78520: a record says its length is 5 but 1"
                + " bytes are left");
    assertThatThrownBy(() -> deliver("0102", new StatsChannel()))
        .hasMessage("side channel: a record is cut off: 2 bytes left, its head has 20");
    assertThatThrownBy(() -> new MessageWriter().string("größe"))
        .hasMessage(
            "side channel: the string \"größe\" has a character outside ASCII at 2; Unity reads"
                + " ASCII only, so rename it");
  }

  @Test
  void twoChannelsOfOneIdAreRefused() {
    assertThatThrownBy(() -> new SideChannels(List.of(new StatsChannel(), new StatsChannel())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "side channels: StatsChannel and StatsChannel share the id"
                + " a1d8f7b7-cec8-50f9-b78b-d3e165a78520; messages could not be told apart, so give"
                + " each its own");
  }

  @Test
  void unknownIdsWarnOnceAndTheRestIsHeard() {
    StatsChannel stats = new StatsChannel();
    String good = STATS + "0d000000" + "01000000" + "61" + "0000003f" + "02000000";
    String bad = STATS + "0d000000" + "01000000" + "61" + "0000003f" + "09000000";
    List<String> log =
        Logged.warnings(
            SideChannels.class,
            () -> deliver(FLOATS + "00000000" + FLOATS + "00000000" + bad + good, stats));
    assertThat(log)
        .containsExactly(
            "side channel 60ccf7d0-4f7e-11ea-b238-784f4387d1f7: the player sent a message"
                + " but no such channel is registered; its messages are dropped. Register a"
                + " SideChannel with this id to read them.",
            "SEVERE side channel a1d8f7b7-cec8-50f9-b78b-d3e165a78520 (StatsChannel): a message was"
                + " skipped");
    assertThat(stats.drain().get("a")).hasSize(1);
  }

  private static String hex(SideChannel channel) {
    return HexFormat.of().formatHex(new SideChannels(List.of(channel)).drain());
  }

  private static void deliver(String hex, SideChannel channel) {
    new SideChannels(List.of(channel)).deliver(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
  }
}
