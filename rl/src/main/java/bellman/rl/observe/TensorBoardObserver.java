package bellman.rl.observe;

import bellman.rl.Observer;
import bellman.rl.Phase;
import bellman.rl.Summary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Writes curves for TensorBoard, a point per window of episodes, at the window's last step:
 *
 * <ul>
 *   <li>the tutorial's {@code run/score}, {@code model/loss}, {@code model/epsilon};
 *   <li>mlagents-learn's {@code Environment/…}, {@code Policy/…}, {@code Losses/…};
 *   <li>{@code model/mean_q}, {@code model/mean_target}, {@code model/largest_gradient};
 *   <li>in the test phase {@code test/score} and {@code test/episode_length} alone;
 *   <li>the hyperparameters, as text.
 * </ul>
 *
 * A curve without a value in a window gets no point there. If the file cannot be written, the run
 * goes on without it after one warning.
 */
public final class TensorBoardObserver implements Observer {
  private final Path folder;
  private final Map<String, String> hyperparameters;
  private final Writing writing;
  private EventWriter writer;

  /**
   * @param folder gets the event file, when the run begins
   * @param hyperparameters name → value, shown in this order
   */
  public TensorBoardObserver(
      Path folder, Map<String, String> hyperparameters, Consumer<String> warnings) {
    this.folder = folder;
    this.hyperparameters = hyperparameters;
    this.writing = new Writing("TensorBoard: files in " + folder, warnings);
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    if (writer != null) {
      return;
    }
    writing.attempt(
        () -> {
          writer = EventWriter.in(folder);
          if (step > 0) {
            writer.sessionStarts(step + 1); // the point of this step itself is past
          }
          if (!hyperparameters.isEmpty()) {
            writer.text("Hyperparameters", table(), step);
          }
          writer.flush();
        });
  }

  @Override
  public void summarized(Summary s) {
    writing.attempt(
        () -> {
          if (s.phase() == Phase.TRAINING) {
            training(s);
          } else {
            writer.scalar("test/score", s.meanReturn(), s.step());
            writer.scalar("test/episode_length", s.meanLength(), s.step());
          }
          writer.flush();
        });
  }

  private void training(Summary s) throws IOException {
    long step = s.step();
    writer.scalar("run/score", s.meanReturn(), step);
    writer.scalar("model/loss", s.loss(), step);
    writer.scalar("model/epsilon", s.epsilon(), step);
    writer.scalar("model/mean_q", s.meanQ(), step);
    writer.scalar("model/mean_target", s.meanTarget(), step);
    writer.scalar("model/largest_gradient", s.largestGradient(), step);
    writer.scalar("Environment/Cumulative Reward", s.meanReturn(), step);
    writer.scalar("Environment/Episode Length", s.meanLength(), step);
    writer.scalar("Policy/Learning Rate", s.learningRate(), step);
    writer.scalar("Policy/epsilon", s.epsilon(), step);
    writer.scalar("Policy/Extrinsic Reward", s.meanReturn(), step);
    writer.scalar("Policy/Extrinsic Value", s.meanQ(), step);
    writer.scalar("Losses/Value Loss", s.loss(), step);
  }

  @Override
  public void close() {
    writing.close(writer);
  }

  private String table() {
    StringBuilder table = new StringBuilder("| setting | value |\n|---|---|\n");
    hyperparameters.forEach(
        (name, value) ->
            table
                .append("| ")
                .append(name)
                .append(" | ")
                .append(value.replace("|", "\\|").replace("\n", " "))
                .append(" |\n"));
    return table.toString();
  }
}
