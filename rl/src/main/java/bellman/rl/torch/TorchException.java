package bellman.rl.torch;

import java.io.IOException;
import java.nio.file.Path;

/** A file that {@code torch.save} did not write, or that is refused; the message says why. */
public final class TorchException extends IOException {
  private static final long serialVersionUID = 1L;

  public TorchException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
