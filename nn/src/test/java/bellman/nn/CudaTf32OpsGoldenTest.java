package bellman.nn;

import java.util.List;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, in TF32, with its wider bounds. */
@Tag("gpu")
class CudaTf32OpsGoldenTest extends OpsGoldenTest {
  @Override
  List<String> backends() {
    return List.of("cuda tf32");
  }

  @Override
  double limit() {
    return 2e-3; // 10 bits of every factor
  }
}
