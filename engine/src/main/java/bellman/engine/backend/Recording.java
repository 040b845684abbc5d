package bellman.engine.backend;

/** Work that a backend keeps and runs again as a whole, on the buffers that it ran on. */
public interface Recording extends AutoCloseable {
  /** Runs it once; does not wait. */
  void launch();

  /** Forgets it. The device's close does so too. */
  @Override
  void close();
}
