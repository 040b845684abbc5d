package bellman.rl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "4GB, 4000000000, 4GB",
    "4 gb, 4000000000, 4GB",
    "1.5GB, 1500000000, 1500MB",
    "6GiB, 6442450944, 6GiB",
    "512M, 512000000, 512MB",
    "1000, 1000, 1KB",
    "1001, 1001, 1001",
    "16Ti, 17592186044416, 16TiB"
  })
  void isReadAndPrinted(String text, long bytes, String printed) {
    ByteSize size = ByteSize.parse(text);
    assertThat(size.bytes()).isEqualTo(bytes);
    assertThat(size).hasToString(printed);
    assertThat(ByteSize.parse(printed)).isEqualTo(size);
  }

  @Test
  void isASettingLikeAnyOther() {
    RunConfig config = new Layers().flag("deviceMemory", List.of("4GB")).resolve().config();
    assertThat(config.compute().deviceMemory()).contains(new ByteSize(4_000_000_000L));
    assertThat(config.toYaml()).contains("device_memory: 4GB");
    assertThat(RunConfig.defaults().with("deviceMemory", "all").compute().deviceMemory()).isEmpty();
    assertThat(Settings.named("deviceMemory").label()).isEqualTo("SIZE");
  }

  @ParameterizedTest
  @CsvSource({
    "much, ': ''much'' is not a size'",
    "-4GB, ': ''-4GB'' is not a size'",
    "0.5, ': ''0.5'' is not a size'",
    "0, ' is 0'",
    "9999999999TB, ' is 9999999999TB'"
  })
  void mistakes(String text, String message) {
    assertThatThrownBy(() -> RunConfig.defaults().with("deviceMemory", text))
        .isInstanceOf(ConfigException.class)
        .hasMessage("deviceMemory" + message + "; allowed: as 4GB, 6GiB or 512MB; above 0");
  }
}
