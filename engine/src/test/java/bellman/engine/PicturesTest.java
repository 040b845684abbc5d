package bellman.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.backend.BytePictures;
import bellman.engine.reference.ReferenceBackend;
import org.junit.jupiter.api.Test;

/** Pictures that are made when somebody reads them. */
class PicturesTest {
  private int made;

  private Tensor pictures(Device device) {
    Tensor frames = device.tensor(new byte[] {0, 51, 102, (byte) 255}, Shape.of(2, 2));
    Tensor index = device.tensor(new int[] {1}, Shape.of(1));
    Tensor about = device.tensor(new int[] {0, 0}, Shape.of(2, 1));
    BytePictures bytes = new BytePictures(frames.buffer(), index.buffer(), about.buffer(), 1, 1);
    return device.pictures(
        Shape.of(1, 1, 2, 1),
        bytes,
        y -> {
          made++;
          device.backend().fill(y.buffer(), 0.5);
        });
  }

  @Test
  void theyAreMadeOnceAndOnlyIfRead() {
    try (Device device = new Device(ReferenceBackend.floats())) {
      try (Scope scope = device.scope("unread")) {
        assertThat(pictures(device).shape()).isEqualTo(Shape.of(1, 1, 2, 1));
      }
      assertThat(made).isZero();
      Tensor x = pictures(device);
      assertThat(x.toFloats()).containsExactly(0.5f, 0.5f);
      assertThat(x.add(x).toFloats()).containsExactly(1, 1);
      assertThat(made).isEqualTo(1);
    }
  }

  @Test
  void aScopesEndGivesTheirMemoryBack() {
    try (Device device = new Device(ReferenceBackend.floats())) {
      try (Scope scope = device.scope("read")) {
        pictures(device).toFloats();
      }
      assertThat(device.liveBytes()).isZero();
    }
  }

  /** A backend that convolves floats alone has them made. */
  @Test
  void aConvolutionReadsThem() {
    try (Device device = new Device(ReferenceBackend.floats())) {
      Tensor filter = device.tensor(new float[] {2, 3}, Shape.of(1, 1, 2, 1));
      Tensor bias = device.tensor(new float[] {1}, Shape.of(1));
      assertThat(pictures(device).conv2d(filter, bias, 1, 0).toFloats()).containsExactly(3.5f);
      assertThat(made).isEqualTo(1);
    }
  }

  @Test
  void aCapturedStepMakesThemInsideOrNever() {
    try (Device device = new Device(ReferenceBackend.floats())) {
      CapturedStep<Tensor> step =
          device.capture(
              "draw",
              () -> {
                Tensor index = device.empty(Shape.of(1), DType.INT32);
                BytePictures bytes =
                    new BytePictures(index.buffer(), index.buffer(), index.buffer(), 1, 1);
                return device.pictures(Shape.of(1, 1, 2, 1), bytes, y -> made++).named("s");
              });
      Tensor s = step.run();
      assertThatThrownBy(s::toFloats)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "[1, 1, 2, 1] (s) was not read inside the captured step 'draw' that it belongs to,"
                  + " so that no run of it makes it; read it there");
      assertThat(made).isZero();
      step.close();
    }
  }
}
