package bellman.nn;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** The backends that this module's tests run on. */
final class Backends {
  private Backends() {}

  static List<String> names() {
    return List.of("reference", "java", "onednn");
  }

  /** Those that are fast enough for the long curves. */
  static List<String> fast() {
    return List.of("java", "onednn");
  }

  static Device open(String name) {
    if (name.equals("cuda")) {
      try {
        return Devices.open(name, DeviceOptions.defaults());
      } catch (IllegalStateException e) {
        return Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
      }
    }
    return Devices.open(name, DeviceOptions.defaults());
  }
}
