package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.DType;
import bellman.engine.DeviceOptions;
import bellman.engine.Precision;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.ConvGeometry;
import bellman.engine.cuda.Convolutions.Pass;
import bellman.engine.cuda.Convolutions.Plan;
import bellman.engine.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Convolutions and products by columns and by each cut of our tiles, against the reference. */
class CudaConvolutionsTest {
  private static ConvGeometry product(int n, int c, int k) {
    return new ConvGeometry(n, 1, 1, c, k, 1, 1, 1, 1, 0, 0);
  }

  static Stream<Arguments> shapesAndPrecisions() {
    return shapes().stream()
        .flatMap(
            g ->
                Stream.of(Precision.TF32, Precision.FP32)
                    .map(precision -> Arguments.of(g, precision)));
  }

  private static List<ConvGeometry> shapes() {
    return List.of(
        new ConvGeometry(3, 64, 84, 6, 32, 8, 8, 4, 4, 0, 0).folded(),
        new ConvGeometry(5, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0).folded(),
        new ConvGeometry(5, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0),
        new ConvGeometry(32, 6, 9, 64, 64, 3, 3, 1, 1, 0, 0),
        new ConvGeometry(2, 11, 13, 16, 36, 2, 3, 3, 2, 0, 0), // pixels that no filter reaches
        new ConvGeometry(1, 9, 10, 16, 4, 2, 1, 2, 3, 0, 0),
        new ConvGeometry(3, 6, 9, 16, 36, 3, 3, 1, 1, 1, 1),
        new ConvGeometry(2, 5, 6, 32, 36, 5, 3, 1, 2, 2, 1),
        new ConvGeometry(1, 4, 5, 16, 8, 4, 4, 3, 3, 3, 2),
        product(32, 1792, 512),
        product(32, 512, 4),
        product(32, 4, 512),
        product(1, 20, 12),
        product(301, 36, 260),
        product(6, 99, 5), // no fours: not for tiles
        product(96, 5, 7),
        new ConvGeometry(2, 9, 8, 6, 10, 4, 4, 1, 1, 1, 0),
        new ConvGeometry(3, 8, 12, 3, 8, 8, 4, 2, 4, 0, 0), // fours though pixels are three
        new ConvGeometry(4, 7, 9, 3, 5, 3, 3, 1, 2, 1, 1));
  }

  private static List<Plan> plans(Pass pass, ConvGeometry g) {
    List<Plan> plans = new ArrayList<>(Convolutions.columns(pass, g));
    Tiles.cuts(pass, g).forEach(cut -> plans.add(Plan.tiles(g, cut)));
    return plans;
  }

