package bellman.lessons;

import bellman.engine.Device;
import bellman.rl.Outcome;
import bellman.rl.TrainLoop;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.dqn.DqnSettings;
import bellman.rl.env.Spec;
import bellman.rl.env.UnityWorld;
import bellman.unity.RestartLimits;
import bellman.unity.UnityEnvironment;
import bellman.unity.player.GridWorldInstaller;
import bellman.unity.player.GridWorldProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** From a file that Unity built to an agent that learns in it. */
public final class Lesson11YourOwnBuild implements Lesson {
  private static final int STEPS = 48;

  /**
   * @param spec what the policy sees and may do
   * @param network that was built for it
   * @param outcome of a very short run
   */
  public record Figures(Path build, Spec spec, String network, Outcome outcome) {}

  @Override
  public String title() {
    return "Your own Unity build";
  }

  @Override
  public Figures run(Page page) {
    page.say(
        """
        In Unity: give the agent a Behavior Parameters component with a name, one discrete branch of
        actions and something to see (a camera or render-texture sensor, or a vector), and a Decision
        Requester; leave its behavior type at Default; build for this platform. A goal signal is used
        if there is one. Then

            ./bellman lesson 11 --env path/to/MyGame.x86_64     checks that the build can be learned
            ./bellman train --env path/to/MyGame.x86_64         learns it
            ./bellman train --editor                            the same without a build: press Play

        and results/<run>/<Behavior>.onnx is what goes back: drag it onto the component's Model.
        """);
    try {
      if (page.build().isPresent()) {
        return steps(page, page.build().get());
      }
      Path folder = Files.createTempDirectory("bellman-lesson");
      try {
        // What './bellman gridworld --install DIR' writes: an executable that any trainer can
        // start.
        Path build = GridWorldInstaller.install(folder, player());
        page.say("No --env was given, so these steps run with GridWorld, installed as a build:");
        return steps(page, build);
      } finally {
        delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Figures steps(Page page, Path build) {
    page.say("    build        %s", build.getFileName());
    try (UnityWorld world = open(page, build);
        Device device = page.open()) {
      Spec spec = world.spec();
      page.say("    behavior     %s", spec.name());
      page.say("    sees         %s, goals: %d", spec.frame().described(), spec.goals());
      page.say("    actions      %d", spec.actions());
      DqnSettings settings = DqnSettings.tutorial(STEPS, 11).withSizes(8, 256, STEPS - 8);
      try (DqnAgent agent = new DqnAgent(device, spec, settings)) {
        String network = agent.learner().online().toString();
        page.say("    network      %s\n", network);
        TrainLoop.Plan plan = new TrainLoop.Plan(STEPS, 0, Long.MAX_VALUE, 10, 20, 1);
        Outcome outcome = new TrainLoop(plan, world, agent).run(List.of(), () -> false);
        page.claim(
            outcome.step() >= STEPS && outcome.updates() > 0,
            "played %d steps and made %d updates: the build starts, answers and can be learned",
            outcome.step(),
            outcome.updates());
        page.say(
            """

            That is all there is between a build and an agent. What may go wrong says at which stage
            it did: no such file, a player that never calls, one that dies (with its log's last
            lines), a behavior that is not for DQN. './bellman record FILE --env …' keeps what was
            said for a bug report.""");
        return new Figures(build, spec, network, outcome);
      }
    }
  }

  private static UnityWorld open(Page page, Path build) {
    try {
      return new UnityWorld(
          engine -> UnityEnvironment.executable(build).seed(11).sideChannels(engine).open(),
          RestartLimits.NONE,
          new UnityWorld.Choice(Optional.empty(), behavior -> 0, List.of(), true),
          Duration.ofSeconds(60));
    } catch (IllegalArgumentException e) { // its behaviors are not for DQN
      page.claim(false, "this build can be learned: %s", e.getMessage());
      throw e;
    }
  }

  /** The command that is a player, to which the trainer's arguments are appended. */
  private static List<String> player() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-cp",
        System.getProperty("java.class.path"),
        GridWorldProcess.class.getName());
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
