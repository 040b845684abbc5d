package bellman.rl.dqn;

import bellman.engine.Device;
import org.junit.jupiter.api.Tag;

/** The same on a GPU. */
@Tag("gpu")
class CudaDqnAgentTest extends DqnAgentTest {
  @Override
  Device open() {
    return CudaUpdateTest.cuda();
  }
}