  @Test
  void aSmallResultOfManySummandsIsSliced() {
    ConvGeometry fc = product(32, 1792, 512);
    assertThat(Convolutions.columns(Pass.FORWARD, fc))
        .extracting(Plan::slices)
        .containsExactly(1, 2, 4, 8, 16, 32, 64);
    assertThat(Convolutions.columns(Pass.FILTER, fc)).extracting(Plan::slices).containsExactly(1);
    assertThat(Convolutions.columns(Pass.FORWARD, product(8192, 8192, 8192))).hasSize(1);
    ConvGeometry conv = new ConvGeometry(32, 6, 9, 64, 64, 3, 3, 1, 1, 0, 0);
    assertThat(Convolutions.columns(Pass.FILTER, conv)).hasSizeGreaterThan(1);
    assertThat(Convolutions.columns(Pass.DATA, conv)).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("shapesAndPrecisions")
  @Tag("gpu")
  void everyPlanIsTheReferences(ConvGeometry g, Precision precision) {
    double near = precision == Precision.TF32 ? 1e-3 : 5e-6;
    try (CudaBackend cuda = open(precision);
        ReferenceBackend reference = ReferenceBackend.floats()) {
      Random random = new Random(8);
      int xs = g.n() * g.h() * g.w() * g.c();
      int ws = g.k() * g.r() * g.s() * g.c();
      int ys = g.n() * g.oh() * g.ow() * g.k();
      float[][] values = {normal(random, xs), normal(random, ws), normal(random, ys)};
      float[] bias = normal(random, g.k());
      for (Pass pass : Pass.values()) {
        int result = pass == Pass.FORWARD ? 2 : pass == Pass.DATA ? 0 : 1;
        Buffer row = upload(reference, bias);
        Buffer[] r = new Buffer[3];
        for (int i = 0; i < 3; i++) {
          r[i] = upload(reference, values[i]);
        }
        float[] relu = normal(random, xs); // what a relu may have put out
        for (int i = 0; i < xs; i++) {
          relu[i] = Math.max(relu[i], 0);
        }
        Buffer out = upload(reference, relu);
        switch (pass) {
          case FORWARD -> reference.conv2dRelu(g, r[0], r[1], row, r[2]);
          case DATA -> reference.conv2dDataGradientRelu(g, r[1], r[2], out, r[0]);
          case FILTER -> reference.conv2dParameterGradients(g, r[0], r[2], r[1], row);
        }
        float[] expected = download(reference, r[result]);
        float[] sums = download(reference, row); // of dy, by the filter gradient
        List<Plan> plans = plans(pass, g);
        if (g.c() % 4 == 0 && g.k() % 4 == 0) {
          assertThat(plans).as(pass + " of " + g).extracting(Plan::cut).last().isNotNull();
        }
        CudaBuffer extra =
            (CudaBuffer)
                upload(
                    cuda,
                    switch (pass) {
                      case FORWARD -> bias;
                      case DATA -> relu;
                      case FILTER -> new float[g.k()];
                    });
        for (Plan plan : plans) {
          CudaBuffer[] b = new CudaBuffer[3];
          float[] nothing = new float[values[result].length];
          Arrays.fill(nothing, Float.NaN); // every element must be written
          for (int i = 0; i < 3; i++) {
            b[i] = (CudaBuffer) upload(cuda, i == result ? nothing : values[i]);
          }
          float[] first = null;
          for (int run = 0; run < 2; run++) {
            boolean forward = pass == Pass.FORWARD;
            int status =
                cuda.lane()
                    .convolutions
                    .launch(
                        pass,
                        plan,
                        b[0].address(),
                        b[1].address(),
                        extra.address(),
                        forward,
                        b[2].address());
            float[] y = download(cuda, b[result]);
            String what = pass + " by " + plan;
            assertThat(status).as(what).isZero();
            assertThat(distance(y, expected)).as(what).isLessThan(near);
            if (pass == Pass.FILTER) {
              assertThat(distance(download(cuda, extra), sums)).as(what).isLessThan(5e-6);
            }
            if (first != null) {
              assertThat(y).as(what + ", again").isEqualTo(first);
            }
            first = y;
          }
          for (CudaBuffer each : b) {
            cuda.release(each);
          }
        }
        cuda.release(extra);
      }
    }
  }

  static List<ConvGeometry> thinShapes() {
    return List.of(
        product(32, 512, 4),
        product(1, 20, 12),
        product(1, 1792, 512),
        product(1, 4, 17),
        new ConvGeometry(1, 15, 20, 32, 64, 4, 4, 2, 2, 0, 0),
        new ConvGeometry(1, 6, 9, 64, 64, 3, 3, 1, 1, 0, 0),
        new ConvGeometry(2, 5, 7, 4, 3, 2, 3, 1, 2, 0, 0),
        new ConvGeometry(16, 4, 4, 16, 1, 3, 3, 1, 1, 0, 0),
        product(301, 36, 13),
        product(50, 4, 1),
        product(1024, 2052, 16));
  }

  @ParameterizedTest
  @MethodSource("thinShapes")
  @Tag("gpu")
  void thinKernelsAreTheReferences(ConvGeometry g) {
    try (CudaBackend cuda = open(Precision.FP32);
        ReferenceBackend reference = ReferenceBackend.floats()) {
      Random random = new Random(9);
      float[] x = normal(random, g.n() * g.h() * g.w() * g.c());
      float[] relu = x.clone();
      for (int i = 0; i < relu.length; i++) {
        relu[i] = Math.max(relu[i], 0);
      }
      float[] w = normal(random, g.k() * g.r() * g.s() * g.c());
      float[] dy = normal(random, g.n() * g.oh() * g.ow() * g.k());
      float[] bias = normal(random, g.k());
      boolean few = g.h() > 1 || (g.n() == 1 && g.k() > 16); // kernels of the forward pass alone
      for (Pass pass : few ? new Pass[] {Pass.FORWARD} : Pass.values()) {
        Buffer[] r = {
          upload(reference, x), upload(reference, w), upload(reference, dy), upload(reference, bias)
        };
        switch (pass) {
          case FORWARD -> reference.conv2dRelu(g, r[0], r[1], r[3], r[2]);
          case DATA ->
              reference.conv2dDataGradientRelu(g, r[1], r[2], upload(reference, relu), r[0]);
          case FILTER -> reference.conv2dParameterGradients(g, r[0], r[2], r[1], r[3]);
        }
        int result = pass == Pass.FORWARD ? 2 : pass == Pass.DATA ? 0 : 1;
        float[][] values = {x, w, dy, pass == Pass.DATA ? relu : bias};
        Arrays.fill(values[result] = new float[values[result].length], Float.NaN);
        CudaBuffer[] b = new CudaBuffer[4];
        for (int i = 0; i < 4; i++) {
          b[i] = (CudaBuffer) upload(cuda, values[i]);
        }
        cuda.lane()
            .convolutions
            .thin(
                pass,
                g,
                b[0].address(),
                b[1].address(),
                b[3].address(),
                pass == Pass.FORWARD,
                b[2].address());
        String what = pass + " of " + g;
        assertThat(distance(download(cuda, b[result]), download(reference, r[result])))
            .as(what)
            .isLessThan(5e-6);
        if (pass == Pass.FILTER) {
          assertThat(distance(download(cuda, b[3]), download(reference, r[3])))
              .as(what)
              .isLessThan(5e-6);
        }
      }
    }
  }

  @Test
  void whatTheyCannotDoHasNoCuts() {
    ConvGeometry padded = new ConvGeometry(1, 8, 8, 6, 6, 3, 3, 1, 1, 1, 1); // pixels of 24 bytes
    ConvGeometry odd = new ConvGeometry(1, 8, 8, 3, 16, 3, 3, 1, 1, 0, 0); // rows of 12 bytes
    for (Pass pass : Pass.values()) {
      assertThat(Tiles.cuts(pass, padded)).isEmpty();
      assertThat(Tiles.cuts(pass, odd)).isEmpty();
    }
    assertThat(Tiles.cuts(Pass.FORWARD, product(8, 5, 4))).isEmpty();
    assertThat(Tiles.cuts(Pass.FILTER, product(8, 8, 6))).isEmpty();
  }

  @Test
  void aLongReductionIsSplitAndAShortOneIsNot() {
    assertThat(Tiles.cuts(Pass.FILTER, new ConvGeometry(32, 64, 21, 24, 32, 8, 2, 4, 1, 0, 0)))
        .contains(
            new Tiles.Cut(32, 64, 1, 1),
            new Tiles.Cut(32, 64, 22, 1),
            new Tiles.Cut(32, 64, 88, 1),
            new Tiles.Cut(32, 64, 22, 2));
    assertThat(Tiles.cuts(Pass.FILTER, product(32, 1792, 512)))
        .extracting(Tiles.Cut::splits)
        .containsOnly(1);
  }

  /**
   * Three products in TF32 make one that is nearer than a sum of floats in a row: of numbers with
   * all their 24 bits, measured against sums in double. Of numbers of one sign what is cut off does
   * not cancel.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @Tag("gpu")
  void exactTilesAreNearerThanFloatArithmetic(boolean oneSign) {
    ConvGeometry g = product(64, 2048, 64);
    Random random = new Random(3);
    float[] x = normal(random, g.n() * g.c());
    float[] w = normal(random, g.k() * g.c());
    if (oneSign) {
      for (float[] values : new float[][] {x, w}) {
        for (int i = 0; i < values.length; i++) {
          values[i] = Math.abs(values[i]);
        }
      }
    }
    double[] exact = new double[g.n() * g.k()];
    float[] floats = new float[exact.length];
    for (int n = 0; n < g.n(); n++) {
      for (int k = 0; k < g.k(); k++) {
        for (int c = 0; c < g.c(); c++) {
          float a = x[n * g.c() + c];
          float b = w[k * g.c() + c];
          exact[n * g.k() + k] += (double) a * b;
          floats[n * g.k() + k] += a * b;
        }
      }
    }
    try (CudaBackend cuda = open(Precision.FP32)) {
      CudaBuffer xs = (CudaBuffer) upload(cuda, x);
      CudaBuffer ws = (CudaBuffer) upload(cuda, w);
      CudaBuffer y = (CudaBuffer) upload(cuda, new float[exact.length]);
      for (Tiles.Cut cut : Tiles.cuts(Pass.FORWARD, g)) {
        cuda.lane()
            .tiles
            .run(Pass.FORWARD, g, cut, xs.address(), ws.address(), null, false, y.address());
        assertThat(distance(download(cuda, y), exact))
            .as(cut.toString())
            .isLessThan(distance(floats, exact));
      }
    }
  }

  private static double distance(float[] a, double[] b) {
    double off = 0;
    double all = 0;
    for (int i = 0; i < a.length; i++) {
      off += (a[i] - b[i]) * (a[i] - b[i]);
      all += b[i] * b[i];
    }
    return Math.sqrt(off / all);
  }

  static CudaBackend open(Precision precision) {
    try {
      return CudaBackend.open(0, new DeviceOptions(1, precision, false));
    } catch (IllegalStateException e) {
      return Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
    }
  }

  static float[] normal(Random random, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  static Buffer upload(Backend to, float[] values) {
    Buffer b = to.allocate(DType.FLOAT32, values.length);
    to.write(b, 0, values, 0, values.length);
    return b;
  }

  static float[] download(Backend from, Buffer b) {
    float[] values = new float[(int) b.count()];
    from.read(b, 0, values, 0, values.length);
    return values;
  }

  /** ‖a − b‖ / ‖b‖; NaN where a has one. */
  static double distance(float[] a, float[] b) {
    double off = 0;
    double all = 0;
    for (int i = 0; i < a.length; i++) {
      off += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      all += (double) b[i] * b[i];
    }
    return Math.sqrt(off / all);
  }
}
