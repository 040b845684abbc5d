package bellman.rl.dqn;

import bellman.engine.Device;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;

/** The same on a GPU. */
@Tag("gpu")
class CudaTdLossTest extends TdLossTest {
  static Stream<String> devices() {
    return Stream.of("cuda");
  }

  @Override
  Device open(String name) {
    return CudaUpdateTest.cuda();
  }
}
