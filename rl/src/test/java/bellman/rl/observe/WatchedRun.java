package bellman.rl.observe;

import bellman.rl.Agent;
import bellman.rl.Observer;
import bellman.rl.Phase;
import bellman.rl.TrainLoop;
import bellman.rl.env.Copies;
import bellman.rl.env.Corridor;
import bellman.rl.env.Environment;
import bellman.rl.env.Turn;
import bellman.rl.run.CheckpointFiles;
import bellman.rl.run.RunFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * A run with every observer and an agent that walks at random and claims to learn. Its main takes a
 * folder, the number of steps, and nanoseconds to wait at each, for a look at a real terminal and a
 * real TensorBoard.
 */
final class WatchedRun {
  private WatchedRun() {}

  public static void main(String[] arguments) {
    run(
        Path.of(arguments[0]),
        Long.parseLong(arguments[1]),
        Long.parseLong(arguments[2]),
        Terminal.standard());
  }

  static void run(Path results, long steps, long nanosPerTurn, Terminal terminal) {
    try (RunFolder folder = RunFolder.open(results, "Corridor-1", RunFolder.Mode.FORCE);
        Environment world = new Copies(4, i -> new Corridor(5, 50))) {
      CheckpointFiles checkpoints =
          new CheckpointFiles(folder.checkpoints("Corridor"), CheckpointFiles.KEEP, terminal::line);
      TrainLoop[] loop = new TrainLoop[1];
      CheckpointObserver.Saving save =
          stop ->
              checkpoints.save(
                  loop[0].state().step(),
                  file -> Files.writeString(file, loop[0].state().toString()));
      List<Observer> observers =
          List.of(
              new ConsoleObserver(terminal),
              new ProgressObserver(terminal),
              new TensorBoardObserver(
                  folder.behavior("Corridor"),
                  Map.of("batchSize", "32", "gamma", "0.9"),
                  terminal::line),
              new CsvObserver(folder.logs(), terminal::line),
              new CheckpointObserver(100, save, terminal::line));
      TrainLoop.Plan plan =
          new TrainLoop.Plan(steps, steps / 10, Long.MAX_VALUE, (int) (steps / 200), 1, 1);
      try (Agent agent = new Walker(nanosPerTurn, steps)) {
        loop[0] = new TrainLoop(plan, world, agent);
        loop[0].run(observers, () -> false);
      } finally {
        observers.forEach(Observer::close);
      }
    }
  }

  private static final class Walker implements Agent {
    private final SplittableRandom random = new SplittableRandom(1);
    private final long nanosPerTurn;
    private final long steps;
    private long step;

    Walker(long nanosPerTurn, long steps) {
      this.nanosPerTurn = nanosPerTurn;
      this.steps = steps;
    }

    @Override
    public void observe(Turn turn) {}

    @Override
    public int[] act(List<Turn.Decision> decisions, Phase phase) {
      if (nanosPerTurn > 0) {
        LockSupport.parkNanos(nanosPerTurn);
      }
      return random.ints(decisions.size(), 0, 2).toArray();
    }

    @Override
    public void learn(long step) {
      this.step = step;
    }

    @Override
    public void forget() {}

    @Override
    public Statistics drainStatistics() {
      return updates() == 0
          ? Statistics.none()
          : new Statistics(10, 100.0 / step, 1 - 100.0 / step, 1, 0.5);
    }

    @Override
    public long updates() {
      return Math.max(0, step - steps / 2);
    }

    @Override
    public double epsilon(Phase phase) {
      return Math.max(0.1, 1 - 1.125 * step / steps);
    }

    @Override
    public double learningRate() {
      return 2.5e-4;
    }

    @Override
    public void close() {}
  }
}
