package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.Scope;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;

/** A tensor is numbers, a shape and a place; a scope says how long it lives. */
public final class Lesson01TensorAndScope implements Lesson {
  /**
   * @param sum of x + row, by the device
   * @param mismatch what adding [2, 3] and [3] answers
   * @param held bytes taken from the system after the first step and after the hundredth
   * @param live bytes in living tensors before the steps and after them
   * @param late what using a tensor after its scope answers
   */
  public record Figures(
      float sum, String mismatch, long[] held, long[] live, String late, float kept) {}

  @Override
  public String title() {
    return "A tensor and its lifetime";
  }

  @Override
  public Figures run(Page page) {
    try (Device device = page.open()) {
      page.say(
          """

          A tensor is a shape, a type and one contiguous row of numbers on a device. x is [2, 3]:
          two rows of three, and x[r, c] lies at place 3r + c.""");
      Tensor x = device.tensor(new float[] {1, 2, 3, 4, 5, 6}, Shape.of(2, 3)).named("x");
      Tensor row = device.tensor(new float[] {10, 20, 30}, Shape.of(3)).named("row");

      Tensor y = x.addRow(row); // y[r, c] = x[r, c] + row[c]
      float sum = y.sum().item(); // 21 + 2 · 60
      page.claim(sum == 141, "Σ (x + row) = %.0f: addRow adds the row to both rows", sum);

      page.say(
          """

          Nothing broadcasts. [2, 3] + [3] could mean one thing or be a slip; an op that guesses
          hides the slip, so it refuses and names both sides and the way out:""");
      String mismatch = refusal(() -> x.add(row));
      page.say("    %s", mismatch);
      page.claim(mismatch.contains("[2, 3] (x)"), "the error names x with its shape");

      page.say(
          """

          Lifetimes: a new tensor belongs to the innermost open scope. When that closes, memory goes
          back to the device's pool, where the next step finds it. A hundred steps, each with three
          tensors of its own:""");
      long[] live = {device.liveBytes(), 0};
      long[] held = new long[2];
      for (int k = 1; k <= 100; k++) {
        try (Scope step = device.scope("step")) {
          y.scale(k).square().sum();
        }
        held[0] = k == 1 ? device.heldBytes() : held[0];
      }
      live[1] = device.liveBytes();
      held[1] = device.heldBytes();
      page.claim(live[1] == live[0], "living tensors: %d bytes before and after", live[0]);
      page.claim(
          held[1] == held[0],
          "taken from the system: %d bytes after step 1, %d after step 100;\n"
              + "a steady step allocates nothing",
          held[0],
          held[1]);

      page.say("\nWhat is to outlive its scope is kept; the rest is dead, and says so when used:");
      Tensor kept;
      Tensor lost;
      try (Scope step = device.scope("step")) {
        kept = step.keep(x.scale(2));
        lost = x.scale(3).named("lost");
      }
      String late = refusal(lost::toFloats);
      page.say("    %s", late);
      page.claim(late.contains("'step' closed"), "the error names the tensor and its scope");
      page.claim(kept.toFloats()[5] == 12, "kept: 2 · x[1, 2] = %.0f", kept.toFloats()[5]);
      return new Figures(sum, mismatch, held, live, late, kept.toFloats()[5]);
    }
  }

  private static String refusal(Runnable wrong) {
    try {
      wrong.run();
      return "(no error)";
    } catch (ShapeException | IllegalStateException e) {
      return e.getMessage();
    }
  }
}
