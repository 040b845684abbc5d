package bellman.rl.env;

import java.util.SplittableRandom;

/**
 * A pole stands on a cart; push the cart left (0) or right (1) so that it does not fall (Barto,
 * Sutton and Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
 * problems"; without friction). With force F = ±10 N, cart mass m<sub>c</sub> = 1 kg, pole mass m =
 * 0.1 kg, half length l = 0.5 m, M = m<sub>c</sub> + m and g = 9.8 m/s²:
 *
 * <pre>
 *   u   = (F + m l θ̇² sin θ) / M
 *   θ̈  = (g sin θ − u cos θ) / (l (4/3 − m cos² θ / M))
 *   ẍ   = u − m l θ̈ cos θ / M
 * </pre>
 *
 * each 0.02 s by Euler's method, positions before velocities. The observation is [x, ẋ, θ, θ̇], and
 * an episode starts with each uniform in ±0.05. It ends when |x| &gt; 2.4 m or |θ| &gt; 12°, and is
 * cut off, as interrupted, after 500 steps. Every step earns 1, the last one too (the paper gives
 * −1 at the fall instead).
 */
public final class CartPole implements Environment {
  /** Steps after which an episode is cut off. */
  public static final int LIMIT = 500;

  private static final double G = 9.8;
  private static final double POLE = 0.1;
  private static final double MASS = 1 + POLE;
  private static final double HALF_LENGTH = 0.5;
  private static final double FORCE = 10;
  private static final double DT = 0.02;
  private static final double FAR = 2.4;
  private static final double FALLEN = Math.toRadians(12);

  private final Spec spec = new Spec("CartPole", Frame.vector(4), 0, 2);
  private final SplittableRandom random;
  private double x;
  private double v;
  private double theta;
  private double omega;
  private int steps;
  private boolean started;

  public CartPole(long seed) {
    this.random = new SplittableRandom(seed);
  }

  @Override
  public Spec spec() {
    return spec;
  }

  @Override
  public Turn reset() {
    started = true;
    begin();
    return Toy.goesOn(seen(), 0);
  }

  /** Begins an episode in a state of the caller's. For tests. */
  Turn resetTo(double x, double v, double theta, double omega) {
    started = true;
    steps = 0;
    this.x = x;
    this.v = v;
    this.theta = theta;
    this.omega = omega;
    return Toy.goesOn(seen(), 0);
  }

  @Override
  public Turn step(int[] actions) {
    push(Toy.action(spec, started, actions) == 1 ? FORCE : -FORCE);
    steps++;
    boolean fell = Math.abs(x) > FAR || Math.abs(theta) > FALLEN;
    Observation seen = seen();
    if (fell || steps == LIMIT) {
      begin();
      return Toy.ends(seen, 1, !fell, seen());
    }
    return Toy.goesOn(seen, 1);
  }

  private void push(double force) {
    double sin = Math.sin(theta);
    double cos = Math.cos(theta);
    double u = (force + POLE * HALF_LENGTH * omega * omega * sin) / MASS;
    double alpha = (G * sin - u * cos) / (HALF_LENGTH * (4.0 / 3 - POLE * cos * cos / MASS));
    double a = u - POLE * HALF_LENGTH * alpha * cos / MASS;
    x += DT * v;
    v += DT * a;
    theta += DT * omega;
    omega += DT * alpha;
  }

  private void begin() {
    steps = 0;
    x = small();
    v = small();
    theta = small();
    omega = small();
  }

  private double small() {
    return random.nextDouble() * 0.1 - 0.05;
  }

  private Observation seen() {
    return Observation.vector((float) x, (float) v, (float) theta, (float) omega);
  }

  @Override
  public void close() {}
}
