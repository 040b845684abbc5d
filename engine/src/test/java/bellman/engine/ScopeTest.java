package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.backend.Buffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Lifetimes: who owns memory, when it returns, and what a late use reads. */
class ScopeTest {
  private final CountingBackend backend = new CountingBackend();
  private final Device device = new Device(backend.proxy());

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void aSteadyStepAllocatesNothing() {
    Parameters parameters = new Parameters(device);
    Tensor w = parameters.add("w", Shape.of(3, 4), new float[12]);
    Tensor b = parameters.add("b", Shape.of(3), new float[3]);
    Tensor x = device.zeros(Shape.of(2, 4));
    parameters.values();
    int[] allocated = new int[5];
    for (int i = 0; i < allocated.length; i++) {
      try (Scope step = device.scope("step")) {
        Tensor y = x.linear(w).addRow(b).relu();
        y.square().mean().backward().of(parameters);
      }
      allocated[i] = backend.calls("allocate");
    }
    assertThat(allocated[0]).isPositive();
    assertThat(allocated).containsOnly(allocated[0]);
  }

  @Test
  void aSteadyStepFindsTheSameBuffersInTheSameOrder() {
    Buffer[][] seen = new Buffer[2][3];
    for (Buffer[] buffers : seen) {
      try (Scope step = device.scope("step")) {
        for (int i = 0; i < buffers.length; i++) {
          buffers[i] = device.empty(Shape.of(8), DType.FLOAT32).buffer();
        }
      }
    }
    assertThat(seen[0]).doesNotHaveDuplicates();
    for (int i = 0; i < seen[0].length; i++) {
      assertThat(seen[1][i]).isSameAs(seen[0][i]);
    }
  }

  @Test
  void thePoolIsKeyedByTypeAndSize() {
    try (Scope step = device.scope("step")) {
      device.empty(Shape.of(4), DType.FLOAT32);
    }
    int before = backend.calls("allocate");
    device.empty(Shape.of(4), DType.INT32);
    device.empty(Shape.of(5), DType.FLOAT32);
    assertThat(backend.calls("allocate")).isEqualTo(before + 2);
    device.empty(Shape.of(2, 2), DType.FLOAT32);
    assertThat(backend.calls("allocate")).isEqualTo(before + 2);
  }

  @Test
  void livingAndPooledBytesAreCounted() {
    long live = device.liveBytes();
    try (Scope step = device.scope("step")) {
      device.empty(Shape.of(4), DType.FLOAT32);
      device.empty(Shape.of(3), DType.UINT8);
      assertThat(device.liveBytes()).isEqualTo(live + 19);
      assertThat(device.pooledBytes()).isZero();
    }
    assertThat(device.liveBytes()).isEqualTo(live);
    assertThat(device.pooledBytes()).isEqualTo(19);
    device.empty(Shape.of(4), DType.FLOAT32);
    assertThat(device.pooledBytes()).isEqualTo(3);
    assertThat(device.liveBytes()).isEqualTo(live + 16);
  }

  /** A packed copy made of the buffer's last life must not be found in the next. */
  @Test
  void aReusedBufferHasANewVersion() {
    Buffer buffer;
    long version;
    try (Scope step = device.scope("step")) {
      buffer = device.empty(Shape.of(4), DType.FLOAT32).buffer();
      version = buffer.version();
    }
    Buffer again = device.empty(Shape.of(4), DType.FLOAT32).buffer();
    assertThat(again).isSameAs(buffer);
    assertThat(again.version()).isGreaterThan(version);
  }

  @Test
  void useAfterCloseNamesTensorAndScope() {
    Tensor q;
    try (Scope step = device.scope("step 7")) {
      q = device.zeros(Shape.of(2, 3)).named("Q(s,a)");
    }
    String text =
        "[2, 3] (Q(s,a)) was used after its scope 'step 7' closed; keep() it, or use it inside";
    assertThatThrownBy(q::toFloats).isInstanceOf(IllegalStateException.class).hasMessage(text);
    assertThatThrownBy(q::relu).hasMessage(text);
    assertThatThrownBy(() -> device.zeros(Shape.of(2, 3)).add(q)).hasMessage(text);
    assertThatThrownBy(() -> q.reshape(Shape.of(6))).hasMessage(text);
  }

