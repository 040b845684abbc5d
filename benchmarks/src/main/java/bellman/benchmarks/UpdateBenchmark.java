package bellman.benchmarks;

import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.rl.dqn.DqnLearner;
import bellman.rl.env.Frame;
import bellman.rl.replay.Batch;
import bellman.rl.replay.Replay;
import bellman.rl.replay.Seen;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One whole update of DQN on the tutorial's network: draw the batch, gather its pictures behind the
 * goal gate, Q(s, ·; θ) and Q(s′, ·; θ⁻), TD error, backward, Adam, statistics. Nothing is left out
 * and nothing prepared beforehand; 52 MFLOP for each transition of the batch.
 *
 * <p>Before it is timed, the first update's loss must be that of the batch which the sampling
 * stream draws (so the batch has the size asked for), and the losses of two updates must be the
 * reference backend's (so forward, backward and Adam are right).
 */
@State(org.openjdk.jmh.annotations.Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 10, time = 2)
@Fork(2)
public class UpdateBenchmark implements Measured {
  @Param({"onednn", "java", "cuda"})
  public String device;

  @Param("32")
  @Values(
      gpu = {"32", "1024"},
      quickGpu = "32")
  public int batch;

  @Param("1")
  public int threads;

  @Param("fp32")
  @Values(gpu = {"fp32", "tf32"})
  public String precision = "fp32";

  /** Updates that are given before they are waited for; 1 is an update's latency. */
  @Param("1")
  @Values(gpu = {"1", "16"})
  public int ahead = 1;

  /** In the replay; a multiple of the caches' size, so that pictures come from memory. */
  @Param("2000")
  public int transitions;

  private int given;
  private Device opened;
  private DqnLearner learner;

  @Override
  public Work work(String method) {
    return Work.of(batch * Workload.UPDATE_FLOPS, 0);
  }

  @Setup(Level.Trial)
  public void setUp() {
    opened = Workload.open(device, threads, precision);
    Replay replay = Workload.filled(opened, transitions);
    learner = learner(opened, replay);
    double first = lossOfFirstBatch(replay);
    double[] losses = new double[2];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = loss(learner);
      opened.synchronize(); // delivers the drain's writes, which come before no other update
    }
    Workload.checkEqual("the loss of a batch of " + batch, first, losses[0], tolerance());
    if (!device.equals(Workload.ORACLE)) {
      checkOracle(losses);
      System.gc(); // the oracle's replay
    }
  }

  private DqnLearner learner(Device device, Replay replay) {
    return new DqnLearner(
        device, Workload.SPEC, replay, Workload.settings(batch, replay.capacity()));
  }

  /** Mean Huber(Q(s, a) − y) over the first B draws, in plain Java; θ⁻ = θ still. */
  private double lossOfFirstBatch(Replay replay) {
    try (Scope scope = opened.scope("proof")) {
      Batch b = replay.sample(opened.random(Workload.SEED, "sampling"), batch);
      Frame f = Workload.SPEC.frame().folded(replay.frames().fold());
      Shape expected = Shape.of(batch, f.height(), f.width(), f.channels() * Workload.SPEC.goals());
      if (!b.s().picture().shape().equals(expected)) {
        throw new IllegalStateException(
            "benchmark: s is " + b.s().picture().shape() + ", expected " + expected);
      }
      int actions = Workload.SPEC.actions();
      float[] q = values(b.s());
      float[] qNext = values(b.sNext());
      int[] a = b.a().toInts();
      float[] r = b.r().toFloats();
      float[] discount = b.discount().toFloats();
      double sum = 0;
      for (int i = 0; i < batch; i++) {
        double v = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < actions; j++) {
          v = Math.max(v, qNext[i * actions + j]);
        }
        double error = Math.abs(q[i * actions + a[i]] - (r[i] + discount[i] * v));
        sum += error < 1 ? error * error / 2 : error - 0.5;
      }
      return sum / batch;
    }
  }

  /** TF32 rounds operands to 11 bits. */
  private double tolerance() {
    return precision.equals("fp32") ? 1e-4 : 1e-2;
  }

  private float[] values(Seen s) {
    return Tensor.withoutGradient(() -> learner.online().forward(s)).toFloats();
  }

  private static double loss(DqnLearner learner) {
    learner.update();
    return learner.drainStatistics().loss();
  }

  /** The reference needs 5 s for an update of 32; beyond 64 the Java backend stands for it. */
  private void checkOracle(double[] losses) {
    String name = batch <= 64 ? Workload.ORACLE : "java";
    int cores = Runtime.getRuntime().availableProcessors();
    try (Device oracle = Workload.open(name, cores, "fp32");
        DqnLearner twin = learner(oracle, Workload.filled(oracle, transitions))) {
      for (int i = 0; i < losses.length; i++) {
        Workload.checkEqual("the loss of update " + (i + 1), loss(twin), losses[i], tolerance());
      }
    }
  }

  /** Sample, two forwards, TD error, backward, Adam. */
  @Benchmark
  public void update() {
    learner.update();
    if (++given % ahead == 0) {
      opened.synchronize();
    }
  }

  /** What was timed must have been learning, not NaNs. */
  @TearDown(Level.Trial)
  public void tearDown() {
    try (Device closing = opened) {
      if (learner != null) {
        double loss = loss(learner);
        learner.close();
        if (!Double.isFinite(loss)) {
          throw new IllegalStateException("benchmark: training diverged, the loss is " + loss);
        }
      }
    }
  }
}
