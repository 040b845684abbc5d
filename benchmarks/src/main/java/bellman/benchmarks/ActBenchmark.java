package bellman.benchmarks;

import bellman.engine.Device;
import bellman.nn.Weights;
import bellman.rl.dqn.GreedyPolicy;
import bellman.rl.dqn.NetworkSettings;
import bellman.rl.dqn.QNetwork;
import bellman.rl.env.Observation;
import bellman.rl.replay.Frames;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One greedy action of one agent: the picture's bytes go in, argmax_a Q(s, a) comes out as a Java
 * int. It stores the frame, gathers it behind the goal gate, runs the tutorial's network on a batch
 * of one and reads the result.
 *
 * <p>Before it is timed, Q of every picture must be the reference backend's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 10, time = 2)
@Fork(2)
public class ActBenchmark implements Measured {
  private static final int PICTURES = 16;
  private static final boolean[][] ALL_ALLOWED = {null};

  @Param({"onednn", "java", "cuda"})
  public String device;

  @Param("1")
  public int threads;

  @Param("fp32")
  @Values(gpu = {"fp32", "tf32"})
  public String precision = "fp32";

  /** A network that acts. */
  private record Actor(Device device, Frames frames, GreedyPolicy policy) implements AutoCloseable {
    static Actor on(Device device) {
      Frames frames = new Frames(device, Workload.SPEC, PICTURES, Workload.FOLD);
      Weights weights = new Weights(device, Workload.SEED);
      return new Actor(
          device,
          frames,
          new GreedyPolicy(
              device,
              QNetwork.of(weights, Workload.SPEC, NetworkSettings.DEFAULT, Workload.FOLD),
              frames,
              Workload.SPEC));
    }

    int act(Observation o) {
      int f = frames.hold(o, null);
      int action = policy.act(new int[] {f}, ALL_ALLOWED)[0];
      frames.release(f);
      return action;
    }

    float[] q(Observation o) {
      int f = frames.hold(o, null);
      float[] q = policy.choose(new int[] {f}, ALL_ALLOWED).q()[0];
      frames.release(f);
      return q;
    }

    @Override
    public void close() {
      policy.close();
      device.close();
    }
  }

  private final Observation[] pictures = new Observation[PICTURES];
  private Actor actor;
  private int next;

  @Override
  public Work work(String method) {
    return Work.of(Workload.FORWARD_FLOPS, 0);
  }

  @Setup(Level.Trial)
  public void setUp() {
    SplittableRandom random = new SplittableRandom(Workload.SEED);
    for (int i = 0; i < PICTURES; i++) {
      pictures[i] = Workload.observation(random);
    }
    actor = Actor.on(Workload.open(device, threads, precision));
    try (Actor oracle = Actor.on(Workload.open(Workload.ORACLE, 1, "fp32"))) {
      for (Observation o : pictures) {
        check(oracle.q(o), actor.q(o), actor.act(o), precision.equals("fp32") ? 1e-4 : 1e-2);
      }
    }
  }

  /** Equal Q, and the best action by the oracle's values but for what rounding can turn. */
  static void check(float[] expected, float[] q, int action, double relative) {
    float best = Float.NEGATIVE_INFINITY;
    double tolerance = 0;
    for (float v : expected) {
      best = Math.max(best, v);
      tolerance = Math.max(tolerance, relative * Math.abs(v));
    }
    for (int a = 0; a < q.length; a++) {
      if (!(Math.abs(q[a] - expected[a]) <= tolerance)) {
        throw new IllegalStateException(
            "benchmark: Q(s, %d) is %g, the reference's is %g".formatted(a, q[a], expected[a]));
      }
    }
    if (expected[action] < best - 2 * tolerance) {
      throw new IllegalStateException(
          "benchmark: action %d of Q %g was chosen, the best Q is %g"
              .formatted(action, expected[action], best));
    }
  }

  /** Bytes in, action out. */
  @Benchmark
  public int act() {
    next = (next + 1) % PICTURES;
    return actor.act(pictures[next]);
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    if (actor != null) {
      actor.close();
    }
  }
}
