package bellman.engine.io;

import java.io.IOException;
import java.nio.file.Path;

/** A file that breaks the safetensors format: the message names the file and what is wrong. */
public final class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1L;

  public SafetensorsException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
