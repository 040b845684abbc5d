package bellman.engine;

import bellman.engine.backend.Backend;
import bellman.engine.cuda.CudaBackend;
import bellman.engine.host.JavaBackend;
import bellman.engine.onednn.OneDnnBackend;
import bellman.engine.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens devices by name: {@code auto} (the fastest that opens), {@code cuda} or {@code cuda:N},
 * {@code cpu} (oneDNN, else Java), {@code onednn}, {@code java}, and {@code reference}, which is
 * never chosen unasked.
 */
public final class Devices {
  private static final String NAMES = "auto, cuda, cuda:N, cpu, onednn, java, reference";

  private Devices() {}

  /**
   * One try.
   *
   * @param name the device's name: {@code onednn}
   * @param opened whether it opened
   * @param reason what was opened ({@code oneDNN 3.11, threads: 4}), or why it was not
   */
  public record Attempt(String name, boolean opened, String reason) {
    @Override
    public String toString() {
      return name + (opened ? ": " : ": not opened: ") + reason;
    }
  }

  /**
   * A device and how it was found.
   *
   * @param device the device
   * @param attempts every try in order; the last one opened
   */
  public record Opened(Device device, List<Attempt> attempts) implements AutoCloseable {
    public Opened {
      attempts = List.copyOf(attempts);
    }

    /** One line for people: what runs, and why nothing faster does. */
    public String line() {
      StringBuilder line = new StringBuilder("device: ").append(device.name());
      for (Attempt attempt : attempts) {
        if (!attempt.opened()) {
          line.append("; ").append(attempt);
        }
      }
      return line.toString();
    }

    @Override
    public void close() {
      device.close();
    }
  }

  /** The device of that name; an error tells why it does not open, or which names there are. */
  public static Device open(String name, DeviceOptions options) {
    return find(name, options).device();
  }

  /** The same with the report of every try. */
  public static Opened find(String name, DeviceOptions options) {
    List<String> candidates =
        switch (name) {
          case "auto" -> List.of("cuda", "onednn", "java");
          case "cpu" -> List.of("onednn", "java");
          case "cuda", "onednn", "java", "reference" -> List.of(name);
          default -> {
            if (name.matches("cuda:\\d+")) {
              yield List.of(name);
            }
            throw new IllegalArgumentException(
                "device: '" + name + "' is unknown; the names are " + NAMES);
          }
        };
    List<Attempt> attempts = new ArrayList<>();
    for (String candidate : candidates) {
      try {
        Device device = device(candidate, options);
        attempts.add(new Attempt(candidate, true, device.name()));
        return new Opened(device, attempts);
      } catch (RuntimeException | LinkageError e) {
        attempts.add(new Attempt(candidate, false, e.getMessage()));
        if (candidates.size() == 1) {
          throw new IllegalStateException("device " + attempts.get(0), e);
        }
      }
    }
    throw new IllegalStateException("device " + name + ": nothing opened: " + attempts);
  }

  private static Device device(String name, DeviceOptions options) {
    Backend backend = backend(name, options);
    try {
      return new Device(backend, options.memoryLimit());
    } catch (RuntimeException e) {
      backend.close();
      throw e;
    }
  }

  private static Backend backend(String name, DeviceOptions options) {
    return switch (name) {
      case "onednn" -> OneDnnBackend.open(options.threads());
      case "java" -> new JavaBackend(options.threads());
      case "reference" -> ReferenceBackend.floats();
      default -> { // cuda, cuda:N
        int ordinal = name.equals("cuda") ? 0 : Integer.parseInt(name.substring(5));
        yield CudaBackend.open(ordinal, options);
      }
    };
  }
}
