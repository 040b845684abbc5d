package bellman.engine;

import bellman.engine.backend.Buffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A tensor or a workspace for which a device has no memory, by its limit or by the system's word.
 * It says who holds how much. The device goes on: whoever closes scopes or lowers sizes can try
 * again.
 */
public final class DeviceMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final int MOST = 6; // holders that are named

  DeviceMemoryException(Device device, String what, long size, String reason) {
    super(message(device, what, size, reason));
  }

  private static String message(Device device, String what, long size, String reason) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "out of memory: %s %s and the device (%s) holds %s",
            what,
            bytes(size),
            device.name(),
            bytes(device.heldBytes())));
    device
        .memoryLimit()
        .ifPresent(limit -> text.append(" of the " + bytes(limit) + " that it may"));
    List<String> holders = holders(device);
    text.append(holders.isEmpty() ? "" : ": " + String.join(", ", holders));
    text.append(reason.isEmpty() ? "" : " (" + reason + ")");
    text.append(". Lower --buffer-size or --batch-size");
    return text.append(device.memoryLimit().isPresent() ? ", or raise --device-memory" : "")
        .toString();
  }

  /** Tensors of the whole device by name, those of scopes by scope, and what no tensor has. */
  private static List<String> holders(Device device) {
    Map<String, Long> held = new LinkedHashMap<>();
    for (Scope scope : device.scopes()) {
      for (Tensor tensor : scope.owned()) {
        String holder =
            scope.parent() != null
                ? "scope '" + scope.name() + "'"
                : tensor.name() == null ? "unnamed" : tensor.name();
        Buffer buffer = tensor.detachBuffer();
        held.merge(holder, buffer == null ? 0 : buffer.bytes(), Long::sum);
      }
    }
    held.merge("free for tensors of other sizes", device.pooledBytes(), Long::sum);
    held.merge("workspaces", device.backend().ownBytes(), Long::sum);
    held.values().removeIf(bytes -> bytes == 0);
    List<Map.Entry<String, Long>> sorted = new ArrayList<>(held.entrySet());
    sorted.sort(Map.Entry.<String, Long>comparingByValue().reversed());
    List<String> texts = new ArrayList<>();
    for (Map.Entry<String, Long> entry : sorted.subList(0, Math.min(MOST, sorted.size()))) {
      texts.add(entry.getKey() + " " + bytes(entry.getValue()));
    }
    if (sorted.size() > MOST) {
      long rest = sorted.stream().skip(MOST).mapToLong(Map.Entry::getValue).sum();
      texts.add((sorted.size() - MOST) + " others " + bytes(rest));
    }
    return texts;
  }

  /** 16.13 GB, 252.0 MB, 12 bytes. */
  static String bytes(long n) {
    return n >= 1_000_000_000
        ? String.format(Locale.ROOT, "%,.2f GB", n / 1e9)
        : n >= 100_000
            ? String.format(Locale.ROOT, "%.1f MB", n / 1e6)
            : String.format(Locale.ROOT, "%,d bytes", n);
  }
}
