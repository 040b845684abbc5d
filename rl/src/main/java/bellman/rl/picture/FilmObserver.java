package bellman.rl.picture;

import bellman.rl.Observer;
import bellman.rl.Outcome;
import bellman.rl.Phase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Films the first episodes of a run's test phase. */
public final class FilmObserver implements Observer {
  private static final int EPISODES = 6;

  /** Each takes some hundredths of a second, and the run waits for it. */
  private static final int PICTURES = 100;

  private final FilmedWorld world;
  private final Path file;
  private final Consumer<String> say;
  private boolean began;

  /**
   * @param world one of pictures
   * @param say is told where the film is
   */
  public FilmObserver(FilmedWorld world, Path file, Consumer<String> say) {
    this.world = world;
    this.file = file;
    this.say = say;
  }

  @Override
  public void phaseBegan(Phase phase, long step) {
    if (phase == Phase.TESTING) {
      world.film(file, EPISODES, PICTURES);
      began = true;
    }
  }

  @Override
  public void finished(Outcome outcome) {
    world.close();
    if (began && Files.exists(file)) { // one of an earlier run, too, may lie there
      say.accept("film of test episodes: " + file);
    }
  }
}
