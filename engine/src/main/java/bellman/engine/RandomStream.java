package bellman.engine;

import bellman.engine.backend.Philox;

/**
 * Random numbers drawn on the device. A draw is a pure function of (seed, stream name, step,
 * element), the same integers on every backend; {@link #advance} starts the next step. The step
 * lies in device memory, so that a replayed step draws anew.
 */
public final class RandomStream {
  private final Device device;
  private final Philox.Key key;
  private final Tensor step; // int32 []
  private int draws;

  RandomStream(Device device, long seed, String name) {
    this.device = device;
    this.key = Philox.Key.of(seed, name);
    this.step = device.state(name + ".step", new int[1], Shape.scalar());
  }

  /** int32 uniform in [0, bound); {@code bound} is an int32 scalar on the device. */
  public Tensor integers(Tensor bound, Shape shape) {
    Tensor.requireRank("integers", bound, 0);
    Tensor.requireType("integers", bound, DType.INT32, "bound");
    Tensor y = device.empty(shape, DType.INT32);
    device.backend().randomIntegers(key, step.buffer(), draws++, bound.buffer(), y.buffer());
    return y;
  }

  /** float32 uniform in [0, 1). */
  public Tensor uniform(Shape shape) {
    Tensor y = device.empty(shape, DType.FLOAT32);
    device.backend().randomUniform(key, step.buffer(), draws++, y.buffer());
    return y;
  }

  /**
   * A draw that a kernel makes itself: the Philox number of (key, step[0], item, draw).
   *
   * @param step int32 []
   */
  public record Draw(Philox.Key key, Tensor step, int draw) {}

  /** The next draw of this step. */
  public Draw draw() {
    return new Draw(key, step, draws++);
  }

  /** Ends a step: what is drawn next differs. */
  public void advance() {
    draws = 0;
    device.backend().increment(step.buffer(), 1);
    step.buffer().written();
  }

  /** The steps taken so far, as an unsigned 32-bit number: all of this stream's state. */
  public int step() {
    return step.toInts()[0];
  }

  /** Goes back to a saved {@link #step}. */
  public void restore(int step) {
    draws = 0;
    this.step.set(new int[] {step});
  }
}
