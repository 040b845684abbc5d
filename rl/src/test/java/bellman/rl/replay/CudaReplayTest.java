package bellman.rl.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Device;
import bellman.engine.DeviceMemoryException;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.Shape;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A GPU's memory: large, one piece, and within a limit. */
@Tag("gpu")
class CudaReplayTest {
  private static final Spec GRID_WORLD = new Spec("GridWorld", Frame.picture(64, 84, 3), 2, 4);

  private static Device cuda(OptionalLong limit) {
    try {
      DeviceOptions options = new DeviceOptions(1, Precision.FP32, true);
      return Devices.open("cuda", options.withMemoryLimit(limit));
    } catch (IllegalStateException e) {
      return Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
    }
  }

  @Test
  void aMillionFrames() {
    try (Device device = cuda(OptionalLong.empty())) {
      long free = device.freeBytes().orElseThrow();
      Assumptions.assumeTrue(free > 17_000_000_000L, free + " bytes are free, 17 GB needed");
      Replay replay = new Replay(device, GRID_WORLD, 666_496);
      assertThat(replay.described())
          .isEqualTo("666,496 transitions, 1,000,000 frames of [64, 84, 3] bytes, 16.15 GB");
      assertThat(device.freeBytes().orElseThrow()).isLessThan(free - 16_000_000_000L);
    }
  }

  /** Frames of 12 MB each, of which the last lies where 32 bits do not reach. */
  @Test
  void framesBeyondFourGigabytes() {
    Spec large = new Spec("Large", Frame.picture(2048, 2048, 3), 2, 4);
    int count = 360; // 4.5 GB
    try (Device device = cuda(OptionalLong.empty())) {
      long free = device.freeBytes().orElseThrow();
      Assumptions.assumeTrue(free > 6_000_000_000L, free + " bytes are free, 6 GB needed");
      Frames frames = new Frames(device, large, count);
      byte[] pixels = new byte[large.frame().size()];
      Random random = new Random(5);
      for (int i = 0; i < count - 1; i++) {
        frames.hold(Observation.picture(pixels, 0), null);
      }
      random.nextBytes(pixels);
      int last = frames.hold(Observation.picture(pixels, 1), null);
      assertThat(last).isEqualTo(count - 1);
      float[] y = frames.gather(device.tensor(new int[] {last}, Shape.of(1))).picture().toFloats();
      for (int i = 0; i < pixels.length; i += 997) {
        int at = i / 3 * 6 + 3 + i % 3; // the second goal's channels
        assertThat(y[at]).as("byte %d", i).isEqualTo((pixels[i] & 0xff) / 255f);
      }
      float[] first = frames.gather(device.tensor(new int[] {0}, Shape.of(1))).picture().toFloats();
      for (int i = 0; i < first.length; i += 997) {
        assertThat(first[i]).isZero();
      }
    }
  }

  @Test
  void beyondTheLimitTheDeviceGoesOn() {
    try (Device device = cuda(OptionalLong.of(400_000_000))) {
      Replay replay = new Replay(device, GRID_WORLD, 1000);
      assertThatThrownBy(() -> new Replay(device, GRID_WORLD, 20_000))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(" need 0.49 GB and NVIDIA ");
      assertThatThrownBy(() -> device.zeros(Shape.of(100_000_000)))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessageContaining(" of the 400.0 MB that it may: ")
          .hasMessageContaining("frames 28.3 MB")
          .hasMessageContaining("workspaces ");
      assertThat(device.zeros(Shape.of(1000)).toFloats()).containsOnly(0);
      assertThat(replay.capacity()).isEqualTo(1000);
    }
    // The system's own end, far beyond any GPU.
    try (Device device = cuda(OptionalLong.empty())) {
      assertThatThrownBy(() -> device.zeros(Shape.of(1 << 30, 1 << 10)))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessageContaining("need 4,398.05 GB")
          .hasMessageContaining("the GPU has ");
      assertThat(device.zeros(Shape.of(1000)).toFloats()).containsOnly(0);
    }
  }
}
