package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.Recording;
import bellman.engine.backend.RecordingException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** k runs are k steps; results live until the next; the host stays outside. */
class CapturedStepTest {
  private final CountingBackend backend = new CountingBackend();
  private final Device device = new Device(backend.proxy());

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void kRunsAreKSteps() {
    Tensor counter = device.state("counter", new int[1], Shape.scalar());
    Tensor sum = device.state("sum", new float[1], Shape.scalar());
    Tensor x = device.state("x", new float[] {2}, Shape.scalar());
    try (CapturedStep<Tensor> step =
        device.capture(
            "count",
            () -> {
              counter.increment(1);
              sum.accumulate(x);
              return x.scale(10);
            })) {
      for (int i = 1; i <= 5; i++) {
        assertThat(step.run().item()).isEqualTo(20);
        assertThat(counter.toInts()).containsExactly(i);
        assertThat(sum.item()).isEqualTo(2 * i);
      }
      x.set(new float[] {3}); // between runs, through a state
      assertThat(step.run().item()).isEqualTo(30);
      assertThat(sum.item()).isEqualTo(13);
    }
  }

  @Test
  void makingAStepRunsNothing() {
    Tensor counter = device.state("counter", new int[1], Shape.scalar());
    device.capture(
        "never",
        () -> {
          counter.increment(1);
          return counter;
        });
    assertThat(counter.toInts()).containsExactly(0);
  }

  @Test
  void resultsAreValidUntilTheNextRun() {
    CapturedStep<Tensor> step =
        device.capture("step", () -> device.full(Shape.of(2), 4).scale(2).named("loss"));
    Tensor first = step.run();
    device.zeros(Shape.of(2)); // new memory: the step's is its own
    assertThat(first.toFloats()).containsExactly(8, 8);
    Tensor second = step.run();
    String text = "[2] (loss) was used after its scope 'step' closed; keep() it, or use it inside";
    assertThatThrownBy(first::toFloats).hasMessage(text);
    assertThat(second.toFloats()).containsExactly(8, 8);
    step.close();
    assertThatThrownBy(second::toFloats).hasMessage(text);
  }

  @Test
  void aSteadyRunAllocatesNothing() {
    Tensor x = device.zeros(Shape.of(3, 4));
    CapturedStep<Tensor> step = device.capture("step", () -> x.relu().scale(2).sum());
    step.run();
    int after = backend.calls("allocate");
    step.run();
    step.run();
    assertThat(backend.calls("allocate")).isEqualTo(after);
  }

  @Test
  void theHostStaysOutside() {
    Tensor state = device.state("state", new float[2], Shape.of(2));
    assertHostError("toFloats", state::toFloats);
    assertHostError("toFloats", () -> state.sum().item());
    assertHostError("set", () -> state.set(new float[2]));
    assertHostError("tensor", () -> device.tensor(new float[2], Shape.of(2)));
    assertHostError("tensor", () -> device.tensor(new int[2], Shape.of(2)));
    assertHostError("tensor", () -> device.tensor(new byte[2], Shape.of(2)));
    state.set(new float[2]); // outside again
  }

  private void assertHostError(String op, Runnable body) {
    CapturedStep<Void> step =
        device.capture(
            "learn",
            () -> {
              body.run();
              return null;
            });
    assertThatThrownBy(step::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            op
                + ": the host cannot read or write tensors inside the captured step 'learn'; do it"
                + " between runs, through a state tensor");
  }

  @Test
  void aStepThatFailedLeavesTheDeviceUsable() {
    int[] runs = new int[1];
    CapturedStep<Tensor> step =
        device.capture(
            "step",
            () -> {
              Tensor y = device.full(Shape.of(2), 1);
              if (runs[0]++ == 0) {
                throw new UnsupportedOperationException();
              }
              return y;
            });
    assertThatThrownBy(step::run).isInstanceOf(UnsupportedOperationException.class);
    assertThat(device.innermost().name()).isEqualTo("device");
    assertThat(step.run().toFloats()).containsExactly(1, 1);
  }