  @Test
  void aTensorOfAnOuterScopeOutlivesTheInner() {
    Tensor outer = device.full(Shape.of(2), 5);
    try (Scope step = device.scope("step")) {
      outer.relu();
    }
    assertThat(outer.toFloats()).containsExactly(5, 5);
  }

  @Test
  void keepMovesToTheScopeAround() {
    Tensor kept;
    Tensor twice;
    try (Scope outer = device.scope("outer")) {
      try (Scope inner = device.scope("inner")) {
        kept = device.full(Shape.of(2), 5).named("kept");
        assertThat(inner.keep(kept)).isSameAs(kept);
        twice = outer.keep(inner.keep(device.full(Shape.of(2), 6)));
      }
      device.full(Shape.of(2), 9); // would land in their memory, had it been pooled
      assertThat(kept.toFloats()).containsExactly(5, 5);
    }
    assertThat(twice.toFloats()).containsExactly(6, 6);
    assertThatThrownBy(kept::toFloats).hasMessageContaining("[2] (kept)", "'outer'");
  }

  @Test
  void keepOfAForeignTensorIsAnError() {
    Tensor outside = device.zeros(Shape.of(2)).named("outside");
    try (Scope step = device.scope("step")) {
      assertThatThrownBy(() -> step.keep(outside))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("keep: Tensor[2] (outside) does not belong to scope 'step'");
    }
    assertThatThrownBy(() -> device.innermost().keep(outside))
        .hasMessage(
            "keep: scope 'device' is the outermost; Tensor[2] (outside) lives until the device"
                + " closes");
  }

  @Test
  void aViewKeepsTheMemoryItShares() {
    Tensor whole;
    Tensor view;
    try (Scope step = device.scope("step")) {
      whole = device.tensor(new float[] {1, 2, 3, 4}, Shape.of(4));
      view = whole.reshape(Shape.of(2, 2)).reshape(Shape.of(1, 4));
      assertThat(step.keep(view)).isSameAs(view);
    }
    device.full(Shape.of(4), 9);
    assertThat(view.toFloats()).containsExactly(1, 2, 3, 4);
    assertThat(whole.toFloats()).containsExactly(1, 2, 3, 4);
  }

  @Test
  void aViewDiesWithTheMemoryItShares() {
    Tensor view;
    try (Scope outer = device.scope("outer")) {
      Tensor whole = device.zeros(Shape.of(4));
      try (Scope inner = device.scope("inner")) {
        view = whole.reshape(Shape.of(2, 2)).named("view");
      }
      assertThat(view.toFloats()).containsExactly(0, 0, 0, 0);
    }
    assertThatThrownBy(view::toFloats)
        .hasMessage(
            "[2, 2] (view) was used after its scope 'outer' closed; keep() it, or use it inside");
  }

  @Test
  void aViewTakesNoMemory() {
    Tensor x = device.zeros(Shape.of(4));
    int before = backend.calls("allocate");
    long live = device.liveBytes();
    x.reshape(Shape.of(2, 2)).flatten();
    assertThat(backend.calls("allocate")).isEqualTo(before);
    assertThat(device.liveBytes()).isEqualTo(live);
  }

  @Test
  void scopesCloseInReverseOrder() {
    Scope outer = device.scope("outer");
    Scope inner = device.scope("inner");
    assertThatThrownBy(outer::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "scope 'outer' cannot close: the innermost open scope is 'inner'; close scopes in the"
                + " reverse order of opening");
    assertThat(outer.isOpen()).isTrue();
    inner.close();
    inner.close(); // once more does nothing
    outer.close();
    assertThat(outer.isOpen()).isFalse();
  }
}
