package bellman.rl.cli;

import bellman.rl.config.RunConfig;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What {@code bellman doctor} looks at. */
final class Examination {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final List<String> FEATURES =
      List.of(
          "sse4_2",
          "avx",
          "avx2",
          "fma",
          "avx_vnni",
          "avx512f",
          "avx512bw",
          "avx512_vnni",
          "avx512_bf16",
          "amx_bf16",
          "asimd",
          "bf16",
          "sve");
  private static final double GIB = 1 << 30;

  /** What a run with the default settings takes, heap and native memory together. */
  private static final double NEEDED_GIB = 1.5;

  private final Services services;
  private final RunConfig config;

  Examination(Services services, RunConfig config) {
    this.services = services;
    this.config = config;
  }

  List<Finding> findings() {
    List<Finding> all = new ArrayList<>();
    all.add(java());
    all.add(processor());
    all.add(memory());
    all.addAll(services.backends(config));
    all.add(port(5004, "--editor waits there"));
    all.add(port(5005, "--env starts there"));
    all.add(resultsFolder());
    all.add(launcher());
    return all;
  }

  private static Finding java() {
    String text =
        "%s, %s, in %s"
            .formatted(
                System.getProperty("java.version"),
                System.getProperty("java.vendor"),
                System.getProperty("java.home"));
    return Finding.ok("java", text);
  }

  private static Finding processor() {
    int cores = Runtime.getRuntime().availableProcessors();
    String text = cores + (cores == 1 ? " core" : " cores");
    if (!Files.isReadable(CPU_INFO)) {
      return Finding.ok(
          "processor", text + ", " + System.getProperty("os.arch") + ", features unknown");
    }
    try {
      List<String> lines = Files.readAllLines(CPU_INFO);
      return processor(text, lines);
    } catch (IOException e) {
      return Finding.ok("processor", text + ", features unknown (" + e.getMessage() + ")");
    }
  }

  static Finding processor(String cores, List<String> cpuInfo) {
    String model = value(cpuInfo, "model name");
    // ARM kernels call them Features.
    String flags = (value(cpuInfo, "flags") + " " + value(cpuInfo, "Features")).strip();
    Set<String> present = new HashSet<>(Arrays.asList(flags.split(" ")));
    List<String> known = FEATURES.stream().filter(present::contains).toList();
    String text =
        cores
            + (model.isEmpty() ? "" : ", " + model)
            + (known.isEmpty() ? "" : ": " + String.join(" ", known));
    boolean slow = present.contains("sse2") && !present.contains("avx2");
    return slow
        ? Finding.warn("processor", text + "; without avx2 the CPU backends are slow")
        : Finding.ok("processor", text);
  }

  private static String value(List<String> cpuInfo, String key) {
    return cpuInfo.stream()
        .filter(line -> line.split(":", 2)[0].strip().equals(key) && line.contains(":"))
        .map(line -> line.split(":", 2)[1].strip())
        .findFirst()
        .orElse("");
  }

  private static Finding memory() {
    double heap = Runtime.getRuntime().maxMemory() / GIB;
    if (!(ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system)) {
      return Finding.ok("memory", "heap up to %.1f GiB".formatted(heap));
    }
    double total = system.getTotalMemorySize() / GIB;
    double free = system.getFreeMemorySize() / GIB;
    String text =
        String.format(
            Locale.ROOT, "%.1f GiB, %.1f GiB of it unused; heap up to %.2f GiB", total, free, heap);
    return total < NEEDED_GIB
        ? Finding.warn(
            "memory",
            text + "; a run takes up to %s GiB: lower --buffer-size".formatted(NEEDED_GIB))
        : Finding.ok("memory", text);
  }

  static Finding port(int port, String why) {
    String subject = "port " + port;
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return Finding.ok(subject, "free (" + why + ")");
    } catch (IOException e) {
      return Finding.warn(
          subject,
          "taken (%s): %s; another trainer may run, or give another port by --base-port or --listen"
              .formatted(why, e.getMessage()));
    }
  }

  private Finding resultsFolder() {
    Path folder = config.folder().resultsDir().toAbsolutePath().normalize();
    Path existing = folder;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null || !Files.isDirectory(existing)) {
      return Finding.fail("results", folder + " cannot be made; give another --results-dir");
    }
    try {
      // Permissions alone do not say it: file systems can be read-only or full.
      Files.delete(Files.createTempFile(existing, ".bellman", ""));
      return Finding.ok(
          "results", folder + (existing.equals(folder) ? " is writable" : " can be made"));
    } catch (IOException e) {
      return Finding.fail(
          "results", "%s is not writable (%s); give another --results-dir".formatted(existing, e));
    }
  }

  private static Finding launcher() {
    return Launcher.script()
        .map(p -> Finding.ok("launcher", p + ", for players of bellman gridworld --install"))
        .orElseGet(
            () ->
                Finding.warn(
                    "launcher",
                    "started without the script ./bellman; bellman gridworld --install will name"
                        + " this Java and class path"));
  }
}
