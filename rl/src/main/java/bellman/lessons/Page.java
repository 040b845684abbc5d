package bellman.lessons;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * What a lesson writes on: words, and claims that are checked as they are written. It also knows
 * what the reader chose.
 */
public final class Page {
  private final PrintWriter out;
  private final String device;
  private final DeviceOptions options;
  private final Optional<Path> build;
  private boolean explained;

  /**
   * @param device the name of the device that lessons compute on, as {@link Devices} knows it
   * @param build a Unity build of the reader's own, for the last lesson
   */
  public Page(PrintWriter out, String device, DeviceOptions options, Optional<Path> build) {
    this.out = out;
    this.device = device;
    this.options = options;
    this.build = build;
  }

  /** Opens the reader's device and says which it is, the first time also why no other. */
  public Device open() {
    Devices.Opened opened = Devices.find(device, options);
    out.println(explained ? "device: " + opened.device().name() : opened.line());
    explained = true;
    return opened.device();
  }

  /** Opens a device by its name, as the reader's is opened. */
  public Device open(String name) {
    return Devices.open(name, options);
  }

  public Optional<Path> build() {
    return build;
  }

  /** Writes words; {@code figures} fill them as {@link String#format} does. */
  public void say(String words, Object... figures) {
    out.println(filled(words, figures));
  }

  /**
   * Writes a claim, marked as seen.
   *
   * @throws RefutedException if it does not hold
   */
  public void claim(boolean holds, String words, Object... figures) {
    String claim = filled(words, figures);
    out.println((holds ? "  ✓ " : "  ✗ ") + claim.strip().replace("\n", "\n    "));
    if (!holds) {
      throw new RefutedException(claim);
    }
  }

  private static String filled(String words, Object... figures) {
    return String.format(Locale.ROOT, words, figures);
  }
}
