package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MomentTest {
  private static int best(float... q) {
    return new Moment(1, 0, null, 0, q, 0, null).best();
  }

  @Test
  void theBestIsTheLargestThatIsAllowed() {
    assertThat(best(-3, -1, -2)).isEqualTo(1);
    assertThat(best(-3, Float.NaN, -2)).isEqualTo(2);
    assertThat(best(Float.NaN, Float.NaN)).isEqualTo(-1);
    assertThat(best((float[]) null)).isEqualTo(-1);
  }
}
