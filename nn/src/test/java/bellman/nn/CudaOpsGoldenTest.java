package bellman.nn;

import java.util.List;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, in FP32. */
@Tag("gpu")
class CudaOpsGoldenTest extends OpsGoldenTest {
  @Override
  List<String> backends() {
    return List.of("cuda");
  }
}
