package bellman.nn;

import bellman.engine.Device;
import bellman.engine.reference.ReferenceBackend;
import java.util.List;

/** The backends that this module's tests run on; one more name here adds it to all of them. */
final class Backends {
  private Backends() {}

  static List<String> names() {
    return List.of("reference");
  }

  static Device open(String name) {
    return switch (name) {
      case "reference" -> new Device(ReferenceBackend.floats());
      default -> throw new IllegalArgumentException("no backend " + name);
    };
  }
}
