package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.lessons.Lesson;
import bellman.lessons.Lessons;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LessonCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    Streams streams = new Streams(new PrintWriter(out), new PrintWriter(err));
    return new Main(streams, new Wiring(), new Interruption()).run(args);
  }

  @Test
  void listsAllWithoutANumber() {
    assertThat(run("lesson")).isZero();
    assertThat(out.toString().lines().limit(11))
        .hasSize(11)
        .first()
        .isEqualTo("   1  A tensor and its lifetime");
    for (Lesson lesson : Lessons.ALL) {
      assertThat(out.toString()).contains(lesson.title());
    }
  }

  @Test
  void runsThoseThatAreNamed() {
    assertThat(run("lesson", "8", "1", "--device", "java", "--threads=1")).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(out.toString())
        .containsSubsequence(
            "Lesson 8: ",
            "Read along: rl/src/main/java/bellman/lessons/Lesson08QLearning.java",
            "✓ the greedy policy goes right in all 5 cells",
            "Lesson 1: ",
            "device: ",
            "✓ kept: 2 · x[1, 2] = 12");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lesson 0 | there is no lesson 0; they are 1 to 11",
        "lesson 12 | there is no lesson 12; they are 1 to 11",
        "lesson one | 'one'",
        "lesson 1 --threads 0 | threads (--threads) is 0; allowed: 1 to 1,024",
        "lesson 1 --divice java | unknown option '--divice'; did you mean --device?"
      })
  void misuseSaysWhatThereIs(String line, String message) {
    assertThat(run(line.split(" "))).isEqualTo(Main.USAGE);
    assertThat(err.toString()).contains(message);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void anUnknownDeviceIsMisuse() {
    assertThat(run("lesson", "1", "--device", "abacus")).isEqualTo(Main.USAGE);
    assertThat(err.toString()).contains("device (--device) is abacus; allowed: auto, cuda");
  }

  @Test
  void theLastLessonTakesABuildOfOnesOwn() {
    assertThat(run("lesson", "11", "--env", "no/such/Game")).isEqualTo(Main.FAILED);
    assertThat(err.toString()).contains("no/such/Game").doesNotContain("Exception");
  }
}
