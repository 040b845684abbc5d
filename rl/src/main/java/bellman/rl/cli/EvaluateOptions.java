package bellman.rl.cli;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What an evaluation does besides playing.
 *
 * @param episodes how many
 * @param json where the results go as JSON, {@link #STANDARD_OUTPUT} or a file
 * @param gif where the first episodes go as a film
 * @param gifEpisodes how many of them
 */
record EvaluateOptions(int episodes, Optional<String> json, Optional<Path> gif, int gifEpisodes) {
  static final String STANDARD_OUTPUT = "-";

  /** Whether standard output gets JSON and nothing else. */
  boolean jsonAlone() {
    return json.filter(STANDARD_OUTPUT::equals).isPresent();
  }

  Optional<Path> jsonFile() {
    return json.filter(file -> !file.equals(STANDARD_OUTPUT)).map(Path::of);
  }
}
