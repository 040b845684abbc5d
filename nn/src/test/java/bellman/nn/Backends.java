package bellman.nn;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import java.util.List;

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
    return Devices.open(name, DeviceOptions.defaults());
  }
}
