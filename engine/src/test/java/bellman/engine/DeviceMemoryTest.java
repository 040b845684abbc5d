package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.reference.ReferenceBackend;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Limits, what an error says of who holds what, and that the device goes on. */
class DeviceMemoryTest {
  /** The reference on a system with so many bytes, of which workspaces take some. */
  private static final class Small {
    private final Backend backend = ReferenceBackend.floats();
    private final long capacity;
    private long taken;

    Small(long capacity) {
      this.capacity = capacity;
    }

    Backend proxy(long workspaces) {
      return (Backend)
          Proxy.newProxyInstance(
              Backend.class.getClassLoader(),
              new Class<?>[] {Backend.class},
              (proxy, method, arguments) -> {
                switch (method.getName()) {
                  case "freeBytes" -> {
                    return OptionalLong.of(capacity - taken);
                  }
                  case "ownBytes" -> {
                    return workspaces;
                  }
                  case "allocate" -> {
                    long bytes = (long) arguments[1] * ((DType) arguments[0]).bytes();
                    if (taken + bytes > capacity) {
                      throw new OutOfMemoryError("the system has no " + bytes + " bytes");
                    }
                    taken += bytes;
                  }
                  case "release" -> taken -= ((Buffer) arguments[0]).bytes();
                  default -> {}
                }
                try {
                  return method.invoke(backend, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  private static Device limited(long limit, long workspaces) {
    return new Device(new Small(Long.MAX_VALUE / 2).proxy(workspaces), OptionalLong.of(limit));
  }

  @Test
  void whoHoldsWhatBeyondTheLimit() {
    try (Device device = limited(3000, 100)) {
      device.state("frames", DType.UINT8, Shape.of(1000));
      device.state("conv1.weight", DType.FLOAT32, Shape.of(50));
      Scope step = device.scope("update");
      device.zeros(Shape.of(100));
      device.zeros(Shape.of(25));
      assertThatThrownBy(() -> device.zeros(Shape.of(301)))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessage(
              "out of memory: 301 elements of FLOAT32 need 1,204 bytes and the device (reference)"
                  + " holds 1,800 bytes of the 3,000 bytes that it may: frames 1,000 bytes, scope"
                  + " 'update' 500 bytes, conv1.weight 200 bytes, workspaces 100 bytes. Lower"
                  + " --buffer-size or --batch-size, or raise --device-memory");
      // What just fits does, and what a scope gave back serves another size.
      assertThat(device.freeBytes()).hasValue(1200);
      device.zeros(Shape.of(300));
      step.close();
      assertThat(device.freeBytes()).hasValue(1700);
      assertThat(device.zeros(Shape.of(425)).toFloats()).hasSize(425).containsOnly(0);
      assertThat(device.heldBytes()).isEqualTo(3000);
      assertThat(device.pooledBytes()).isZero();
    }
  }

  @Test
  void theSystemsOwnWordIsKept() {
    try (Device device = new Device(new Small(1000).proxy(0))) {
      device.state("state", DType.FLOAT32, Shape.of(100));
      assertThatThrownBy(() -> device.zeros(Shape.of(200)))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessageContaining("holds 400 bytes: state 400 bytes (the system has no 800 bytes).");
      try (Scope scope = device.scope("other sizes")) {
        device.zeros(Shape.of(100));
      }
      assertThat(device.pooledBytes()).isEqualTo(400);
      device.zeros(Shape.of(150)); // out of what the pool gave back to the system
      assertThat(device.pooledBytes()).isZero();
    }
  }

  @Test
  void onlyTheLargestHoldersAreNamed() {
    try (Device device = limited(1000, 0)) {
      for (int i = 1; i <= 9; i++) {
        device.state("s" + i, DType.UINT8, Shape.of(10 * i));
      }
      assertThatThrownBy(() -> device.zeros(Shape.of(1000)))
          .hasMessageContaining(
              ": s9 90 bytes, s8 80 bytes, s7 70 bytes, s6 60 bytes, s5 50 bytes, s4 40 bytes, 3"
                  + " others 60 bytes. ");
    }
  }

  @Test
  void aStepThatDoesNotFitLeavesTheDeviceUsable() {
    try (Device device = limited(1000, 0)) {
      Tensor x = device.state("x", new float[] {1, 2}, Shape.of(2));
      CapturedStep<Tensor> large =
          device.capture(
              "large",
              () -> {
                device.zeros(Shape.of(200));
                return device.zeros(Shape.of(200));
              });
      assertThatThrownBy(large::run)
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessageContaining(": scope 'large' 800 bytes, x 8 bytes. ");
      large.close();
      CapturedStep<Tensor> small = device.capture("small", () -> x.scale(3).sum());
      for (int i = 0; i < 3; i++) {
        assertThat(small.run().item()).isEqualTo(9);
      }
      assertThat(device.zeros(Shape.of(200)).toFloats()).hasSize(200);
    }
  }

  @Test
  void withoutALimitAndWithoutTheSystemsWordNothingIsKnown() {
    try (Device device = new Device(ReferenceBackend.floats())) {
      assertThat(device.freeBytes()).isEmpty();
    }
    assertThatThrownBy(() -> DeviceOptions.defaults().withMemoryLimit(OptionalLong.of(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("memory limit: at least 1 byte, got 0");
  }

  @Test
  void sizes() {
    assertThat(DeviceMemoryException.bytes(99_999)).isEqualTo("99,999 bytes");
    assertThat(DeviceMemoryException.bytes(252_000_000)).isEqualTo("252.0 MB");
    assertThat(DeviceMemoryException.bytes(16_134_128_768L)).isEqualTo("16.13 GB");
  }
}
