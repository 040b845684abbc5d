package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import bellman.engine.backend.Buffer;
import bellman.engine.backend.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** One thread, states that change in place, and memory that all comes back. */
class DeviceTest {
  private final CountingBackend backend = new CountingBackend();
  private final Device device = new Device(backend.proxy());

  @AfterEach
  void close() {
    device.close();
  }

  private static Throwable onAnotherThread(Executable body) throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread = new Thread(() -> thrown.set(catchThrowable(body::execute)), "intruder");
    thread.start();
    thread.join();
    return thrown.get();
  }

  @Test
  void aSecondThreadIsAnErrorThatNamesBoth() throws InterruptedException {
    Tensor x = device.zeros(Shape.of(2));
    Tensor state = device.state("state", new float[2], Shape.of(2));
    Tensor counter = device.state("counter", new int[1], Shape.scalar());
    Scope scope = device.scope("step");
    String text =
        "device reference belongs to thread '"
            + Thread.currentThread().getName()
            + "', called from 'intruder'; one thread owns a device";
    List<Executable> uses =
        List.of(
            x::relu,
            x::toFloats,
            () -> device.zeros(Shape.of(2)),
            () -> device.scope("mine"),
            () -> state.set(x),
            () -> state.accumulate(x),
            () -> counter.increment(1),
            scope::close);
    for (Executable use : uses) {
      assertThat(onAnotherThread(use)).isInstanceOf(IllegalStateException.class).hasMessage(text);
    }
    assertThat(scope.isOpen()).isTrue();
    scope.close();
  }

  @Test
  void closeReleasesEveryBufferOnce() {
    device.zeros(Shape.of(2));
    try (Scope done = device.scope("done")) {
      device.zeros(Shape.of(3));
    }
    device.scope("left open");
    device.zeros(Shape.of(4));
    CapturedStep<Tensor> step = device.capture("step", () -> device.zeros(Shape.of(5)));
    Tensor result = step.run();
    device.close();
    device.close();
    assertThat(backend.calls("allocate")).isEqualTo(4);
    assertThat(backend.calls("close")).isEqualTo(1);
    assertThat(backend.held()).isZero();
    step.close();
    assertThatThrownBy(result::toFloats).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> device.zeros(Shape.of(2)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("device reference is closed");
  }

  // ── in place ──────────────────────────────────────────────────────────────────────────────────

  @Test
  void everyWriteInPlaceRaisesTheVersion() {
    Tensor floats = device.state("floats", new float[3], Shape.of(3));
    Tensor ints = device.state("ints", new int[3], Shape.of(3));
    Tensor counter = device.state("counter", new int[1], Shape.scalar());
    Tensor bytes = device.state("bytes", DType.UINT8, Shape.of(3));
    Tensor x = device.full(Shape.of(3), 2);
    assertRaises(floats, () -> floats.set(x));
    assertRaises(floats, () -> floats.set(new float[] {1, 2, 3}));
    assertRaises(floats, () -> floats.set(1, new float[] {7}));
    assertRaises(floats, () -> floats.accumulate(x));
    assertRaises(floats, () -> floats.accumulateMax(x));
    assertRaises(ints, () -> ints.set(new int[] {1, 2, 3}));
    assertRaises(ints, () -> ints.set(2, new int[] {9}));
    assertRaises(bytes, () -> bytes.set(0, new byte[] {1}));
    assertRaises(counter, () -> counter.increment(1));
    long before = x.buffer().version();
    x.relu();
    x.toFloats();
    assertThat(x.buffer().version()).isEqualTo(before);
  }

  private static void assertRaises(Tensor state, Runnable write) {
    long before = state.buffer().version();
    write.run();
    assertThat(state.buffer().version()).isGreaterThan(before);
  }

  @Test
  void aSliceSharesTheVersionOfItsWhole() {
    Buffer whole = device.zeros(Shape.of(8)).buffer();
    Buffer slice = whole.slice(2, 4);
    long before = whole.version();
    slice.slice(1, 2).written();
    assertThat(whole.version()).isEqualTo(before + 1);
    assertThat(slice.version()).isEqualTo(before + 1);
    assertThatThrownBy(() -> slice.slice(3, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("slice [3, 5) of a buffer of 4");
  }

  @Test
  void partsAreRead() {
    float[] floats = new float[2];
    device.tensor(new float[] {1, 2, 3}, Shape.of(3)).read(1, floats);
    assertThat(floats).containsExactly(2, 3);
    int[] ints = new int[1];
    device.tensor(new int[] {1, 2, 3}, Shape.of(3)).read(2, ints);
    assertThat(ints).containsExactly(3);
    byte[] bytes = new byte[3];
    device.tensor(new byte[] {1, 2, 3}, Shape.of(3)).read(0, bytes);
    assertThat(bytes).containsExactly(1, 2, 3);
  }

  @Test
  void statesChangeInPlace() {
    Tensor state = device.state("state", new float[] {1, 2, 3}, Shape.of(3));
    Buffer address = state.buffer();
    state.set(1, new float[] {7});
    assertThat(state.toFloats()).containsExactly(1, 7, 3);
    state.accumulate(device.full(Shape.of(3), 2));
    assertThat(state.toFloats()).containsExactly(3, 9, 5);
    state.accumulateMax(device.tensor(new float[] {4, -1, Float.NaN}, Shape.of(3)));
    assertThat(state.toFloats()).containsExactly(4, 9, Float.NaN);
    state.accumulateMax(device.full(Shape.of(3), 5));
    assertThat(state.toFloats()).containsExactly(5, 9, Float.NaN);
    state.set(device.full(Shape.of(3), 6));
    assertThat(state.toFloats()).containsExactly(6, 6, 6);
    assertThat(state.buffer()).isSameAs(address);
    Tensor counter = device.state("counter", new int[] {40}, Shape.scalar());
    counter.increment(3);
    counter.increment(-1);
    assertThat(counter.toInts()).containsExactly(42);
    Tensor bytes = device.state("bytes", DType.UINT8, Shape.of(3));
    bytes.set(1, new byte[] {(byte) 200, 5});
    assertThat(bytes.toBytes()).containsExactly(0, (byte) 200, 5);
  }

  @Test
  void aZeroedStateIsZeroInMemoryThatWasUsed() {
    try (Scope step = device.scope("step")) {
      device.full(Shape.of(4), 9);
    }
    assertThat(device.state("m", DType.FLOAT32, Shape.of(4)).toFloats()).containsOnly(0);
  }

  // ── work ──────────────────────────────────────────────────────────────────────────────────────

  @Test
  void forkRunsBoth() {
    List<String> ran = new ArrayList<>();
    device.fork(() -> ran.add("a"), () -> ran.add("b"));
    assertThat(ran).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void sharedMemoryIsReleasedWithItsScopeAndNeverPooled() {
    int held = backend.held();
    try (Scope scope = device.scope("scope")) {
      Tensor x = device.shared("x", DType.INT32, Shape.of(3));
      x.set(new int[] {1, 2, 3});
      assertThat(x.toInts()).containsExactly(1, 2, 3);
      assertThat(x.take()).containsExactly(1, 2, 3);
      assertThat(device.liveBytes()).isEqualTo(12);
      assertThat(backend.held()).isEqualTo(held + 1);
    }
    assertThat(backend.held()).isEqualTo(held);
    assertThat(device.liveBytes() + device.pooledBytes()).isZero();
  }

  @Test
  void aKernelFromOutsideSeesItsArgumentsInOrder() {
    Kernel axpy =
        new Kernel(
            "axpy",
            "",
            (arguments, from, to) -> {
              for (int i = from; i < to; i++) {
                double x = arguments.array(1).get(i);
                arguments.array(3).set(i, arguments.number(0) * x + arguments.integer(2));
              }
            });
    Tensor x = device.tensor(new float[] {1, 2, 3}, Shape.of(3));
    Tensor y = device.zeros(Shape.of(3));
    device.launch(axpy, 2, 0.5f, x, 10, y);
    assertThat(y.toFloats()).containsExactly(10.5f, 11, 0);
  }
}
