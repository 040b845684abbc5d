package bellman.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import org.junit.jupiter.api.Test;

class LayoutTest {
  private static float[] counting(int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = i;
    }
    return x;
  }

  @Test
  void aFilterIsOutInKhKwInFilesAndOutKhKwInInMemory() {
    Layout layout = Layout.filter(2, 3, 4, 5);
    assertThat(layout.file()).isEqualTo(Shape.of(2, 3, 4, 5));
    assertThat(layout.memory()).isEqualTo(Shape.of(2, 4, 5, 3));
    float[] file = counting(120);
    float[] memory = layout.toMemory(file);
    for (int o = 0; o < 2; o++) {
      for (int i = 0; i < 3; i++) {
        for (int r = 0; r < 4; r++) {
          for (int s = 0; s < 5; s++) {
            assertThat(memory[((o * 4 + r) * 5 + s) * 3 + i])
                .isEqualTo(file[((o * 3 + i) * 4 + r) * 5 + s]);
          }
        }
      }
    }
    assertThat(layout.toFile(memory)).containsExactly(file);
  }

  @Test
  void columnsBehindAFlattenAreChwInFilesAndHwcInMemory() {
    Layout layout = Layout.columns(2, Shape.of(3, 4, 5), 0); // h, w, c
    assertThat(layout.file()).isEqualTo(Shape.of(2, 60));
    assertThat(layout.memory()).isEqualTo(Shape.of(2, 60));
    float[] file = counting(120);
    float[] memory = layout.toMemory(file);
    for (int o = 0; o < 2; o++) {
      for (int h = 0; h < 3; h++) {
        for (int w = 0; w < 4; w++) {
          for (int c = 0; c < 5; c++) {
            assertThat(memory[o * 60 + (h * 4 + w) * 5 + c])
                .isEqualTo(file[o * 60 + (c * 3 + h) * 4 + w]);
          }
        }
      }
    }
    assertThat(layout.toFile(memory)).containsExactly(file);
  }

  @Test
  void aFilterOfFoldedPicturesGathersNeighboursBlockByBlock() {
    Layout layout = Layout.foldedFilter(2, 3, 5, 8, 4);
    assertThat(layout.file()).isEqualTo(Shape.of(2, 15, 8, 8));
    assertThat(layout.memory()).isEqualTo(Shape.of(2, 2, 2, 240));
    float[] file = counting(2 * 15 * 64);
    float[] memory = layout.toMemory(file);
    for (int o = 0; o < 2; o++) {
      for (int i = 0; i < 15; i++) {
        for (int r = 0; r < 8; r++) {
          for (int s = 0; s < 8; s++) {
            int channel = i / 5 * 80 + (r % 4 * 4 + s % 4) * 5 + i % 5;
            assertThat(memory[((o * 2 + r / 4) * 2 + s / 4) * 240 + channel])
                .isEqualTo(file[((o * 15 + i) * 8 + r) * 8 + s]);
          }
        }
      }
    }
    assertThat(layout.toFile(memory)).containsExactly(file);
  }

  @Test
  void whatIsJoinedBehindAFlattenKeepsItsPlace() {
    Layout layout = Layout.columns(2, Shape.of(1, 2, 3), 2); // 6 pixels' columns, 2 others
    assertThat(layout.file()).isEqualTo(Shape.of(2, 8));
    float[] memory = layout.toMemory(counting(16));
    assertThat(memory).containsExactly(0, 2, 4, 1, 3, 5, 6, 7, 8, 10, 12, 9, 11, 13, 14, 15);
    assertThat(layout.toFile(memory)).containsExactly(counting(16));
  }

  @Test
  void otherParametersAreTheSameAndCopied() {
    float[] file = counting(6);
    float[] memory = Layout.same(2, 3).toMemory(file);
    assertThat(memory).containsExactly(file).isNotSameAs(file);
    assertThat(Layout.same().toFile(new float[] {3})).containsExactly(3);
  }

  @Test
  void wrongSizesAreErrors() {
    assertThatThrownBy(() -> Layout.same(2, 3).toFile(new float[5]))
        .isInstanceOf(ShapeException.class)
        .hasMessage("layout: 5 values for shape [2, 3]");
    assertThatThrownBy(() -> Layout.columns(2, Shape.of(60), 0))
        .isInstanceOf(ShapeException.class)
        .hasMessage("columns: an image [h, w, c] needed, got [60]");
  }
}
