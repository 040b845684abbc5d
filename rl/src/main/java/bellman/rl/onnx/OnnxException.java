package bellman.rl.onnx;

import java.io.IOException;
import java.nio.file.Path;

/** A file that is no model, or one that is not understood: the message names the file and why. */
public final class OnnxException extends IOException {
  private static final long serialVersionUID = 1L;

  OnnxException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
