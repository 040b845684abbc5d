package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The numbers of cudnnStatus_t in cuDNN 9's headers. */
class StatusTest {
  @ParameterizedTest
  @CsvSource({
    "1001, not initialised",
    "1002, a sublibrary of another version",
    "1008, a sublibrary that does not load",
    "2000, a bad argument",
    "2003, a misaligned pointer",
    "2006, too small a workspace",
    "3000, not supported",
    "3007, this GPU's architecture is not supported",
    "3010, too little shared memory",
    "4004, no memory on the device",
    "5000, execution failed",
    "5001, the CUDA driver failed inside",
    "5002, cuBLAS failed inside",
    "5003, the CUDA runtime failed inside",
    "5004, cuRAND failed inside",
    "2999, a bad argument",
    "77, an error"
  })
  void cudnnsNumbers(int status, String meaning) {
    assertThat(Status.cudnnText(status)).isEqualTo(meaning);
  }
}
