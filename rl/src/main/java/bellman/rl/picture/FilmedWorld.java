package bellman.rl.picture;

import bellman.rl.env.Environment;
import bellman.rl.env.Labels;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A world of pictures that films its first episodes after {@link #film}: one agent at a time, from
 * its beginning to its end, with the Q-values that it acted on. Before and after that it passes
 * everything on. What goes wrong with the film is one warning, and the world goes on without it.
 */
public final class FilmedWorld implements Environment {
  private static final int SLOW_MILLIS = 400;
  private static final int FAST_MILLIS = 100;
  private static final int LAST_MILLIS = 1200;

  /** So many actions of an episode are shown slowly. */
  private static final int SLOW = 20;

  private final Environment world;
  private final Function<List<Turn.Decision>, float[][]> values;
  private final Labels labels;
  private final Consumer<String> warnings;
  private final Set<Integer> going = new HashSet<>(); // agents in an episode
  private List<Turn.Decision> waiting = List.of();
  private Path file;
  private Film film; // null: not filming
  private Scene scene;
  private int episodes; // to be filmed
  private int most; // pictures
  private int episode;
  private int drawn;
  private int agent = -1; // the one that is filmed; −1: the next that begins
  private int step;
  private double sum;

  /**
   * @param values Q(s, ·) of each decision, [n][actions]; NaN where an action is not allowed
   */
  public FilmedWorld(
      Environment world,
      Function<List<Turn.Decision>, float[][]> values,
      Labels labels,
      Consumer<String> warnings) {
    this.world = world;
    this.values = values;
    this.labels = labels;
    this.warnings = warnings;
  }

  /**
   * Films episodes that begin from now on; call it before a reset.
   *
   * @param file the GIF
   * @param most pictures; then it ends, in the middle of an episode if need be
   * @throws IllegalArgumentException if the world shows no picture
   */
  public void film(Path file, int episodes, int most) {
    if (!spec().frame().hasPicture()) {
      throw new IllegalArgumentException(
          "%s shows its agents %s; only pictures can be filmed"
              .formatted(spec().name(), spec().frame().described()));
    }
    this.file = file;
    this.episodes = episodes;
    this.most = most;
    episode = 0;
    drawn = 0;
    attempt(
        () -> {
          scene = new Scene(spec().name(), spec().frame(), labels);
          film = new Film(file);
        });
  }

  @Override
  public Spec spec() {
    return world.spec();
  }

  @Override
  public Turn reset() {
    return anew(world.reset());
  }

  @Override
  public Optional<byte[]> state() {
    return world.state();
  }

  /** The episodes that go on are not filmed: their beginnings are past. */
  @Override
  public Turn resume(byte[] state) {
    Turn turn = world.resume(state);
    agent = -1;
    going.clear();
    waiting = turn.decisions();
    waiting.forEach(d -> going.add(d.agent()));
    return turn;
  }

  @Override
  public Turn step(int[] actions) {
    if (film == null) {
      return world.step(actions);
    }
    for (int i = 0; i < waiting.size(); i++) {
      if (waiting.get(i).agent() == agent) {
        act(i, actions[i]);
      }
    }
    Turn turn = world.step(actions);
    if (turn.restarted()) {
      return anew(turn);
    }
    for (Turn.Ending e : turn.endings()) {
      going.remove(e.agent());
      if (e.agent() == agent) {
        end(e);
      }
    }
    for (Turn.Decision d : turn.decisions()) {
      sum += d.agent() == agent ? d.reward() : 0;
    }
    begin(turn);
    return turn;
  }

  private Turn anew(Turn turn) {
    agent = -1;
    going.clear();
    begin(turn);
    return turn;
  }

  /** Turns to an agent that begins, if none is being filmed. */
  private void begin(Turn turn) {
    waiting = turn.decisions();
    for (Turn.Decision d : waiting) {
      boolean begins = going.add(d.agent());
      if (begins && film != null && agent < 0) {
        agent = d.agent();
        episode++;
        step = 0;
        sum = 0;
      }
    }
  }

  private void act(int i, int action) {
    Turn.Decision d = waiting.get(i);
    attempt(
        () -> {
          float[] q = values.apply(waiting)[i];
          show(d.observation(), q, action, null);
        });
    step++;
  }

  private void end(Turn.Ending e) {
    sum += e.reward();
    Moment.Ending how =
        e.interrupted()
            ? Moment.Ending.TIME_OUT
            : sum > 0 ? Moment.Ending.SUCCESS : Moment.Ending.FAILURE;
    attempt(() -> show(e.observation(), null, -1, how));
    agent = -1;
    if (episode == episodes) {
      stop();
    }
  }

  private void show(Observation seen, float[] q, int action, Moment.Ending ending)
      throws IOException {
    if (film == null) {
      return;
    }
    Moment moment = new Moment(episode, step, seen, sum, q, action, ending);
    int millis = ending != null ? LAST_MILLIS : step < SLOW ? SLOW_MILLIS : FAST_MILLIS;
    film.add(scene.draw(moment), millis);
    if (++drawn == most) {
      stop();
    }
  }

  /** Ends the film, if there is one. */
  private void stop() {
    Film done = film;
    film = null;
    if (done != null) {
      attempt(done::close);
    }
  }

  /** After a failure nothing more is filmed. */
  private void attempt(Drawing drawing) {
    if (!drawing.orWarn("the film " + file, warnings) && film != null) {
      Film broken = film;
      film = null;
      Drawing removed =
          () -> {
            broken.close();
            Files.deleteIfExists(file);
          };
      removed.orWarn("the end of " + file, warning -> {}); // it has been said already
    }
  }

  @Override
  public void timeScale(float scale) {
    world.timeScale(scale);
  }

  /** Ends the film; the world stays its opener's to close. */
  @Override
  public void close() {
    stop();
  }
}
