package bellman.rl.cli;

import bellman.rl.Outcome;
import bellman.rl.config.Resolved;
import bellman.rl.config.RunConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What the commands set going. A {@link Failure} it throws is shown as one line. */
public interface Services {
  /**
   * Trains, then tests, and leaves a run folder.
   *
   * @param interruption turns true when the user wants to stop; the run then saves and returns
   */
  Outcome train(Resolved settings, Interruption interruption) throws Exception;

  /**
   * Runs a trained policy without learning.
   *
   * @param weights a folder of checkpoints, or any file with the network's names
   */
  Outcome evaluate(
      Resolved settings, Path weights, EvaluateOptions options, Interruption interruption)
      throws Exception;

  /** Plays GridWorld for a trainer; returns the exit code. */
  int gridWorld(String[] args);

  /**
   * Writes an executable that trainers can start as a Unity build.
   *
   * @param launcher the command that gets {@code gridworld …} appended
   * @return the path to give to a trainer
   */
  Path installGridWorld(Path directory, List<String> launcher) throws IOException;

  /** What of CUDA there is, and each backend: what opens, or why it does not. */
  List<Finding> backends(RunConfig config);
}
