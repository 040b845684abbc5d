package bellman.rl.env;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LabelsTest {
  private static final Frame FRAME = Frame.picture(64, 84, 3);

  @Test
  void gridWorldsMovesHaveNames() {
    assertThat(Labels.of(new Spec("GridWorld", FRAME, 2, 4), 1))
        .isEqualTo(new Labels(List.of("up", "down", "left", "right"), List.of("plus", "ex")));
    assertThat(Labels.of(new Spec("GridWorld", FRAME, 0, 5), 0))
        .isEqualTo(new Labels(List.of("stay", "up", "down", "left", "right"), List.of()));
  }

  /** Another game of that name, or another game: the player's numbers. */
  @Test
  void othersHaveNumbers() {
    assertThat(Labels.of(new Spec("GridWorld", FRAME, 3, 6), 1))
        .isEqualTo(new Labels(List.of("1", "2", "3", "4", "5", "6"), List.of("0", "1", "2")));
    assertThat(Labels.of(new Spec("Basic", Frame.vector(20), 0, 3), 0))
        .isEqualTo(new Labels(List.of("0", "1", "2"), List.of()));
  }
}
