package bellman.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The archive as its user has it: no Java, an empty home, nothing on the path but a shell. */
@EnabledIfSystemProperty(named = "bellman.archive", matches = ".+", disabledReason = "not -Pdist")
class ArchiveIT {
  private static final long MOST = 60L << 20; // bytes

  @TempDir private static Path place;
  private static Path home;
  private static Path tests;

  @TempDir private Path folder;

  @BeforeAll
  static void unpack() throws IOException {
    for (String archive : List.of("bellman.archive", "bellman.gpu-tests")) {
      Path file = Path.of(System.getProperty(archive));
      assertThat(Files.size(file)).as(file.toString()).isLessThan(MOST);
      Bellman.program(place, List.of("tar", "xf", file.toString())).endedWith(0, "");
    }
    try (Stream<Path> folders = Files.list(place)) {
      for (Path unpacked :
          folders.filter(f -> f.getFileName().toString().startsWith("b")).toList()) {
        if (unpacked.toString().endsWith("-gpu-tests")) {
          tests = unpacked;
        } else {
          home = unpacked;
        }
      }
    }
    Path bin = Files.createDirectory(place.resolve("path"));
    for (String program : List.of("bash", "env", "dirname", "readlink", "getconf", "sh")) {
      Files.createSymbolicLink(bin.resolve(program), Path.of("/usr/bin", program));
    }
  }

  private Bellman run(Path program, String... arguments) {
    List<String> command = new ArrayList<>(List.of("/usr/bin/env", "-i"));
    command.add("HOME=" + folder);
    command.add("PATH=" + place.resolve("path"));
    command.add("BELLMAN_JAVA_OPTS=-Djmh.ignoreLock=true"); // others may measure, we do not
    command.add(program.toString());
    command.addAll(List.of(arguments));
    return Bellman.program(folder, command).succeeded();
  }

  private Bellman bellman(String... arguments) {
    return run(home.resolve("bin/bellman"), arguments);
  }

  @Test
  void doctorThroughALinkFromAnotherFolder() throws IOException {
    Path spaced = Files.createSymbolicLink(folder.resolve("my tools"), home);
    Path link = Files.createSymbolicLink(folder.resolve("b"), spaced.resolve("bin/bellman"));
    assertThat(run(link, "doctor").out())
        .contains(" in " + home.resolve("runtime"), "ok    device onednn ")
        .contains("ok    launcher          " + home.resolve("bin/bellman") + ", for players");
  }

  @Test
  void trainsAndEvaluates() {
    assertThat(bellman(Bellman.tiny("--run-id", "r", "--test-steps", "30")).out())
        .contains("device: oneDNN ", "Done at step 330");
    assertThat(bellman("evaluate", "r", "--episodes", "2").out()).contains("2 episodes: ");
  }

  @Test
  void playsForATrainer() {
    assertThat(bellman("gridworld", "--install", "envs").out()).startsWith("envs/GridWorld");
    bellman(Bellman.tiny("--quiet", "--run-id", "r", "--env", "envs/GridWorld.x86_64"));
    assertThat(folder.resolve("results/r/run_logs/Player-0.log")).exists();
  }

  @Test
  void benchmarks() {
    String[] tiny = {
      "bench",
      "Act",
      "--device",
      "java",
      "--forks",
      "1",
      "--time",
      "20",
      "-p",
      "product=64x64x64",
      "-p",
      "shape=64x64",
      "--chart",
      "roof.png"
    };
    assertThat(bellman(tiny).out())
        .containsPattern("ActBenchmark.act .* GFLOP/s .* % GEMM")
        .contains("java: Java ");
    assertThat(folder.resolve("roof.png")).isNotEmptyFile();
  }

  @Test
  void gpuTestsEndWellWithOrWithoutAGpu() {
    assertThat(run(tests.resolve("bin/gpu-tests"), "--include-classname", ".*CudaParityTest").out())
        .contains("CudaParityTest", "[         0 tests failed          ]")
        .doesNotContain("[         0 tests started");
  }

  @Test
  void licencesAndNothingOfNvidias() throws IOException {
    assertThat(home.resolve("NOTICE")).exists();
    assertThat(home.resolve("runtime/legal/java.base")).isNotEmptyDirectory();
    assertThat(home.resolve("licenses/jmh-core-1.37/LICENSE")).exists();
    assertThat(home.resolve("licenses/THIRD-PARTY.txt"))
        .content()
        .contains("(MIT) jcuda (org.jcuda:jcuda:", "(BSD-3-Clause) Protocol Buffers");
    List<String> natives = new ArrayList<>();
    try (Stream<Path> jars = Files.list(home.resolve("lib"))) {
      for (Path jar : jars.toList()) {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
          zip.stream().map(ZipEntry::getName).filter(n -> n.contains(".so")).forEach(natives::add);
        }
      }
    }
    assertThat(natives)
        .contains("lib/libJCudaDriver-12.6.0-linux-x86_64.so")
        .noneMatch(n -> n.contains("JNvPTXCompiler") || n.contains("JCudaRuntime"))
        .noneMatch(n -> n.contains("aarch"));
  }
}
