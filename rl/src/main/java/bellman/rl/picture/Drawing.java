package bellman.rl.picture;

import java.io.IOException;
import java.util.function.Consumer;

/** A picture that is worth having, but no reason for a run to fail. */
interface Drawing {
  void draw() throws IOException;

  /**
   * Draws. Java without fonts, or without the libraries that it draws with, throws whatever it
   * comes upon, plain errors included.
   *
   * @throws IOException whatever it was, but for a lack of memory
   */
  default void attempt() throws IOException {
    try {
      draw();
    } catch (IOException | OutOfMemoryError e) {
      throw e;
    } catch (RuntimeException | Error e) {
      throw new IOException(
          "Java cannot draw here; fontconfig or a font, such as the package fonts-dejavu-core, may"
              + " be missing: "
              + e,
          e);
    }
  }

  /**
   * Draws, or warns.
   *
   * @return whether it was drawn
   */
  default boolean orWarn(String what, Consumer<String> warnings) {
    try {
      attempt();
      return true;
    } catch (IOException e) {
      boolean plain = e.getClass().equals(IOException.class);
      warnings.accept("%s was not drawn (%s)".formatted(what, plain ? e.getMessage() : e));
      return false;
    }
  }
}
