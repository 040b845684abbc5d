package bellman.rl.dqn;

import bellman.engine.CapturedStep;
import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.rl.env.Spec;
import bellman.rl.replay.Frames;
import java.util.HashMap;
import java.util.Map;

/** argmax_a Q(s, a) over the actions that are allowed, for frames that lie on the device. */
public final class GreedyPolicy implements AutoCloseable {
  /** One captured step for each number of agents that act together. */
  private record Act(Tensor index, Tensor forbidden, Tensor action, CapturedStep<Tensor> step) {}

  private record Choice(Tensor q, Tensor action) {}

  /**
   * What the policy chose.
   *
   * @param actions [n]
   * @param q Q(s, ·) of each, [n][actions]
   */
  public record Chosen(int[] actions, float[][] q) {}

  private final Device device;
  private final QNetwork network;
  private final Frames frames;
  private final Spec spec;
  private final Map<Integer, Act> acts = new HashMap<>();

  public GreedyPolicy(Device device, QNetwork network, Frames frames, Spec spec) {
    this.device = device;
    this.network = network;
    this.frames = frames;
    this.spec = spec;
  }

  /**
   * The best allowed action in each frame.
   *
   * @param held indices of frames
   * @param forbidden for each frame [actions], or null where all are allowed
   */
  public int[] act(int[] held, boolean[][] forbidden) {
    return run(held, forbidden).action.take();
  }

  /** {@link #act} with the values it is based on. */
  public Chosen choose(int[] held, boolean[][] forbidden) {
    Choice choice = run(held, forbidden);
    float[] flat = choice.q.toFloats();
    float[][] q = new float[held.length][spec.actions()];
    for (int i = 0; i < flat.length; i++) {
      q[i / spec.actions()][i % spec.actions()] = flat[i];
    }
    return new Chosen(choice.action.take(), q);
  }

  private Choice run(int[] held, boolean[][] forbidden) {
    Act act = acts.computeIfAbsent(held.length, this::capture);
    byte[] mask = new byte[held.length * spec.actions()];
    for (int i = 0; i < held.length; i++) {
      for (int a = 0; forbidden[i] != null && a < spec.actions(); a++) {
        mask[i * spec.actions() + a] = (byte) (forbidden[i][a] ? 1 : 0);
      }
    }
    act.index.set(held);
    act.forbidden.set(0, mask);
    return new Choice(act.step.run(), act.action);
  }

  private Act capture(int n) {
    Tensor index = device.state("act.frames", new int[n], Shape.of(n));
    Tensor forbidden = device.state("act.forbidden", DType.UINT8, Shape.of(n, spec.actions()));
    Tensor action = device.shared("act.action", DType.INT32, Shape.of(n));
    CapturedStep<Tensor> step =
        device.capture(
            "act",
            () ->
                Tensor.withoutGradient(
                    () -> {
                      Tensor q = network.forward(frames.gather(index));
                      Greedy.choose(q, forbidden, action);
                      return q;
                    }));
    return new Act(index, forbidden, action, step);
  }

  @Override
  public void close() {
    acts.values().forEach(act -> act.step.close());
  }
}
