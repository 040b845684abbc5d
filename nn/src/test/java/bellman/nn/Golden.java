package bellman.nn;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.io.Safetensors;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;

/** Numbers made with PyTorch 2.11, and how far ours are from them. */
final class Golden {
  /** Single ops and gradients in float32: ‖ours − reference‖ / ‖reference‖ stays below. */
  static final double OPS = 1e-5;

  private Golden() {}

  static Safetensors open(String name) throws IOException {
    try {
      return Safetensors.open(
          Path.of(Golden.class.getResource("/golden/" + name + ".safetensors").toURI()));
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  static float[] floats(Safetensors file, String name) throws IOException {
    return file.entry(name).floats();
  }

  /** ‖x − reference‖₂ / ‖reference‖₂. */
  static double distance(float[] x, float[] reference) {
    assertThat(x).hasSameSizeAs(reference);
    double difference = 0;
    double length = 0;
    for (int i = 0; i < x.length; i++) {
      difference += ((double) x[i] - reference[i]) * ((double) x[i] - reference[i]);
      length += (double) reference[i] * reference[i];
    }
    return Math.sqrt(difference) / Math.sqrt(length);
  }

  static void assertClose(String what, float[] x, float[] reference, double limit) {
    assertThat(distance(x, reference)).as("distance of %s from PyTorch's", what).isLessThan(limit);
  }
}
