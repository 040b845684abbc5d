package bellman.rl.cli;

import bellman.rl.Outcome;
import bellman.rl.config.Resolved;
import java.nio.file.Path;
import java.util.List;

/** The commands' {@link Services}, from the packages that provide them. */
final class Wiring implements Services {
  @Override
  public Outcome train(Resolved settings, Interruption interruption, Terminal terminal) {
    throw new Failure("train is not connected yet"); // TODO(lead): bellman.rl.dqn
  }

  @Override
  public Outcome evaluate(
      Resolved settings, Path run, Interruption interruption, Terminal terminal) {
    throw new Failure("evaluate is not connected yet"); // TODO(lead): bellman.rl.dqn
  }

  @Override
  public int gridWorld(String[] args) {
    throw new Failure("gridworld is not connected yet"); // TODO(lead): GridWorldProcess.run(args)
  }

  @Override
  public Path installGridWorld(Path directory, List<String> launcher) {
    throw new Failure("not connected yet"); // TODO(lead): GridWorldInstaller.install(…)
  }

  @Override
  public List<Finding> backends() {
    return List.of(); // TODO(lead): a Finding per Attempt of bellman.engine.Devices
  }
}
