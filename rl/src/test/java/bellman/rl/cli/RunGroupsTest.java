package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.rl.picture.LearningCurves;
import bellman.rl.picture.RunLog;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunGroupsTest {
  private static RunGroups.Run run(String name, String... settings) {
    Map<String, String> map =
        settings.length == 0 ? Map.of() : Map.of("gamma", settings[0], "compat", settings[1]);
    return new RunGroups.Run(new RunLog(name, List.of()), map);
  }

  private static List<String> told(List<LearningCurves.Group> groups) {
    return groups.stream()
        .map(g -> g.label() + " " + g.runs().stream().map(RunLog::name).toList())
        .toList();
  }

  @Test
  void runsOfEqualSettingsAreOneCurve() {
    List<RunGroups.Run> runs =
        List.of(
            run("base-11", "0.9", "none"),
            run("far-1", "0.99", "none"),
            run("base-12", "0.9", "none"),
            run("odd"));
    assertThat(told(RunGroups.bySettings(runs)))
        .containsExactly("base [base-11, base-12]", "far-1 [far-1]", "odd [odd]");
    assertThat(told(RunGroups.each(runs)))
        .containsExactly("base-11 [base-11]", "far-1 [far-1]", "base-12 [base-12]", "odd [odd]");
  }

  @Test
  void theWordSeedIsNoPartOfAName() {
    assertThat(
            told(
                RunGroups.bySettings(
                    List.of(run("a_seed1", "0.9", "none"), run("a_seed2", "0.9", "none")))))
        .containsExactly("a [a_seed1, a_seed2]");
  }

  /** As with names that only hold the time. */
  @Test
  void whereNamesDoNotTellSettingsDo() {
    List<RunGroups.Run> runs =
        List.of(
            run("GridWorld-20260101-101010", "0.9", "none"),
            run("GridWorld-20260101-111111", "0.9", "none"),
            run("GridWorld-20260202-101010", "0.99", "none"),
            run("GridWorld-20260202-111111", "0.99", "none"));
    assertThat(RunGroups.bySettings(runs).stream().map(LearningCurves.Group::label))
        .containsExactly("GridWorld gamma 0.9", "GridWorld gamma 0.99");
    assertThat(
            RunGroups.bySettings(List.of(run("x", "0.9", "none"), run("y", "0.9", "none")))
                .get(0)
                .label())
        .isEqualTo("x, …");
  }
}
