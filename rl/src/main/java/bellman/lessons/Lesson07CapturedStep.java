package bellman.lessons;

import bellman.engine.CapturedStep;
import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.Tensor;
import bellman.nn.Adam;
import bellman.nn.Mse;
import bellman.nn.Sequential;
import bellman.nn.Weights;
import java.util.Arrays;

/** A step that is the same every time is said once and replayed. */
public final class Lesson07CapturedStep implements Lesson {
  private static final int RUNS = 400;
  private static final int ROUNDS = 8;

  /**
   * @param bodies how often the captured step's body ran in {@code runs} runs
   * @param steps that Adam counted
   * @param apart the largest difference between the weights of the two ways
   * @param plain seconds of a step in the best round, kernel by kernel, and {@code captured}
   * @param refusal what reading a tensor inside a captured step answers
   */
  public record Figures(
      int runs,
      int bodies,
      int steps,
      double apart,
      double plain,
      double captured,
      String refusal) {}

  /** A small network and one step of learning for it. */
  private static final class Learner {
    private final Weights weights;
    private final Sequential net;
    private final Adam adam;
    private final Tensor x;
    private final Tensor y;
    private int bodies;

    Learner(Device device) {
      weights = new Weights(device, 3);
      net =
          Sequential.on(weights, Shape.of(8))
              .linear("fc1", 64)
              .relu()
              .linear("fc2", 64)
              .relu()
              .linear("out", 1)
              .build();
      adam = new Adam(weights, Adam.Settings.defaults());
      float[] values = new float[32 * 8];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i);
      }
      x = device.tensor(values, Shape.of(32, 8));
      y = device.tensor(Arrays.copyOf(values, 32), Shape.of(32, 1));
    }

    Tensor learn() {
      bodies++;
      Tensor loss = new Mse().of(net.forward(x), y);
      adam.step(loss.backward());
      return loss;
    }

    void stepByStep() {
      try (Scope step = x.device().scope("step")) {
        learn();
      }
    }
  }

  @Override
  public String title() {
    return "A captured step, and why it is faster on a GPU";
  }

  @Override
  public Figures run(Page page) {
    try (Device device = page.open()) {
      page.say(
          """

          One step of learning is some twenty kernels. On a GPU each takes a microsecond or two, but
          to launch it costs the CPU some ten. So a step is captured: device.capture(…) runs it once
          as it is, records it the second time, and from then on replays the recording with one
          launch. Addresses must not change for that: a captured step owns its memory.
          """);
      Learner one = new Learner(device);
      Learner other = new Learner(device);
      double plain = Double.POSITIVE_INFINITY;
      double captured = Double.POSITIVE_INFINITY;
      try (CapturedStep<Tensor> step = device.capture("learn", other::learn)) {
        for (int round = 0; round < ROUNDS; round++) { // in turn: the JVM gets faster as it runs
          plain = Math.min(plain, secondsOfOne(device, one::stepByStep));
          captured = Math.min(captured, secondsOfOne(device, step::run));
        }
      }
      float[] a = one.weights.parameters().values().toFloats();
      String refusal;
      try (CapturedStep<Float> wrong = device.capture("wrong", () -> one.learn().item())) {
        refusal = refusal(wrong);
      }
      float[] b = other.weights.parameters().values().toFloats();
      double apart = 0;
      for (int i = 0; i < a.length; i++) {
        apart = Math.max(apart, Math.abs(a[i] - b[i]));
      }
      int steps = other.adam.t();

      page.say("    kernel by kernel %8.1f µs a step", plain * 1e6);
      page.say("    captured         %8.1f µs a step\n", captured * 1e6);
      page.claim(
          steps == RUNS, "%d runs were %d steps of Adam, neither more nor less", RUNS, steps);
      page.claim(
          other.bodies == RUNS || other.bodies == 2, "its Java code ran %d times", other.bodies);
      if (other.bodies == 2) {
        page.say("    once as it is, once to record; the other runs were replays.");
        page.claim(captured < plain, "which makes a step %.1f times as fast", plain / captured);
      } else {
        page.say(
            "    so this device does not record: here a captured step is a plain call, and what the\n"
                + "    times differ by is noise. The code is the same on both.");
      }
      page.claim(
          apart < 1e-5, "both ways end with the same weights (largest difference %.0e)", apart);
      page.say(
          """

          What is replayed cannot look at the host. Whatever changes from step to step, such as the
          number of steps or the learning rate, lies in device memory; and a read inside is an error,
          on every device:""");
      page.say("    %s", refusal);
      page.claim(refusal.contains("captured step 'wrong'"), "the error names the step");
      return new Figures(RUNS, other.bodies, steps, apart, plain, captured, refusal);
    }
  }

  /** The mean of a round of steps. */
  private static double secondsOfOne(Device device, Runnable step) {
    long began = System.nanoTime();
    for (int i = 0; i < RUNS / ROUNDS; i++) {
      step.run();
    }
    device.synchronize();
    return (System.nanoTime() - began) / 1e9 / (RUNS / ROUNDS);
  }

  private static String refusal(CapturedStep<?> wrong) {
    try {
      wrong.run();
      return "(no error)";
    } catch (IllegalStateException e) {
      return e.getMessage();
    }
  }
}
