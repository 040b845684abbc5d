package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;

/** JCuda's own natives, made to ask for CUDA 13. */
class ElfTest {
  private static byte[] library(String name) throws IOException {
    String file = "/lib/lib" + name + "-12.6.0-linux-x86_64.so";
    try (InputStream in = ElfTest.class.getResourceAsStream(file)) {
      assumeTrue(in != null, file + " is not on the class path of this platform");
      return in.readAllBytes();
    }
  }

  @Test
  void cublasIsRenamedInBothPlaces() throws IOException {
    byte[] library = library("JCublas2");
    Elf before = new Elf(library);
    assertThat(before.needed()).contains("libcublas.so.12");
    assertThat(before.versions()).contains("libcublas.so.12");
    assertThat(before.hashesFit()).isTrue();
    CudaLibraries.relink(library);
    Elf after = new Elf(library);
    assertThat(after.needed()).contains("libcublas.so.13").doesNotContain("libcublas.so.12");
    assertThat(after.versions()).contains("libcublas.so.13").doesNotContain("libcublas.so.12");
    assertThat(after.hashesFit()).isTrue();
    assertThat(after.needed()).hasSameSizeAs(before.needed());
  }

  @Test
  void nvrtcToo() throws IOException {
    byte[] library = library("JNvrtc");
    CudaLibraries.relink(library);
    Elf after = new Elf(library);
    assertThat(after.needed()).contains("libnvrtc.so.13").doesNotContain("libnvrtc.so.12");
    assertThat(after.versions()).contains("libnvrtc.so.13").doesNotContain("libnvrtc.so.12");
    assertThat(after.hashesFit()).isTrue();
  }

  @Test
  void whatNamesNeitherStaysAsItIs() throws IOException {
    byte[] library = library("JCudnn");
    byte[] before = library.clone();
    assertThat(new Elf(library).needed()).contains("libcudnn.so.9");
    CudaLibraries.relink(library);
    assertThat(library).isEqualTo(before);
  }

  @Test
  void hashIsTheAbis() {
    assertThat(Elf.hash("GLIBC_2.2.5")).isEqualTo(0x09691a75); // as readelf -V shows it
  }

  @Test
  void otherFilesAreErrors() throws IOException {
    assertThatThrownBy(() -> new Elf(new byte[100])).hasMessage("not a 64-bit ELF library");
    byte[] library = library("JNvrtc");
    assertThatThrownBy(() -> new Elf(library).rename("libnvrtc.so.12", "libnvrtc.so.9"))
        .hasMessageContaining("differ in length");
  }
}
