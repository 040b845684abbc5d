package bellman.rl.torch;

import java.net.URISyntaxException;
import java.nio.file.Path;

/** The files that PyTorch wrote; the resources' README says how. */
public final class TorchGolden {
  private TorchGolden() {}

  public static Path file(String name) {
    try {
      return Path.of(TorchGolden.class.getResource("/golden/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
