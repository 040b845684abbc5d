package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** A started {@code ./bellman}, or another process: its output so far, and its end. */
final class Bellman implements AutoCloseable {
  static final Path HOME = Path.of("").toAbsolutePath().getParent();
  static final Path LAUNCHER = HOME.resolve("bellman");
  static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

  /** Short runs gain nothing from the optimising compiler. */
  static final String JAVA_OPTIONS = "-XX:TieredStopAtLevel=1";

  /** Small enough for a second: one thread, few updates, the embedded player unless --env. */
  private static final String TINY =
      "--steps 300 --buffer-init-steps 100 --steps-per-update 4 --test-steps 0 --batch-size 8"
          + " --buffer-size 200 --threads 1 --seed 1 --no-progress --no-pictures";

  private static final long LIMIT_SECONDS = 60;
  private static final AtomicInteger COUNT = new AtomicInteger();

  static {
    // Maven has just made the application; were a source newer, the launcher would build it again.
    try {
      Path mark = HOME.resolve("benchmarks/target/app/.built");
      if (Files.notExists(mark)) {
        Files.createFile(mark);
      }
      Files.setLastModifiedTime(mark, FileTime.from(Instant.now()));
    } catch (IOException e) {
      throw new IllegalStateException("no application: run mvn package first", e);
    }
  }

  private final List<String> command;
  private final Process process;
  private final Path out;
  private final Path err;

  private Bellman(Path folder, List<String> command) {
    this.command = command;
    int number = COUNT.incrementAndGet();
    try {
      Path logs = Files.createDirectories(folder.resolve(".said"));
      out = logs.resolve(number + ".out");
      err = logs.resolve(number + ".err");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
      builder.environment().put("BELLMAN_JAVA_OPTS", JAVA_OPTIONS + " -Duser.language=en");
      builder.environment().put("LC_ALL", "C.UTF-8");
      process = builder.start();
      process.getOutputStream().close();
    } catch (IOException e) {
      throw new IllegalStateException("cannot start " + command, e);
    }
  }

  /** Starts a command line of {@code ./bellman} in a folder. */
  static Bellman start(Path folder, String... arguments) {
    return new Bellman(folder, command(arguments));
  }

  /** Starts any program. */
  static Bellman program(Path folder, List<String> command) {
    return new Bellman(folder, command);
  }

  /** The same, and waits for its end. */
  static Bellman run(Path folder, String... arguments) {
    Bellman bellman = start(folder, arguments);
    bellman.await();
    return bellman;
  }

  /** A tiny training that says only warnings and errors. */
  static Bellman train(Path folder, String... arguments) {
    return run(folder, tiny(Stream.concat(Stream.of("--quiet"), Arrays.stream(arguments))));
  }

  /** A tiny training that speaks and goes on. */
  static Bellman startTraining(Path folder, String... arguments) {
    return start(folder, tiny(Arrays.stream(arguments)));
  }

  static String[] tiny(String... arguments) {
    return tiny(Arrays.stream(arguments));
  }

  /** What is given twice counts as given, in place of the tiny value. */
  private static String[] tiny(Stream<String> arguments) {
    List<String> given = arguments.toList();
    List<String> all = new ArrayList<>(List.of("train"));
    List<String> tiny = List.of(TINY.split(" "));
    for (int i = 0; i < tiny.size(); i++) {
      String flag = tiny.get(i);
      boolean valued = i + 1 < tiny.size() && !tiny.get(i + 1).startsWith("--");
      if (!given.contains(flag)) {
        all.add(flag);
        if (valued) {
          all.add(tiny.get(i + 1));
        }
      }
      i += valued ? 1 : 0;
    }
    all.addAll(given);
    return all.toArray(String[]::new);
  }

  static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    if (ctrlCIsIgnored()) {
      command.addAll(List.of("env", "--default-signal=INT"));
    }
    command.add(LAUNCHER.toString());
    command.addAll(List.of(arguments));
    return command;
  }

  /** A shell ignores it for what it starts in the background, and children inherit that. */
  private static boolean ctrlCIsIgnored() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("SigIgn:"))
          .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
    } catch (IOException e) {
      return false;
    }
  }

  long pid() {
    return process.pid();
  }

  String out() {
    return read(out);
  }

  String err() {
    return read(err);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits for its end and returns its exit code. */
  int await() {
    try {
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError(described("does not end within " + LIMIT_SECONDS + " s"));
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      close();
    }
  }

  /** Waits until the output or the errors hold a text. */
  void awaitWords(String text) {
    await(text + " from " + command, process::isAlive, () -> (out() + err()).contains(text));
  }

  /** Waits until a file holds a text. */
  static void awaitWords(Path file, String text) {
    await(text + " in " + file, () -> true, () -> Files.exists(file) && read(file).contains(text));
  }

  private static void await(String what, BooleanSupplier possible, BooleanSupplier there) {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!there.getAsBoolean()) {
      if (!possible.getAsBoolean() || System.nanoTime() > limit) {
        throw new AssertionError("waited in vain for: " + what);
      }
      try {
        TimeUnit.MILLISECONDS.sleep(20);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Sends a signal, {@code INT} or {@code TERM}, to others first and then to this process. */
  void signal(String name, List<Integer> others) throws IOException, InterruptedException {
    List<String> kill = new ArrayList<>(List.of("kill", "-" + name));
    others.forEach(pid -> kill.add("" + pid));
    kill.add("" + pid());
    assertThat(new ProcessBuilder(kill).start().waitFor()).isZero();
  }

  /** Ended with this code and exactly these errors; no output of Java's shines through. */
  void endedWith(int code, String errors) {
    int ended = await();
    assertThat(err().strip()).as(described("exit " + ended)).isEqualTo(errors);
    assertThat(ended).as(described("errors as they should be")).isEqualTo(code);
  }

  /** Ended well, without a word of complaint unless it was asked to speak. */
  Bellman succeeded() {
    int ended = await();
    assertThat(ended).as(described("exit " + ended)).isZero();
    assertThat(err()).doesNotContain("Exception", "\tat ");
    return this;
  }

  private String described(String what) {
    return command + " " + what + "\n--- out\n" + out() + "--- err\n" + err() + "---\n";
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
