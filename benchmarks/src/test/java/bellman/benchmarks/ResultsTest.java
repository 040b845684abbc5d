package bellman.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.cli.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResultsTest {
  @TempDir Path folder;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Results results =
        new Results(
            "bellman",
            Map.of("java", "Java 17, threads: 1"),
            List.of(
                new Result("A.a", Map.of("device", "java"), 1.25, 0.5, 16, Work.of(10, 20)),
                new Result("B.b", Map.of(), 2, Double.NaN, Double.NaN, Work.items(9, "agents"))));
    Path file = folder.resolve("r.json");
    results.write(file);
    assertThat(Results.read(file)).isEqualTo(results);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{              | not JSON: Unexpected end-of-input",
        "{}             | no results in it; what --json or benchmarks/peers/torch_kernels.py",
        "{'results': [{'benchmark': 'A.a', 'us': 0}]} | a result needs a benchmark's name and us"
            + " above 0, got {\"benchmark\":\"A.a\",\"us\":0}",
        "{'results': [{'us': 1}]} | a result needs a benchmark's name"
      })
  void otherFilesAreRefused(String text, String message) throws IOException {
    Path file = folder.resolve("r.json");
    Files.writeString(file, text.replace('\'', '"'));
    assertThatThrownBy(() -> Results.read(file))
        .isInstanceOf(Failure.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void aMissingFileIsTold() {
    Path file = folder.resolve("none.json");
    assertThatThrownBy(() -> Results.read(file))
        .hasMessage(file + ": there is no such file; --json writes one");
  }
}
