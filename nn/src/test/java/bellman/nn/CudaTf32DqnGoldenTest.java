package bellman.nn;

import java.util.List;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, in TF32, with its wider bounds. */
@Tag("gpu")
class CudaTf32DqnGoldenTest extends DqnGoldenTest {
  @Override
  List<String> all() {
    return List.of("cuda tf32");
  }

  @Override
  List<String> fast() {
    return List.of("cuda tf32");
  }

  @Override
  double limit() {
    return 3e-2; // 10 bits of every factor, five layers deep: seen 0.014
  }

  @Override
  double floor() {
    return 0.2; // Adam amplifies the difference for 100 updates
  }
}
