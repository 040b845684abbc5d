package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A small jar of the layout of the real one, which has 2 GB. */
@EnabledOnOs(OS.LINUX)
class CudaRedistTest {
  private static final String FOLDER = "org/bytedeco/cuda/linux-x86_64/";
  private static final List<String> WANTED =
      List.of(
          "libcublas.so.12",
          "libcublasLt.so.12",
          "libcudnn.so.9",
          "libcudnn_graph.so.9",
          "libcudnn_engines_precompiled.so.9",
          "libnvrtc.so.12",
          "libnvrtc-builtins.so.12.6");
  private static final List<String> OTHERS =
      List.of(
          "libcufft.so.11",
          "libnvblas.so.12",
          "libjnicublas.so",
          "libcudart.so.12",
          "libnvrtc-builtins.alt.so.12.6");

  @TempDir Path folder;

  private Path jar(List<String> names) throws IOException {
    Path jar = folder.resolve("redist.jar");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      for (String name : names) {
        zip.putNextEntry(new ZipEntry(FOLDER + name));
        zip.write(("contents of " + name).getBytes(StandardCharsets.UTF_8));
      }
      zip.putNextEntry(new ZipEntry("META-INF/libcublas.so.12"));
    }
    return jar;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private Path cache() {
    return folder.resolve("cache");
  }

  @Test
  void whatAnInterruptedOneLeftIsDeleted() throws IOException {
    Path unpacked = CudaRedist.unpack(jar(WANTED), folder.resolve("elsewhere"));
    Path parent =
        Files.createDirectories(
            cache().resolve(folder.resolve("elsewhere").relativize(unpacked)).getParent());
    Files.writeString(
        Files.createDirectory(parent.resolve(".new77")).resolve("libcublas.so.12"), "half");
    CudaRedist.unpack(jar(WANTED), cache());
    assertThat(names(parent)).containsExactly(unpacked.getFileName().toString());
  }

  @Test
  void cublasCudnnAndNvrtcAloneAreUnpackedAndFound() throws IOException {
    Path jar = jar(Stream.concat(WANTED.stream(), OTHERS.stream()).toList());
    Path unpacked = CudaRedist.unpack(jar, cache());
    assertThat(names(unpacked)).containsExactlyInAnyOrderElementsOf(WANTED);
    assertThat(unpacked.resolve("libcudnn.so.9")).hasContent("contents of libcudnn.so.9");
    LibrarySearch search =
        LibrarySearch.of(Optional.empty(), Map.of(), folder, folder.resolve("home"), cache());
    CudaLibraries.Installation found = CudaLibraries.choose(search, 12080);
    assertThat(found.files().values()).allMatch(file -> file.getParent().equals(unpacked));
    // A second time nothing is touched.
    Files.delete(jar);
    assertThat(CudaRedist.unpack(jar, cache())).isEqualTo(unpacked);
  }

  @Test
  void anotherJarLeavesNothing() throws IOException {
    Path jar = jar(List.of("libcublas.so.12", "libcublasLt.so.12", "libnvrtc.so.12"));
    assertThatThrownBy(() -> CudaRedist.unpack(jar, cache()))
        .isInstanceOf(IOException.class)
        .hasMessage(jar + " holds no libcudnn.so.9; it should be " + CudaRedist.coordinates());
    assertThat(names(cache().resolve("cuda"))).isEmpty();
  }

  @Test
  void aDamagedJarLeavesNothing() throws IOException {
    Path jar = jar(WANTED);
    byte[] bytes = Files.readAllBytes(jar);
    // The first file's packed bytes, behind its header; the table at the end stays whole.
    for (int i = 30 + FOLDER.length() + WANTED.get(0).length(); bytes[i] != 'P'; i++) {
      bytes[i] ^= 1;
    }
    Files.write(jar, bytes);
    assertThatThrownBy(() -> CudaRedist.unpack(jar, cache())).isInstanceOf(IOException.class);
    assertThat(names(cache().resolve("cuda"))).isEmpty();
  }

  @Test
  void whatMavenCallsIt() {
    assertThat(CudaRedist.coordinates())
        .isEqualTo("org.bytedeco:cuda:12.6-9.5-1.5.11:jar:linux-x86_64-redist");
    assertThat(CudaRedist.in(Path.of("/m2")))
        .hasToString(
            "/m2/org/bytedeco/cuda/12.6-9.5-1.5.11/cuda-12.6-9.5-1.5.11-linux-x86_64-redist.jar");
  }
}
