package bellman.nn;

import java.util.List;
import org.junit.jupiter.api.Tag;

/** The same on a GPU, in FP32. */
@Tag("gpu")
class CudaDqnGoldenTest extends DqnGoldenTest {
  @Override
  List<String> all() {
    return List.of("cuda");
  }

  @Override
  List<String> fast() {
    return List.of("cuda");
  }
}
