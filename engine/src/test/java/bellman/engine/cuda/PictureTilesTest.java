package bellman.engine.cuda;

import static bellman.engine.cuda.CudaConvolutionsTest.distance;
import static bellman.engine.cuda.CudaConvolutionsTest.download;
import static bellman.engine.cuda.CudaConvolutionsTest.normal;
import static bellman.engine.cuda.CudaConvolutionsTest.open;
import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.DType;
import bellman.engine.Precision;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.BytePictures;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.cuda.Convolutions.Pass;
import bellman.engine.reference.ReferenceBackend;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every cut of the convolutions of bytes, against the reference's of the same pictures as floats.
 */
class PictureTilesTest {
  private static final int FRAMES = 9;
  private static final int WORDS = 3;

  static Stream<Arguments> picturesAndPrecisions() {
    return Stream.of(
            Arguments.of(new ConvGeometry(7, 16, 21, 96, 32, 2, 2, 1, 1, 0, 0), 48),
            Arguments.of(new ConvGeometry(70, 16, 21, 48, 32, 2, 2, 1, 1, 0, 0), 48),
            Arguments.of(new ConvGeometry(1, 16, 21, 96, 32, 2, 2, 1, 1, 0, 0), 48),
            Arguments.of(new ConvGeometry(3, 9, 7, 96, 36, 3, 2, 2, 1, 0, 0), 16), // six gates
            Arguments.of(new ConvGeometry(2, 5, 4, 64, 64, 1, 1, 2, 2, 0, 0), 64))
        .flatMap(
            a ->
                Stream.of(Precision.TF32, Precision.FP32)
                    .map(p -> Arguments.of(a.get()[0], a.get()[1], p)));
  }

  @ParameterizedTest
  @MethodSource("picturesAndPrecisions")
  @Tag("gpu")
  void everyCutIsTheReferences(ConvGeometry g, int channels, Precision precision) {
    assertThat(PictureTiles.fit(g, channels)).isTrue();
    double near = precision == Precision.TF32 ? 1e-3 : 5e-6;
    Random random = new Random(5);
    int row = g.h() * g.w() * channels;
    byte[] frames = new byte[FRAMES * row];
    random.nextBytes(frames);
    int[] index = random.ints(g.n(), 0, FRAMES).toArray();
    int[] about = random.ints(FRAMES * WORDS, 0, g.c() / channels).toArray();
    float[] pictures = floats(g, channels, frames, index, about);
    float[] w = normal(random, g.k() * g.r() * g.s() * g.c());
    float[] dy = normal(random, g.n() * g.oh() * g.ow() * g.k());
    float[] bias = normal(random, g.k());
    try (CudaBackend cuda = open(precision);
        ReferenceBackend reference = ReferenceBackend.floats()) {
      BytePictures x =
          new BytePictures(
              upload(cuda, frames), upload(cuda, index), upload(cuda, about), WORDS, channels);
      for (Pass pass : List.of(Pass.FORWARD, Pass.FILTER)) {
        boolean forward = pass == Pass.FORWARD;
        Buffer floats = CudaConvolutionsTest.upload(reference, pictures);
        Buffer ws = CudaConvolutionsTest.upload(reference, w);
        Buffer ys = CudaConvolutionsTest.upload(reference, dy);
        if (forward) {
          reference.conv2dRelu(g, floats, ws, CudaConvolutionsTest.upload(reference, bias), ys);
        } else {
          reference.conv2dFilterGradient(g, floats, ys, ws);
        }
        float[] expected = download(reference, forward ? ys : ws);
        List<Tiles.Cut> cuts = PictureTiles.cuts(pass, g, channels);
        assertThat(cuts).as(pass + " of " + g).isNotEmpty();
        CudaBuffer row32 = (CudaBuffer) CudaConvolutionsTest.upload(cuda, bias);
        for (Tiles.Cut cut : cuts) {
          float[] nothing = new float[expected.length];
          Arrays.fill(nothing, Float.NaN); // every element must be written
          CudaBuffer weights =
              (CudaBuffer) CudaConvolutionsTest.upload(cuda, forward ? w : nothing);
          CudaBuffer y = (CudaBuffer) CudaConvolutionsTest.upload(cuda, forward ? nothing : dy);
          float[] first = null;
          for (int run = 0; run < 2; run++) {
            new PictureTiles(cuda.lane().tiles)
                .run(
                    pass,
                    g,
                    cut,
                    x,
                    weights.address(),
                    forward ? row32.address() : null,
                    forward,
                    y.address());
            float[] result = download(cuda, forward ? y : weights);
            String what = pass + " of " + g + " by " + cut;
            assertThat(distance(result, expected)).as(what).isLessThan(near);
            if (first != null) {
              assertThat(result).as(what + ", again").isEqualTo(first);
            }
            first = result;
          }
          cuda.release(weights);
          cuda.release(y);
        }
      }
    }
  }

  @Test
  void whatTheyCannotDoDoesNotFit() {
    assertThat(PictureTiles.fit(new ConvGeometry(2, 16, 21, 96, 32, 2, 2, 1, 1, 0, 0), 48))
        .isTrue();
    for (ConvGeometry g :
        List.of(
            new ConvGeometry(2, 16, 21, 96, 32, 2, 2, 1, 1, 1, 1), // padded
            new ConvGeometry(2, 16, 21, 96, 30, 2, 2, 1, 1, 0, 0), // filters
            new ConvGeometry(2, 16, 21, 96, 32, 2, 1, 1, 1, 0, 0))) { // 48 bytes of a filter's row
      assertThat(PictureTiles.fit(g, 48)).as(g.toString()).isFalse();
    }
    assertThat(PictureTiles.fit(new ConvGeometry(2, 64, 84, 6, 32, 8, 8, 4, 4, 0, 0), 3)).isFalse();
    assertThat(PictureTiles.fit(new ConvGeometry(2, 9, 4000, 96, 32, 2, 2, 1, 1, 0, 0), 48))
        .isFalse(); // two rows of a picture fill a block's memory
  }

  private static float[] floats(
      ConvGeometry g, int channels, byte[] frames, int[] index, int[] about) {
    int pixels = g.h() * g.w();
    float[] x = new float[g.n() * pixels * g.c()];
    for (int n = 0; n < g.n(); n++) {
      int open = about[index[n] * WORDS] * channels;
      for (int p = 0; p < pixels; p++) {
        for (int c = 0; c < channels; c++) {
          int v = frames[(index[n] * pixels + p) * channels + c] & 0xff;
          x[(n * pixels + p) * g.c() + open + c] = v / 255f;
        }
      }
    }
    return x;
  }

  private static Buffer upload(Backend to, int[] values) {
    Buffer b = to.allocate(DType.INT32, values.length);
    to.write(b, 0, values, 0, values.length);
    return b;
  }

  private static Buffer upload(Backend to, byte[] values) {
    Buffer b = to.allocate(DType.UINT8, values.length);
    to.write(b, 0, values, 0, values.length);
    return b;
  }
}