  @Test
  void aStepInsideAStepIsStillCaptured() {
    CapturedStep<Tensor> inner = device.capture("inner", () -> device.full(Shape.scalar(), 1));
    CapturedStep<Float> outer = device.capture("outer", () -> inner.run().item());
    assertThatThrownBy(outer::run).hasMessageContaining("captured step 'outer'");
  }

  /** A device whose backend records like that. */
  private Device recording(Function<Runnable, Optional<Recording>> record) {
    return new Device(
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) ->
                    method.getName().equals("record")
                        ? record.apply((Runnable) arguments[0])
                        : backend.invoke(proxy, method, arguments)));
  }

  /** Does the work while it records it, and nothing when it replays it. */
  private static Optional<Recording> once(Runnable work) {
    work.run();
    return Optional.of(
        new Recording() {
          @Override
          public void launch() {}

          @Override
          public void close() {}
        });
  }

  @Test
  void whatARecordingUsesIsGivenToNobodyWhateverRunsAroundIt() {
    try (Device recorded = recording(CapturedStepTest::once)) {
      List<Buffer> used = new ArrayList<>();
      CapturedStep<Tensor> step =
          recorded.capture(
              "step",
              () -> {
                try (Scope inner = recorded.scope("inner")) {
                  used.add(recorded.zeros(Shape.of(7)).buffer());
                }
                return recorded.zeros(Shape.of(5));
              });
      recorded.joining(step::run);
      recorded.joining(step::run); // records
      for (int i = 0; i < 3; i++) {
        assertThat(used).doesNotContain(recorded.zeros(Shape.of(7)).buffer());
      }
    }
  }

  @Test
  void aRecordingDoesNotOutliveWhatItUses() {
    try (Device recorded = recording(CapturedStepTest::once)) {
      Tensor x = recorded.state("x", new float[3], Shape.of(3));
      Scope scope = recorded.scope("weights");
      Tensor w = recorded.state("w", new float[] {1, 2, 3}, Shape.of(3));
      CapturedStep<Tensor> step = recorded.capture("step", () -> x.mul(w).sum());
      for (int i = 0; i < 4; i++) {
        step.run();
      }
      scope.close();
      assertThatThrownBy(step::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("was used after its scope 'weights' closed");
      step.close();
    }
  }

  @Test
  void whatCannotBeRecordedRunsDirectly() {
    try (Device refusing =
        recording(
            work -> {
              throw new RecordingException("no room for a graph", null);
            })) {
      Tensor counter = refusing.state("counter", new int[1], Shape.scalar());
      CapturedStep<Tensor> step =
          refusing.capture(
              "step",
              () -> {
                counter.increment(1);
                return refusing.full(Shape.of(2), 3).scale(2);
              });
      assertThat(step.refusal()).isEmpty();
      for (int i = 1; i <= 4; i++) {
        assertThat(step.run().toFloats()).containsExactly(6, 6);
        assertThat(counter.toInts()).containsExactly(i);
      }
      assertThat(step.refusal()).hasValue("no room for a graph");
      step.close();
      assertThat(step.refusal()).isEmpty();
    }
  }

  @Test
  void aStepThatClosedTakesOtherShapes() {
    int[] rows = {2};
    Tensor x = device.state("x", new float[] {1, 2, 3, 4}, Shape.of(4));
    CapturedStep<Tensor> step =
        device.capture("step", () -> x.reshape(Shape.of(rows[0], 4 / rows[0])).sumRows());
    step.run();
    assertThat(step.run().toFloats()).containsExactly(4, 6);
    step.close();
    rows[0] = 4;
    for (int i = 0; i < 3; i++) {
      assertThat(step.run().toFloats()).containsExactly(10);
    }
  }

  /** The first use of a network may be the step that learns it. */
  @Test
  void parametersFirstUsedInsideAStepOutliveIt() {
    Parameters parameters = new Parameters(device);
    Tensor w = parameters.add("w", Shape.of(2), new float[] {1, 2});
    CapturedStep<Tensor> step = device.capture("step", () -> w.scale(3));
    step.run();
    assertThat(step.run().toFloats()).containsExactly(3, 6);
    step.close();
    assertThat(w.toFloats()).containsExactly(1, 2);
  }
}
