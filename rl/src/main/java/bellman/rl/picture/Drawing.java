package bellman.rl.picture;

import java.awt.AWTError;
import java.io.IOException;
import java.util.function.Consumer;

/** A picture that is worth having, but no reason to fail. */
interface Drawing {
  void draw() throws IOException;

  /**
   * Draws, or warns. Java without fonts, or without the libraries that it draws with, throws
   * whatever it comes upon.
   *
   * @return whether it was drawn
   */
  default boolean orWarn(String what, Consumer<String> warnings) {
    try {
      draw();
      return true;
    } catch (IOException | RuntimeException | LinkageError | InternalError | AWTError e) {
      warnings.accept("%s was not drawn (%s)".formatted(what, e));
      return false;
    }
  }
}
