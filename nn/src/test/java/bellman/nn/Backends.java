package bellman.nn;

import bellman.engine.Device;
import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
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
    if (name.startsWith("cuda")) { // in FP32, or "cuda tf32"
      Precision precision = name.endsWith("tf32") ? Precision.TF32 : Precision.FP32;
      try {
        return Devices.open("cuda", new DeviceOptions(1, precision, false));
      } catch (IllegalStateException e) {
        return Assumptions.abort("not on this machine: " + e.getMessage()); // reported as skipped
      }
    }
    return Devices.open(name, DeviceOptions.defaults());
  }
}
