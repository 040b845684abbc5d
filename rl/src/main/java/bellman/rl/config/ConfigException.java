package bellman.rl.config;

/** A setting that cannot be; the message names it, its value and what to do. */
public final class ConfigException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  public ConfigException(String message) {
    super(message);
  }
}
