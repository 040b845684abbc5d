package bellman.rl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.config.RunConfig;
import bellman.rl.env.Frame;
import bellman.rl.env.Spec;
import bellman.rl.env.UnityWorld;
import bellman.rl.run.RunFolder;
import bellman.unity.UnityEnvironment;
import bellman.unity.player.EnvironmentParameters.Parameter;
import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorldsTest {
  @TempDir private Path logs;

  /** As a player gets them: those without a seed count on from the run's, constants included. */
  @Test
  void samplersHaveTheSeedsOfMlagentsLearn() {
    RunConfig config =
        RunConfig.defaults()
            .with(
                "environmentParameters",
                "z=uniform[3,7],gridSize=4,a=gaussian[1,0.5]@42,m=multirangeuniform[1,2,5,6]")
            .with("seed", "100");
    GridWorldPlayer player = new GridWorldPlayer(GridWorldOptions.defaults());
    try (UnityEnvironment unity =
        UnityEnvironment.embedded(player)
            .sideChannels(Worlds.parameters(config.world().environmentParameters(), 100))
            .open()) {
      unity.reset();
      assertThat(player.snapshot().parameters())
          .extracting(Parameter::name, Parameter::kind, Parameter::numbers, Parameter::seed)
          .map(Object::toString)
          .containsExactlyInAnyOrder(
              "(\"z\", UNIFORM, [3.0f, 7.0f], 100)",
              "(\"gridSize\", VALUE, [4.0f], 0)",
              "(\"a\", GAUSSIAN, [1.0f, 0.5f], 42)",
              "(\"m\", MULTI_RANGE, [1.0f, 2.0f, 5.0f, 6.0f], 102)");
    }
  }

  @Test
  void whatIsSeenAndDoneFollowsTheSettings() {
    Frame picture = Frame.picture(64, 84, 3);
    String both = "obs_0 [3, 64, 84], obs_1 [2] as goal";
    says("firstAction", "auto", picture, 2, 4, both + "; actions 1 to 4 of 5");
    says("firstAction", "0", picture, 2, 5, both + "; actions 0 to 4 of 5");
    says(
        "goalConditioning",
        "none",
        picture.with(2),
        0,
        4,
        "obs_0 [3, 64, 84], obs_1 [2]; actions 1 to 4 of 5");
    says(
        "observations",
        "CameraSensor",
        picture,
        0,
        4,
        "obs_0 [3, 64, 84], obs_1 [2] not seen; actions 1 to 4 of 5");
    says("observations", " 1 ,CameraSensor", picture, 2, 4, both + "; actions 1 to 4 of 5");
    assertThatThrownBy(() -> spec("observations", "Camera"))
        .isInstanceOf(Failure.class)
        .hasMessage(
            "GridWorld?team=0 has no observation 'Camera', only 0 CameraSensor [3, 64, 84], 1"
                + " VectorSensor [2]; give --observations names or numbers of them");
  }

  private void says(
      String setting, String text, Frame frame, int goals, int actions, String signature) {
    Spec spec = spec(setting, text);
    assertThat(spec).isEqualTo(new Spec("GridWorld", frame, goals, actions, spec.signature()));
    assertThat(spec.signature()).hasToString(signature);
  }

  private Spec spec(String setting, String text) {
    try (UnityWorld world = Worlds.open(RunConfig.defaults().with(setting, text), logs)) {
      return world.spec();
    }
  }

  @Test
  void onlyGridWorldsFirstActionIsNotThePolicysByDefault() {
    RunConfig.World world = RunConfig.defaults().world();
    assertThat(world.firstAction("GridWorld")).isEqualTo(1);
    assertThat(world.firstAction("Basic")).isZero();
    assertThat(RunConfig.defaults().with("firstAction", "2").world().firstAction("GridWorld"))
        .isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "behavior, GridWorld?team=0, GridWorld",
    "behavior, My Behavior, My Behavior",
    "behavior, (new) one, _new_ one",
    "env, builds/GridWorld.x86_64, GridWorld",
    "env, Grid World (1), Grid World _1_",
    "env, -build.app, _build",
    "env, /, Unity",
    "editor, true, Unity",
    "seed, 1, GridWorld"
  })
  void aRunWithoutANameHasOneThatAFolderCanHave(String setting, String text, String name) {
    String runId = Worlds.name(RunConfig.defaults().with(setting, text));
    assertThat(runId).isEqualTo(name);
    RunFolder.open(logs, runId, RunFolder.Mode.CREATE).close();
  }
}
