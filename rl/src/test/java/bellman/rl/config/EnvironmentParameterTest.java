package bellman.rl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnvironmentParameterTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "5",
        "-2.5e-4",
        "constant[5]@3",
        "uniform[3,7]",
        "uniform[3,7]@42",
        "gaussian[1,0.5]@-7",
        "multirangeuniform[7,10,15,20]@0"
      })
  void whatIsWrittenReadsBack(String text) {
    assertThat(EnvironmentParameter.parse(text)).hasToString(text);
  }

  @Test
  void itsParts() {
    assertThat(EnvironmentParameter.parse("uniform[ 3 , 7 ]@42"))
        .isEqualTo(
            new EnvironmentParameter(
                EnvironmentParameter.Sampler.UNIFORM, List.of(3.0, 7.0), OptionalInt.of(42)));
    assertThat(EnvironmentParameter.parse("5")).isEqualTo(EnvironmentParameter.constant(5));
    assertThat(EnvironmentParameter.parse("multirangeuniform[7,10,15,20]@1").yaml())
        .isEqualTo(
            Map.of(
                "sampler_type",
                "multirangeuniform",
                "sampler_parameters",
                Map.of("intervals", List.of(List.of(7.0, 10.0), List.of(15.0, 20.0)), "seed", 1)));
  }

  @Test
  void severalOnOneLineWhateverCommasTheyHold() {
    String line = "b=uniform[3,7],a=1,c=gaussian[0,1]@4";
    Map<String, EnvironmentParameter> all =
        RunConfig.defaults().with("environmentParameters", line).world().environmentParameters();
    assertThat(all.keySet()).containsExactly("b", "a", "c"); // samplers' seeds go by this order
    assertThat(all.get("c")).hasToString("gaussian[0,1]@4");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "uniform[7,3] | uniform of 7, 3: its smallest number 7 is above its largest 3",
        "multirangeuniform[1,2,5,4] | multirangeuniform of 1, 2, 5, 4: its smallest number 5 is above"
            + " its largest 4",
        "gaussian[0,-1] | gaussian of 0, -1: its standard deviation is below 0",
        "uniform[3] | uniform cannot be made of the numbers 3; constant takes 1, uniform and gaussian"
            + " 2, multirangeuniform pairs",
        "multirangeuniform[1,2,3] | multirangeuniform cannot be made of the numbers 1, 2, 3; constant"
            + " takes 1, uniform and gaussian 2, multirangeuniform pairs",
        "1e40 | constant of 1e40: a player's numbers are floats, up to 3.4e38"
      })
  void whatASamplerCannotBe(String text, String message) {
    assertThatThrownBy(() -> EnvironmentParameter.parse(text))
        .isInstanceOf(ConfigException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> RunConfig.defaults().with("environmentParameters", "g=" + text))
        .hasMessage("environmentParameters: g=" + text + ": " + message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"g", "g=", "=5", "g=five", "g=unifrom[1,2]", "g=uniform[1,x]", "g=uniform[]"})
  void whatIsNone(String text) {
    assertThatThrownBy(() -> RunConfig.defaults().with("environmentParameters", text))
        .isInstanceOf(ConfigException.class)
        .hasMessage("environmentParameters: '" + text + "' is not " + EnvironmentParameter.FORM);
  }
}
