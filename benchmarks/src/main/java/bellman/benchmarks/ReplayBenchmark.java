package bellman.benchmarks;

import bellman.engine.CapturedStep;
import bellman.engine.Device;
import bellman.engine.RandomStream;
import bellman.rl.env.Observation;
import bellman.rl.replay.Batch;
import bellman.rl.replay.Replay;
import java.util.Arrays;
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
 * The replay memory, full, so that each transition overwrites the oldest.
 *
 * <p>{@link #insert}: what one environment step costs: one picture and one transition stored.
 * {@link #sample}: one batch drawn and gathered: 2 × B pictures as floats behind the goal gate, and
 * a, r, discount and the mask.
 *
 * <p>Before they are timed, every element of a batch must be the reference backend's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(2)
public class ReplayBenchmark implements Measured {
  private static final int PICTURES = 16;

  @Param({"onednn", "java", "cuda"})
  public String device;

  @Param("32")
  public int batch;

  @Param("1")
  public int threads;

  @Param("2000")
  public int transitions;

  private final Observation[] pictures = new Observation[PICTURES];
  private Device opened;
  private Replay replay;
  private CapturedStep<Batch> sample;
  private int next;
  private int s; // held: where the agent stands

  /** Bytes are read and, sampling, written as floats of all goals' channels: s and s′. */
  @Override
  public Work work(String method) {
    double picture = Workload.SPEC.frame().size();
    return Work.of(
        0,
        method.equals("sample")
            ? batch * 2 * picture * (1 + 4 * Workload.SPEC.goals())
            : 2 * picture);
  }

  @Setup(Level.Trial)
  public void setUp() {
    opened = Workload.open(device, threads, "fp32");
    replay = Workload.filled(opened, transitions);
    sample = sampling(opened, replay);
    Batch first = sample.run();
    if (first.s().picture().shape().dim(0) != batch) {
      throw new IllegalStateException(
          "benchmark: s is " + first.s().picture().shape() + ", expected a batch of " + batch);
    }
    if (!device.equals(Workload.ORACLE)) {
      try (Device oracle = Workload.open(Workload.ORACLE, 1, "fp32")) {
        check(sampling(oracle, Workload.filled(oracle, transitions)).run(), first);
      }
      System.gc(); // the oracle's replay
    }
    SplittableRandom random = new SplittableRandom(Workload.SEED);
    for (int i = 0; i < PICTURES; i++) {
      pictures[i] = Workload.observation(random);
    }
    s = replay.hold(pictures[0], null);
  }

  private CapturedStep<Batch> sampling(Device device, Replay replay) {
    RandomStream random = device.random(Workload.SEED, "sampling");
    return device.capture(
        "sample",
        () -> {
          Batch b = replay.sample(random, batch);
          b.s().picture().buffer(); // read, and so made
          b.sNext().picture().buffer();
          random.advance();
          return b;
        });
  }

  private void check(Batch expected, Batch b) {
    boolean equal =
        Arrays.equals(expected.s().picture().toFloats(), b.s().picture().toFloats())
            && Arrays.equals(expected.a().toInts(), b.a().toInts())
            && Arrays.equals(expected.r().toFloats(), b.r().toFloats())
            && Arrays.equals(expected.discount().toFloats(), b.discount().toFloats())
            && Arrays.equals(expected.sNext().picture().toFloats(), b.sNext().picture().toFloats());
    if (!equal) {
      throw new IllegalStateException(
          "benchmark: a batch of " + batch + " differs from the reference's");
    }
  }

  /** One step of one agent: a frame and a transition. */
  @Benchmark
  public int insert() {
    next = (next + 1) % PICTURES;
    int sNext = replay.hold(pictures[next], null);
    replay.add(s, next % Workload.SPEC.actions(), -0.01f, 0.9f, sNext);
    replay.frames().release(s);
    s = sNext;
    opened.synchronize();
    return replay.size();
  }

  /** One batch. */
  @Benchmark
  public Batch sample() {
    Batch b = sample.run();
    opened.synchronize();
    return b;
  }

  /** The ring's bookkeeping must have survived. */
  @TearDown(Level.Trial)
  public void tearDown() {
    try (Device closing = opened) {
      if (sample != null) {
        replay.checkInvariants(1);
        if (replay.size() != transitions) {
          throw new IllegalStateException(
              "benchmark: %d of %d transitions are left".formatted(replay.size(), transitions));
        }
        sample.close();
      }
    }
  }
}
