package bellman.rl.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.env.Signature.Branch;
import bellman.unity.DimensionProperty;
import bellman.unity.ObservationSpec;
import bellman.unity.ObservationType;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class SignatureTest {
  private static final List<Branch> FOUR_OF_FIVE = List.of(new Branch(5, 1));

  private static ObservationSpec sensor(ObservationSpec.Layout layout, Integer... shape) {
    return new ObservationSpec(
        "sensor",
        List.of(shape),
        Collections.nCopies(shape.length, DimensionProperty.NONE),
        ObservationType.DEFAULT,
        layout);
  }

  @Test
  void aPictureIsChannelsFirstInBothLayouts() {
    for (ObservationSpec picture :
        List.of(
            sensor(ObservationSpec.Layout.CHW, 3, 64, 84),
            sensor(ObservationSpec.Layout.HWC, 64, 84, 3))) {
      ObservationSpec vector = sensor(ObservationSpec.Layout.PLAIN, 2);
      ObservationSpec buffer = sensor(ObservationSpec.Layout.PLAIN, 20, 4);
      Sensors sensors = new Sensors(List.of(buffer, picture, vector), List.of(1), List.of(), 2);
      Signature signature = sensors.signature(FOUR_OF_FIVE);
      assertThat(signature)
          .isEqualTo(
              new Signature(
                  List.of(List.of(20, 4), List.of(3, 64, 84), List.of(2)),
                  List.of(1),
                  List.of(),
                  2,
                  FOUR_OF_FIVE))
          .hasToString(
              "obs_0 [20, 4] not seen, obs_1 [3, 64, 84], obs_2 [2] as goal; actions 1 to 4 of 5");
      assertThat(signature.blocks()).isEqualTo(2);
      assertThat(signature.actions()).isEqualTo(5);
      assertThat(signature.choices()).isEqualTo(4);
    }
  }

  @Test
  void aWorldWithoutAPlayerHasASensorForEachThing() {
    Spec spec = new Spec("Test", Frame.picture(4, 5, 3).with(7), 2, 6);
    assertThat(spec.signature())
        .isEqualTo(
            new Signature(
                List.of(List.of(3, 4, 5), List.of(7), List.of(2)),
                List.of(0),
                List.of(1),
                2,
                List.of(new Branch(6, 0))));
    assertThat(new Spec("Test", Frame.vector(7), 0, 6).signature())
        .hasToString("obs_0 [7]; actions 0 to 5 of 6");
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThatThrownBy(() -> new Branch(3, 3))
        .hasMessage("branch: its first action is 3; it has the actions 0 to 2");
    List<List<Integer>> all = List.of(List.of(3, 4, 5), List.of(7));
    String end = "; a policy sees pictures [c, h, w] or vectors [n], and has a branch";
    assertThatThrownBy(() -> new Signature(all, List.of(1), List.of(), -1, FOUR_OF_FIVE))
        .hasMessage(
            "signature: of the observations [[3, 4, 5], [7]] the pictures [1], the vectors [] and the"
                + " goal -1, with the branches [Branch[size=5, first=1]]"
                + end);
    assertThatThrownBy(() -> new Signature(all, List.of(), List.of(), 1, FOUR_OF_FIVE))
        .hasMessageEndingWith(end);
    assertThatThrownBy(() -> new Signature(all, List.of(0), List.of(), 2, FOUR_OF_FIVE))
        .hasMessageEndingWith(end);
    assertThatThrownBy(() -> new Signature(all, List.of(0), List.of(), -1, List.of()))
        .hasMessageEndingWith(end);
  }
}
